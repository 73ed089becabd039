package main

import (
	"context"
	"fmt"

	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	rbac "k8s.io/api/rbac/v1"
	storage "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"
)

// volumes is how many claims can be bound: there is no provisioner, only volumes made beforehand.
const volumes = 20

// create makes what every cluster has: names by DNS, and storage by default.
func (f folder) create(ctx context.Context, admin kubernetes.Interface) error {
	for _, make := range []func(context.Context, kubernetes.Interface) error{createDNS, f.createStorage} {
		if err := make(ctx, admin); err != nil {
			return err
		}
	}
	return nil
}

// createDNS leads the Service to the CoreDNS that runs on the node, outside of any pod.
func createDNS(ctx context.Context, admin kubernetes.Interface) error {
	ports := []core.ServicePort{
		{Name: "dns", Protocol: core.ProtocolUDP, Port: 53},
		{Name: "dns-tcp", Protocol: core.ProtocolTCP, Port: 53},
	}
	var ends []discovery.EndpointPort
	for _, port := range ports {
		ends = append(ends, discovery.EndpointPort{Name: ptr.To(port.Name), Protocol: ptr.To(port.Protocol), Port: ptr.To(port.Port)})
	}
	_, err := admin.CoreV1().Services("kube-system").Create(ctx, &core.Service{
		ObjectMeta: meta.ObjectMeta{Name: "kube-dns", Labels: map[string]string{"k8s-app": "kube-dns"}},
		Spec:       core.ServiceSpec{ClusterIP: dnsService, Ports: ports},
	}, meta.CreateOptions{})
	if unless(err) != nil {
		return err
	}
	_, err = admin.DiscoveryV1().EndpointSlices("kube-system").Create(ctx, &discovery.EndpointSlice{
		ObjectMeta:  meta.ObjectMeta{Name: "kube-dns", Labels: map[string]string{discovery.LabelServiceName: "kube-dns"}},
		AddressType: discovery.AddressTypeIPv4,
		Endpoints:   []discovery.Endpoint{{Addresses: []string{nodeAddress}}},
		Ports:       ends,
	}, meta.CreateOptions{})
	if unless(err) != nil {
		return err
	}
	watch := []string{"get", "list", "watch"}
	_, err = admin.RbacV1().ClusterRoles().Create(ctx, &rbac.ClusterRole{
		ObjectMeta: meta.ObjectMeta{Name: "system:coredns"},
		Rules: []rbac.PolicyRule{
			{APIGroups: []string{""}, Resources: []string{"services", "pods", "namespaces"}, Verbs: watch},
			{APIGroups: []string{"discovery.k8s.io"}, Resources: []string{"endpointslices"}, Verbs: watch},
		},
	}, meta.CreateOptions{})
	if unless(err) != nil {
		return err
	}
	_, err = admin.RbacV1().ClusterRoleBindings().Create(ctx, &rbac.ClusterRoleBinding{
		ObjectMeta: meta.ObjectMeta{Name: "system:coredns"},
		RoleRef:    rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "ClusterRole", Name: "system:coredns"},
		Subjects:   []rbac.Subject{{APIGroup: rbac.GroupName, Kind: rbac.UserKind, Name: "system:coredns"}},
	}, meta.CreateOptions{})
	return unless(err)
}

// createStorage makes the default StorageClass and volumes of it, folders of the node.
func (f folder) createStorage(ctx context.Context, admin kubernetes.Interface) error {
	_, err := admin.StorageV1().StorageClasses().Create(ctx, &storage.StorageClass{
		ObjectMeta: meta.ObjectMeta{
			Name:        "standard",
			Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"},
		},
		Provisioner: "kubernetes.io/no-provisioner",
	}, meta.CreateOptions{})
	if unless(err) != nil {
		return err
	}
	for i := range volumes {
		name := fmt.Sprintf("volume-%02d", i)
		if err := f.openFolder("volumes", name); err != nil {
			return err
		}
		_, err := admin.CoreV1().PersistentVolumes().Create(ctx, &core.PersistentVolume{
			ObjectMeta: meta.ObjectMeta{Name: name},
			Spec: core.PersistentVolumeSpec{
				StorageClassName: "standard",
				Capacity:         core.ResourceList{core.ResourceStorage: resource.MustParse("20Gi")},
				AccessModes:      []core.PersistentVolumeAccessMode{core.ReadWriteOnce, core.ReadWriteMany},
				// A claim that is deleted leaves its volume used up, so no other claim finds old files.
				PersistentVolumeReclaimPolicy: core.PersistentVolumeReclaimRetain,
				PersistentVolumeSource: core.PersistentVolumeSource{
					HostPath: &core.HostPathVolumeSource{Path: f.path("volumes", name)},
				},
			},
		}, meta.CreateOptions{})
		if unless(err) != nil {
			return err
		}
	}
	return nil
}

// unless is an error, unless it says that the object is there already.
func unless(err error) error {
	if errors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
