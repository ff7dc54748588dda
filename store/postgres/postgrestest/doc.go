// Package postgrestest runs throwaway PostgreSQL servers for tests and benchmarks.
// A server listens on a socket only its user can reach, keeps its data in a
// temporary directory, and ends with the process that started it, however that
// ends. The programs of PostgreSQL must be installed (Debian: postgresql); no
// cluster of the machine is touched.
package postgrestest
