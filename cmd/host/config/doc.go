// Package config reads host.yaml: strictly, with the environment's variables
// filled in, and with everything that is wrong reported at once.
package config
