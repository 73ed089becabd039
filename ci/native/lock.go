package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A machine has one cluster at a time: link, cgroups and sysctls have fixed names. Whoever brings
// one up or clears one holds a lock on this file, and so does the node for as long as it lives. The
// kernel lets go of it with the last process that has it, however that ends. The file says which
// folder is the holder's. https://man7.org/linux/man-pages/man2/flock.2.html
const lockFile = "/run/lock/fedhub-cluster"

// lockNumber is the node's number of the lock's file: the first after standard error.
const lockNumber = 3

// lock takes the machine for a cluster, or says whose it is. Closing the file gives it back.
func (f folder) lock() (*os.File, error) {
	own, err := filepath.Abs(f.path())
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(lockFile, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		holder := lockHolder()
		return nil, fmt.Errorf("this machine has a cluster already, in %s; take it down first: FEDHUB_CLUSTER=%s ci/cluster down", holder, holder)
	}
	if err := file.Truncate(0); err != nil {
		file.Close()
		return nil, err
	}
	if _, err := file.WriteAt([]byte(own+"\n"), 0); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// lockSoon is lock, with patience for an `up` that is about to give the lock back, since its node
// was ended.
func (f folder) lockSoon() (*os.File, error) {
	var file *os.File
	var err error
	for range 100 {
		if file, err = f.lock(); err == nil {
			return file, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, err
}

func lockHolder() string {
	text, _ := os.ReadFile(lockFile)
	return strings.TrimSpace(string(text))
}
