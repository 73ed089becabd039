// A Kubernetes of one node in one program, for machines where kind can't run.
//
// `cluster up FOLDER` starts one process, the node, in namespaces of its own: processes, mounts,
// network, host name. All else runs inside: etcd, the control plane, containerd, the kubelet,
// kube-proxy, CoreDNS and the pods. So when the node ends, all of it ends, with each mount, bridge
// and firewall rule. What it keeps is under FOLDER. ci/cluster builds and calls this program.
//
// Read on in up.go (from outside), node.go (inside) and components.go (what runs there).
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		misused()
	}
	if component, known := linked[os.Args[1]]; known {
		os.Args = append([]string{os.Args[1]}, os.Args[2:]...)
		component()
		return
	}
	if len(os.Args) != 3 {
		misused()
	}
	command, known := map[string]func(folder) error{"up": up, "node": node, "down": down}[os.Args[1]]
	if !known {
		misused()
	}
	if err := command(folder(os.Args[2])); err != nil {
		fmt.Fprintf(os.Stderr, "cluster: %v\n", err)
		os.Exit(1)
	}
}

func misused() {
	fmt.Fprintln(os.Stderr, "usage: cluster up|down FOLDER")
	os.Exit(2)
}
