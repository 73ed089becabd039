package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// authority is a certificate authority, which lasts as long as its cluster.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// signed is a certificate with its key, both PEM.
type signed struct{ certificate, key string }

// subject is who a certificate is for; Kubernetes reads user and groups from it.
type subject struct {
	user   string
	groups []string
	hosts  []string
	ips    []string
}

func newAuthority(name string) (authority, signed, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authority{}, signed{}, err
	}
	template := validFor(pkix.Name{CommonName: name})
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	ca := authority{template, key}
	own, err := ca.sign(template, key)
	return ca, own, err
}

// issue makes a certificate that serves as a server's, where it has hosts, and as a client's.
func (ca authority) issue(s subject) (signed, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return signed{}, err
	}
	template := validFor(pkix.Name{CommonName: s.user, Organization: s.groups})
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if len(s.hosts)+len(s.ips) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	template.DNSNames = s.hosts
	for _, ip := range s.ips {
		template.IPAddresses = append(template.IPAddresses, net.ParseIP(ip))
	}
	return ca.sign(template, key)
}

func (ca authority) sign(template *x509.Certificate, key *ecdsa.PrivateKey) (signed, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, ca.certificate, key.Public(), ca.key)
	if err != nil {
		return signed{}, err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return signed{}, err
	}
	return signed{block("CERTIFICATE", der), block("EC PRIVATE KEY", private)}, nil
}

func validFor(name pkix.Name) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      name,
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(0, 1, 0),
	}
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// kubeconfig is how a client finds the API server and says who it is.
func kubeconfig(server string, ca, client signed) string {
	in := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- name: fedhub
  cluster: {server: %q, certificate-authority-data: %s}
users:
- name: fedhub
  user: {client-certificate-data: %s, client-key-data: %s}
contexts:
- name: fedhub
  context: {cluster: fedhub, user: fedhub}
current-context: fedhub
`, server, in(ca.certificate), in(client.certificate), in(client.key))
}

// writeCertificates writes who is who in the cluster, as kubeadm lays it out.
func (f folder) writeCertificates() error {
	ca, caSigned, err := newAuthority("kubernetes")
	if err != nil {
		return err
	}
	// etcd has an authority of its own: no client of the API server may speak to it.
	etcd, etcdSigned, err := newAuthority("etcd")
	if err != nil {
		return err
	}
	_, accounts, err := newAuthority("service accounts")
	if err != nil {
		return err
	}
	certificates := []struct {
		name string
		by   authority
		subject
	}{
		{"apiserver", ca, subject{
			user: "kube-apiserver",
			hosts: []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc",
				"kubernetes.default.svc.cluster.local", "localhost"},
			ips: []string{apiService, nodeAddress, "127.0.0.1"},
		}},
		{"apiserver-kubelet-client", ca, subject{user: "kube-apiserver-kubelet-client", groups: []string{"system:masters"}}},
		{"kubelet-serving", ca, subject{user: "system:node:" + nodeName, groups: []string{"system:nodes"},
			hosts: []string{nodeName}, ips: []string{nodeAddress}}},
		{"etcd-serving", etcd, subject{user: "etcd", ips: []string{"127.0.0.1"}}},
		{"apiserver-etcd-client", etcd, subject{user: "kube-apiserver"}},
	}
	pairs := map[string]signed{"ca": caSigned, "etcd-ca": etcdSigned, "service-accounts": accounts}
	for _, c := range certificates {
		if pairs[c.name], err = c.by.issue(c.subject); err != nil {
			return err
		}
	}
	for name, pair := range pairs {
		if err := f.write(pair.certificate, "pki", name+".crt"); err != nil {
			return err
		}
		if err := f.write(pair.key, "pki", name+".key"); err != nil {
			return err
		}
	}
	for name, who := range map[string]subject{
		"admin":                   {user: "admin", groups: []string{"system:masters"}},
		"kubelet":                 {user: "system:node:" + nodeName, groups: []string{"system:nodes"}},
		"kube-controller-manager": {user: "system:kube-controller-manager"},
		"kube-scheduler":          {user: "system:kube-scheduler"},
		"kube-proxy":              {user: "system:kube-proxy"},
		"coredns":                 {user: "system:coredns"},
	} {
		client, err := ca.issue(who)
		if err != nil {
			return err
		}
		if err := f.write(kubeconfig(apiServer, caSigned, client), name+".kubeconfig"); err != nil {
			return err
		}
	}
	return nil
}
