package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// sysctls are the machine's settings that a kubelet changes.
var sysctls = []string{"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
	"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"}

func (f folder) keepSysctls() error {
	for _, name := range sysctls {
		text, err := os.ReadFile(filepath.Join("/proc/sys", name))
		if err != nil {
			return err
		}
		if err := f.write(string(text), "sysctls", name); err != nil {
			return err
		}
	}
	return nil
}

func (f folder) restoreSysctls() error {
	for _, name := range sysctls {
		before, err := os.ReadFile(f.path("sysctls", name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // `up` did not come that far
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join("/proc/sys", name), before, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// cgroupRoots are the mounted hierarchies: one each with cgroup v1, one altogether with v2.
func cgroupRoots() ([]string, error) {
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	var roots []string
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if fields[2] == "cgroup" || fields[2] == "cgroup2" {
			roots = append(roots, fields[1])
		}
	}
	return roots, nil
}

// makeCgroups makes the cgroup under which the kubelet puts all pods.
func makeCgroups() error {
	roots, err := cgroupRoots()
	if err != nil {
		return err
	}
	for _, root := range roots {
		if err := os.MkdirAll(filepath.Join(root, cgroup), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// removeCgroups removes it, with all below it, which have no process left.
func removeCgroups() error {
	roots, err := cgroupRoots()
	if err != nil {
		return err
	}
	for _, root := range roots {
		var found []string
		err := filepath.WalkDir(filepath.Join(root, cgroup), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				found = append(found, path)
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, path := range slices.Backward(found) {
			if err := removeWhenFree(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeWhenFree gives the kernel time: a cgroup stays busy for a while after its last process.
func removeWhenFree(path string) error {
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := os.Remove(path)
		if !errors.Is(err, syscall.EBUSY) || time.Now().After(end) {
			return err
		}
	}
}
