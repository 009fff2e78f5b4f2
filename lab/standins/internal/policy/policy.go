// Package policy tells each proxy who may call its pod, from the Servers, HTTPRoutes, AuthorizationPolicies and
// authentications of its namespace, as Linkerd's policy controller does.
package policy

import (
	"context"
	"net/http"
	"slices"

	"daybreak/lab/standins/internal/gateway"
	"daybreak/lab/standins/internal/kube"
	"daybreak/lab/standins/internal/mesh"
	"daybreak/lab/standins/internal/stream"
)

const group = "/apis/policy.linkerd.io/"

// Settings are the chart values that matter here.
type Settings struct {
	ControlPlane, TrustDomain string
}

// Index mirrors what policies are made of.
type Index struct {
	settings Settings
	pods     *kube.Store[kube.Pod]
	servers  *kube.Store[kube.Server]
	policies *kube.Store[kube.AuthorizationPolicy]
	meshTLS  *kube.Store[kube.MeshTLSAuthentication]
	networks *kube.Store[kube.NetworkAuthentication]
	routes   *gateway.Routes
	changes  *stream.Signal
}

// New makes an index; Run fills it.
func New(settings Settings) *Index {
	i := &Index{settings: settings, changes: stream.NewSignal()}
	change := i.changes.Change
	i.pods = kube.NewStore("/api/v1/pods", func(p *kube.Pod) kube.Metadata { return p.Metadata }, change)
	// Both lines of Linkerd serve this version of a Server, whichever it is stored in.
	i.servers = kube.NewStore(group+"v1beta1/servers", func(s *kube.Server) kube.Metadata { return s.Metadata }, change)
	i.policies = kube.NewStore(group+"v1alpha1/authorizationpolicies", func(p *kube.AuthorizationPolicy) kube.Metadata { return p.Metadata }, change)
	i.meshTLS = kube.NewStore(group+"v1alpha1/meshtlsauthentications", func(a *kube.MeshTLSAuthentication) kube.Metadata { return a.Metadata }, change)
	i.networks = kube.NewStore(group+"v1alpha1/networkauthentications", func(a *kube.NetworkAuthentication) kube.Metadata { return a.Metadata }, change)
	i.routes = gateway.New(change)
	return i
}

// Run mirrors the API until ctx ends.
func (i *Index) Run(ctx context.Context, client *kube.Client) error {
	for _, run := range []func(context.Context, *kube.Client) error{i.servers.Run, i.policies.Run, i.meshTLS.Run, i.networks.Run, i.routes.Run} {
		go run(ctx, client)
	}
	return i.pods.Run(ctx, client)
}

// Synced tells whether everything was listed once.
func (i *Index) Synced() bool {
	return stream.Closed(append(i.routes.Synced(), i.pods.Synced(), i.servers.Synced(), i.policies.Synced(), i.meshTLS.Synced(), i.networks.Synced())...)
}

// ServeHTTP answers /inbound?namespace=…&pod=… with a JSON line now and after each change.
func (i *Index) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !i.Synced() {
		http.Error(w, "the API has not been listed yet", http.StatusServiceUnavailable)
		return
	}
	if r.URL.Path != "/inbound" {
		http.NotFound(w, r)
		return
	}
	namespace, name := r.URL.Query().Get("namespace"), r.URL.Query().Get("pod")
	stream.Serve(w, r, i.changes, func() mesh.InboundPolicy { return i.Inbound(namespace, name) })
}

// Inbound is the policy of a pod, or an unknown one while there is no such pod.
func (i *Index) Inbound(namespace, name string) mesh.InboundPolicy {
	var pod *kube.Pod
	i.pods.Each(func(p *kube.Pod) bool {
		if p.Metadata.Namespace == namespace && p.Metadata.Name == name {
			pod = p
		}
		return pod == nil
	})
	if pod == nil {
		return mesh.InboundPolicy{}
	}
	fallback := pod.Metadata.Annotations[mesh.DefaultPolicyAnnotation]
	if fallback == "" {
		fallback = mesh.AllUnauthenticated
	}
	probes := probePaths(pod)
	inbound := mesh.InboundPolicy{Known: true, Ports: map[uint16]mesh.PortPolicy{}, Other: mesh.DefaultPort(fallback, nil)}
	for port, paths := range probes {
		inbound.Ports[port] = mesh.DefaultPort(fallback, paths)
	}
	i.servers.Each(func(server *kube.Server) bool {
		if server.Metadata.Namespace == namespace && server.Spec.PodSelector.Selects(pod.Metadata.Labels) {
			for _, port := range numbers(pod, server.Spec.Port) {
				inbound.Ports[port] = i.served(server, probes[port])
			}
		}
		return true
	})
	return inbound
}

// served is the policy of a port that a Server selects.
func (i *Index) served(server *kube.Server, probes []string) mesh.PortPolicy {
	namespace, name := server.Metadata.Namespace, server.Metadata.Name
	policy := mesh.PortPolicy{
		Server: mesh.Named{Group: "policy.linkerd.io", Kind: "server", Name: name},
		Authorizations: i.authorizations(namespace, func(target kube.Reference) bool {
			return target.Is("policy.linkerd.io", "Server") && target.Name == name || target.Is("", "Namespace") && target.Name == namespace
		}),
		Routes: i.routesOf(namespace, name),
	}
	if len(policy.Routes) == 0 {
		policy.Routes = mesh.DefaultRoutes(probes)
	}
	return policy
}

// probePaths are the paths that the kubelet asks for, by port.
func probePaths(pod *kube.Pod) map[uint16][]string {
	paths := map[uint16][]string{}
	for _, container := range containers(pod) {
		for _, probe := range []*kube.Probe{container.StartupProbe, container.ReadinessProbe, container.LivenessProbe} {
			if probe == nil || probe.HTTPGet == nil {
				continue
			}
			for _, port := range numbers(pod, probe.HTTPGet.Port) {
				if path := probe.HTTPGet.Path; !slices.Contains(paths[port], path) {
					paths[port] = append(paths[port], path)
				}
			}
		}
	}
	return paths
}

func containers(pod *kube.Pod) []kube.Container {
	return append(slices.Clone(pod.Spec.InitContainers), pod.Spec.Containers...)
}

// numbers are the ports that are meant: the one with this number, or all with this name.
func numbers(pod *kube.Pod, port kube.PortOrName) []uint16 {
	if port.Number != 0 {
		return []uint16{port.Number}
	}
	var found []uint16
	for _, container := range containers(pod) {
		for _, candidate := range container.Ports {
			if candidate.Name == port.Name {
				found = append(found, candidate.ContainerPort)
			}
		}
	}
	return found
}
