//go:build !unix

package tool

import "os/exec"

func ownGroup(*exec.Cmd) {}

// terminateGroup kills: there are no signals here.
func terminateGroup(cmd *exec.Cmd) { killGroup(cmd) }

// killGroup may find nobody any more, which is what it wants.
func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
