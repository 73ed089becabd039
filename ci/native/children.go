package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// children are the components' processes by number.
type children struct {
	mutex sync.Mutex
	names map[int]string
}

// start holds the lock while it starts, so that no child is buried before it has its name.
func (c *children) start(name, path string, argv []string, attributes *os.ProcAttr) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	child, err := os.StartProcess(path, argv, attributes)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if c.names == nil {
		c.names = map[int]string{}
	}
	c.names[child.Pid] = name
	return child.Release()
}

// bury takes the dead away, and returns when one of them was a component.
func (c *children) bury() error {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.ECHILD):
			time.Sleep(10 * time.Millisecond) // none started yet
			continue
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return err
		}
		c.mutex.Lock()
		name := c.names[pid]
		c.mutex.Unlock()
		if name != "" {
			return fmt.Errorf("%s ended (status %d, signal %d)", name, status.ExitStatus(), status.Signal())
		}
	}
}
