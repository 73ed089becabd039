package main

import "fmt"

// Addresses. The node's network is its own; only hostAddress and nodeAddress are seen outside.
const (
	nodeName    = "fedhub"
	hostLink    = "fedhub0"
	nodeLink    = "fedhub1"
	hostAddress = "10.213.0.1"
	nodeAddress = "10.213.0.2"
	apiServer   = "https://" + nodeAddress + ":6443"
	pods        = "10.244.0.0/16"
	services    = "10.96.0.0/16"
	apiService  = "10.96.0.1"
	dnsService  = "10.96.0.10"
	cgroup      = "fedhub-cluster"
	pauseImage  = "docker.io/fedhub/pause:1"
)

// command is one process of the node; a name in `linked` is this program itself.
type command struct {
	name string
	args []string
}

func (f folder) store() []command {
	url := "https://127.0.0.1:2379"
	return []command{
		{"etcd", []string{
			"--data-dir=" + f.path("etcd"),
			"--listen-client-urls=" + url, "--advertise-client-urls=" + url,
			"--listen-peer-urls=http://127.0.0.1:2380",
			"--cert-file=" + f.path("pki", "etcd-serving.crt"), "--key-file=" + f.path("pki", "etcd-serving.key"),
			"--client-cert-auth", "--trusted-ca-file=" + f.path("pki", "etcd-ca.crt"),
			// A cluster that is thrown away need not survive a power cut.
			"--unsafe-no-fsync",
		}},
		{"containerd", []string{"--config", f.path("containerd.toml")}},
	}
}

func (f folder) apiServer() command {
	pki := func(name string) string { return f.path("pki", name) }
	return command{"kube-apiserver", []string{
		"--advertise-address=" + nodeAddress, "--secure-port=6443",
		"--allow-privileged", "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
		"--client-ca-file=" + pki("ca.crt"),
		"--tls-cert-file=" + pki("apiserver.crt"), "--tls-private-key-file=" + pki("apiserver.key"),
		"--etcd-servers=https://127.0.0.1:2379", "--etcd-cafile=" + pki("etcd-ca.crt"),
		"--etcd-certfile=" + pki("apiserver-etcd-client.crt"), "--etcd-keyfile=" + pki("apiserver-etcd-client.key"),
		"--kubelet-client-certificate=" + pki("apiserver-kubelet-client.crt"),
		"--kubelet-client-key=" + pki("apiserver-kubelet-client.key"),
		"--kubelet-certificate-authority=" + pki("ca.crt"),
		// Nobody resolves the node's name.
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + pki("service-accounts.crt"),
		"--service-account-signing-key-file=" + pki("service-accounts.key"),
		"--service-cluster-ip-range=" + services,
	}}
}

// rest is what needs the API server.
func (f folder) rest() []command {
	as := func(name string) []string {
		own := f.path(name + ".kubeconfig")
		return []string{"--kubeconfig=" + own, "--authentication-kubeconfig=" + own,
			"--authorization-kubeconfig=" + own, "--leader-elect=false"}
	}
	return []command{
		{"kube-controller-manager", append(as("kube-controller-manager"),
			"--use-service-account-credentials",
			"--root-ca-file="+f.path("pki", "ca.crt"),
			"--service-account-private-key-file="+f.path("pki", "service-accounts.key"),
			"--cluster-signing-cert-file="+f.path("pki", "ca.crt"),
			"--cluster-signing-key-file="+f.path("pki", "ca.key"))},
		{"kube-scheduler", as("kube-scheduler")},
		{"kube-proxy", []string{"--kubeconfig=" + f.path("kube-proxy.kubeconfig"),
			"--hostname-override=" + nodeName, "--cluster-cidr=" + pods, "--proxy-mode=iptables",
			// The limit is the whole machine's, and not ours to change.
			"--conntrack-max-per-core=0"}},
		{"kubelet", []string{"--kubeconfig=" + f.path("kubelet.kubeconfig"), "--config=" + f.path("kubelet.yaml"),
			"--root-dir=" + f.path("kubelet"), "--hostname-override=" + nodeName, "--node-ip=" + nodeAddress}},
		{"coredns", []string{"-conf", f.path("Corefile")}},
	}
}

// writeSettings writes the files that the components are configured by.
func (f folder) writeSettings() error {
	for name, text := range map[string]string{
		"containerd.toml": fmt.Sprintf(`version = 2
root = %q
state = %q
[grpc]
  address = %q
[plugins."io.containerd.internal.v1.opt"]
  path = %q
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %q
  disable_apparmor = true
  # Without CAP_SYS_RESOURCE no pod could have the score that the kubelet asks for.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = %q
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`, f.path("containerd"), "/run/containerd", f.path("containerd.sock"), f.path("opt"), pauseImage, f.path("cni")),
		"cni/10-bridge.conflist": fmt.Sprintf(`{
  "cniVersion": "0.4.0",
  "name": "pods",
  "plugins": [
    {"type": "bridge", "bridge": "pods", "isGateway": true, "ipMasq": true, "hairpinMode": true,
     "ipam": {"type": "host-local", "dataDir": %q, "ranges": [[{"subnet": %q}]],
              "routes": [{"dst": "0.0.0.0/0"}]}},
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`, f.path("addresses"), pods),
		"kubelet.yaml": fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  x509: {clientCAFile: %q}
  anonymous: {enabled: false}
  webhook: {enabled: true}
authorization: {mode: Webhook}
tlsCertFile: %q
tlsPrivateKeyFile: %q
containerRuntimeEndpoint: %q
clusterDomain: cluster.local
clusterDNS: [%s]
# Changed Secrets reach pods in seconds; the default is a minute.
syncFrequency: 10s
resolvConf: ""
cgroupDriver: cgroupfs
cgroupRoot: /%s
failSwapOn: false
failCgroupV1: false
# A full disk of the machine is none of the cluster's business.
evictionHard: {}
imageGCHighThresholdPercent: 100
oomScoreAdj: 0
`, f.path("pki", "ca.crt"), f.path("pki", "kubelet-serving.crt"), f.path("pki", "kubelet-serving.key"),
			"unix://"+f.path("containerd.sock"), dnsService, cgroup),
		"Corefile": fmt.Sprintf(`.:53 {
  bind %s
  errors
  cache 5
  kubernetes cluster.local in-addr.arpa {
    kubeconfig %s
  }
}
`, nodeAddress, f.path("coredns.kubeconfig")),
	} {
		if err := f.write(text, name); err != nil {
			return err
		}
	}
	return nil
}
