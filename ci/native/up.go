package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// up starts a cluster and returns when a pod could run. Where a step fails, nothing is left but
// the logs, whose end it shows.
func up(f folder) error {
	if err := fits(f); err != nil {
		return err
	}
	lock, err := f.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := f.come(lock); err != nil {
		if cleared := f.clear(); cleared != nil {
			fmt.Fprintf(os.Stderr, "cluster: %v\n", cleared)
		}
		return err
	}
	return nil
}

// fits says what the machine lacks.
func fits(f folder) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("a cluster needs root; run this as root")
	}
	for _, file := range []string{"/usr/bin/containerd", "/usr/bin/ctr", "/usr/sbin/runc", "/usr/lib/cni/bridge", "/usr/sbin/iptables"} {
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("%s is missing; on Debian: apt install containerd runc containernetworking-plugins iptables", file)
		}
	}
	for _, hidden := range []string{"/var/", "/run/", "/proc/"} {
		if strings.HasPrefix(f.path(), hidden) {
			return fmt.Errorf("%s can't hold a cluster, which has a %s of its own; choose another folder", f, hidden)
		}
	}
	if p, runs := f.running(); runs {
		return fmt.Errorf("a cluster runs there already (process %d); take it down first: ci/cluster down", p.pid)
	}
	if _, err := os.Stat(f.path()); err == nil {
		return fmt.Errorf("%s is left from a cluster that ended by itself; clear it: ci/cluster down", f)
	}
	return nil
}

// step is a part of coming up, told by its name where it fails.
type step struct {
	name string
	do   func() error
}

func (f folder) come(lock *os.File) error {
	var admin kubernetes.Interface
	steps := []step{
		{"folder", func() error { return os.MkdirAll(f.path("logs"), 0o700) }},
		{"program", f.keepProgram},
		{"certificates", f.writeCertificates},
		{"settings", f.writeSettings},
		{"sysctls", f.keepSysctls},
		{"cgroups", makeCgroups},
		{"node", func() error { return f.startNode(lock) }},
		{"API server", func() error { return f.whileRunning("kube-apiserver", answersReady) }},
		{"pause image", func() error { return f.whileRunning("containerd", dials("unix", f.path("containerd.sock"))) }},
		{"pause image", f.loadPause},
		{"client", func() error {
			config, err := clientcmd.BuildConfigFromFlags("", f.path("admin.kubeconfig"))
			if err == nil {
				admin, err = kubernetes.NewForConfig(config)
			}
			return err
		}},
		{"objects", func() error {
			return f.whileRunning("objects", func(ctx context.Context) error { return f.create(ctx, admin) })
		}},
		{"node", func() error {
			return f.whileRunning("kubelet", func(ctx context.Context) error { return nodeReady(ctx, admin) })
		}},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// keepProgram has what took the cluster up at hand for taking it down, whatever the sources are then.
func (f folder) keepProgram() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return os.Symlink(self, f.path("program"))
}

// startNode starts the node in its namespaces, and lays its network before it goes on. The node
// holds the lock from then on.
func (f folder) startNode(lock *os.File) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.Create(f.path("logs", "node.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	child := exec.Command(self, "node", f.path())
	child.Stdout, child.Stderr = log, log
	child.ExtraFiles = []*os.File{lock} // as lockNumber
	child.SysProcAttr = &syscall.SysProcAttr{
		Setsid: true,
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET |
			syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
	}
	goOn, err := child.StdinPipe()
	if err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return fmt.Errorf("namespaces: %w", err)
	}
	go child.Wait() // so that it is no corpse, should it end before us
	if err := f.remember(child.Process.Pid); err != nil {
		return err
	}
	if err := hostNetwork(child.Process.Pid); err != nil {
		return fmt.Errorf("link %s: %w", hostLink, err)
	}
	return goOn.Close()
}

// whileRunning waits for something of the node's, and not longer than the node runs.
func (f folder) whileRunning(component string, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		if _, runs := f.running(); !runs {
			return fmt.Errorf("the node ended: %s", f.tail("node"))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; the end of its log:\n%s", err, f.tail(component))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func nodeReady(ctx context.Context, admin kubernetes.Interface) error {
	found, err := admin.CoreV1().Nodes().Get(ctx, nodeName, meta.GetOptions{})
	if err != nil {
		return err
	}
	for _, condition := range found.Status.Conditions {
		if condition.Type == "Ready" && condition.Status == "True" {
			return nil
		}
	}
	return fmt.Errorf("node %s is not Ready", nodeName)
}

// down ends the cluster and clears all that it left. There may be none.
func down(f folder) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("taking a cluster down needs root; run this as root")
	}
	if err := f.endNode(); err != nil {
		return err
	}
	lock, err := f.lockSoon()
	if err != nil {
		return err
	}
	defer lock.Close()
	return f.clear()
}

func (f folder) endNode() error {
	p, runs := f.running()
	if !runs {
		return nil
	}
	if err := p.kill(); err != nil {
		return err
	}
	for p.alive() {
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

// clear removes what a cluster leaves. The machine must be locked for it.
func (f folder) clear() error {
	if err := f.endNode(); err != nil {
		return err
	}
	for _, clear := range []func() error{unplug, removeCgroups, f.restoreSysctls, f.keepLogs} {
		if err := clear(); err != nil {
			return err
		}
	}
	return os.RemoveAll(f.path())
}

// keepLogs moves the logs beside the folder, for whoever looks for what went wrong.
func (f folder) keepLogs() error {
	logs := filepath.Clean(f.path()) + ".logs"
	if _, err := os.Stat(f.path("logs")); err != nil {
		return nil
	}
	if err := os.RemoveAll(logs); err != nil {
		return err
	}
	return os.Rename(f.path("logs"), logs)
}
