package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// folder holds all that a cluster keeps.
type folder string

// path is a place under the folder.
func (f folder) path(parts ...string) string {
	return filepath.Join(append([]string{string(f)}, parts...)...)
}

func (f folder) write(text string, parts ...string) error {
	path := f.path(parts...)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

// tail is the end of a component's log.
func (f folder) tail(component string) string {
	text, _ := os.ReadFile(f.path("logs", component+".log"))
	const most = 2000
	if len(text) > most {
		text = text[len(text)-most:]
	}
	return string(text)
}

// A process is told by its number and the time it started, since numbers are used again.
type process struct {
	pid     int
	started string
}

func (f folder) remember(pid int) error {
	started, err := startOf(pid)
	if err != nil {
		return err
	}
	return f.write(fmt.Sprintf("%d %s\n", pid, started), "node.pid")
}

// running is the node's process, if it still runs.
func (f folder) running() (process, bool) {
	var p process
	text, err := os.ReadFile(f.path("node.pid"))
	if err != nil {
		return p, false
	}
	if _, err := fmt.Sscan(string(text), &p.pid, &p.started); err != nil {
		return p, false
	}
	return p, p.alive()
}

func (p process) alive() bool {
	started, err := startOf(p.pid)
	return err == nil && started == p.started
}

// kill ends the node, and so all that is in its namespaces; the kernel waits for each of them.
func (p process) kill() error { return syscall.Kill(p.pid, syscall.SIGKILL) }

// openFolder makes a folder that every user may write to: hostPath volumes know no fsGroup.
func (f folder) openFolder(parts ...string) error {
	path := f.path(parts...)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	return os.Chmod(path, 0o777)
}
