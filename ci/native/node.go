package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// node is process 1 of the namespaces: it starts the components, buries orphans, and ends, and all
// with it, where a component ends. It waits on its standard input until its network is laid.
func node(f folder) error {
	if os.Getpid() != 1 {
		return fmt.Errorf("node is started by up, in namespaces of its own")
	}
	syscall.CloseOnExec(lockNumber) // the lock is the node's alone
	if _, err := io.ReadAll(os.Stdin); err != nil {
		return err
	}
	if err := f.ownMounts(); err != nil {
		return fmt.Errorf("mounts: %w", err)
	}
	if err := syscall.Sethostname([]byte(nodeName)); err != nil {
		return fmt.Errorf("host name: %w", err)
	}
	if err := nodeNetwork(); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	names := &children{}
	failed := make(chan error, 1)
	go func() { failed <- f.startAll(names) }()
	go func() { failed <- names.bury() }()
	for {
		if err := <-failed; err != nil {
			return err
		}
	}
}

func (f folder) ownMounts() error {
	// No mount of ours is seen outside; inside, the kubelet's are seen by the pods.
	for _, propagation := range []uintptr{syscall.MS_PRIVATE, syscall.MS_SHARED} {
		if err := syscall.Mount("", "/", "", syscall.MS_REC|propagation, ""); err != nil {
			return err
		}
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return err
	}
	if err := syscall.Mount("run", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	// containerd, the kubelet and CNI plugins have fixed names below it.
	if err := os.MkdirAll(f.path("var", "log"), 0o755); err != nil {
		return err
	}
	if err := os.Symlink("/run", f.path("var", "run")); err != nil {
		return err
	}
	return syscall.Mount(f.path("var"), "/var", "", syscall.MS_BIND, "")
}

func (f folder) startAll(names *children) error {
	for _, c := range f.store() {
		if err := f.start(names, c); err != nil {
			return err
		}
	}
	if err := until("etcd", dials("tcp", "127.0.0.1:2379")); err != nil {
		return err
	}
	if err := f.start(names, f.apiServer()); err != nil {
		return err
	}
	if err := until("containerd", dials("unix", f.path("containerd.sock"))); err != nil {
		return err
	}
	if err := until("kube-apiserver", answersReady); err != nil {
		return err
	}
	for _, c := range f.rest() {
		if err := f.start(names, c); err != nil {
			return err
		}
	}
	return nil
}

func (f folder) start(names *children, c command) error {
	path, argv := "/usr/bin/"+c.name, append([]string{c.name}, c.args...)
	if _, own := linked[c.name]; own {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		path, argv = self, append([]string{self, c.name}, c.args...)
	}
	log, err := os.Create(f.path("logs", c.name+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer nothing.Close()
	return names.start(c.name, path, argv, &os.ProcAttr{Dir: "/", Env: os.Environ(), Files: []*os.File{nothing, log, log}})
}

// startOf is when a process started, in the kernel's ticks; an error where it is gone or a corpse.
func startOf(pid int) (string, error) {
	text, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(pid), "stat"))
	if err != nil {
		return "", err
	}
	// The name, in brackets, may hold spaces; after it come state (3rd field) … start (22nd).
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if fields[0] == "Z" || fields[0] == "X" {
		return "", os.ErrProcessDone
	}
	return fields[19], nil
}

// until waits for a component, a minute at most.
func until(name string, ready func(context.Context) error) error {
	end, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		err := ready(end)
		if err == nil {
			return nil
		}
		select {
		case <-end.Done():
			return fmt.Errorf("%s did not get ready in a minute: %w", name, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func dials(network, address string) func(context.Context) error {
	return func(ctx context.Context) error {
		connection, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			connection.Close()
		}
		return err
	}
}

func answersReady(ctx context.Context) error {
	// Only whether it answers; its clients check who it is.
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, apiServer+"/readyz", nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", answer.Status)
	}
	return nil
}
