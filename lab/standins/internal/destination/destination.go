// Package destination tells proxies what is behind an address: which endpoints, and which of them are meshed.
package destination

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"daybreak/lab/standins/internal/gateway"
	"daybreak/lab/standins/internal/kube"
	"daybreak/lab/standins/internal/mesh"
	"daybreak/lab/standins/internal/stream"
)

// Settings are the chart values that matter here.
type Settings struct {
	ControlPlane, TrustDomain string
	ClusterDomain             string
	// OpaquePorts is the default for pods and services without an annotation.
	OpaquePorts mesh.Ports
	// SkipInbound are the ports that pods' init containers don't redirect.
	SkipInbound mesh.Ports
}

// Directory mirrors pods, services, endpoint slices and HTTPRoutes.
type Directory struct {
	settings Settings
	pods     *kube.Store[kube.Pod]
	services *kube.Store[kube.Service]
	slices   *kube.Store[kube.EndpointSlice]
	routes   *gateway.Routes
	changes  *stream.Signal
}

// New makes a directory; Run fills it.
func New(settings Settings) *Directory {
	d := &Directory{settings: settings, changes: stream.NewSignal()}
	change := d.changes.Change
	d.routes = gateway.New(change)
	d.pods = kube.NewStore("/api/v1/pods", func(p *kube.Pod) kube.Metadata { return p.Metadata }, change)
	d.services = kube.NewStore("/api/v1/services", func(s *kube.Service) kube.Metadata { return s.Metadata }, change)
	d.slices = kube.NewStore("/apis/discovery.k8s.io/v1/endpointslices", func(s *kube.EndpointSlice) kube.Metadata { return s.Metadata }, change)
	return d
}

// Run mirrors the API until ctx ends.
func (d *Directory) Run(ctx context.Context, client *kube.Client) error {
	for _, run := range []func(context.Context, *kube.Client) error{d.services.Run, d.slices.Run, d.routes.Run} {
		go run(ctx, client)
	}
	return d.pods.Run(ctx, client)
}

// Synced tells whether everything was listed once.
func (d *Directory) Synced() bool {
	return stream.Closed(append(d.routes.Synced(), d.pods.Synced(), d.services.Synced(), d.slices.Synced())...)
}

// Resolve tells what is behind IP:port now.
func (d *Directory) Resolve(address netip.AddrPort) mesh.Resolution {
	ip := address.Addr().String()
	var service *kube.Service
	d.services.Each(func(s *kube.Service) bool {
		if s.Spec.ClusterIP == ip {
			service = s
		}
		return service == nil
	})
	if service != nil {
		return d.behind(service, address.Port())
	}
	if pod := d.podAt(ip); pod != nil {
		endpoint := d.endpoint(pod, address, "")
		return mesh.Resolution{Endpoints: []mesh.Endpoint{endpoint}, Opaque: d.opaque(pod.Metadata, address.Port())}
	}
	return mesh.Resolution{Opaque: d.settings.OpaquePorts.Has(address.Port())}
}

// podAt finds the running pod with this address; pods in the node's own network share its address and are nobody's.
func (d *Directory) podAt(ip string) *kube.Pod {
	var found *kube.Pod
	d.pods.Each(func(p *kube.Pod) bool {
		if p.Status.PodIP == ip && !p.Spec.HostNetwork && p.Status.Phase == "Running" {
			found = p
		}
		return found == nil
	})
	return found
}

func (d *Directory) behind(service *kube.Service, port uint16) mesh.Resolution {
	meta := service.Metadata
	at := slices.IndexFunc(service.Spec.Ports, func(candidate kube.ServicePort) bool { return candidate.Port == port })
	if at < 0 {
		return mesh.Resolution{Opaque: d.settings.OpaquePorts.Has(port)}
	}
	declared := service.Spec.Ports[at]
	resolution := mesh.Resolution{
		Service:   true,
		Authority: net.JoinHostPort(meta.Name+"."+meta.Namespace+".svc."+d.settings.ClusterDomain, strconv.Itoa(int(port))),
		Opaque:    d.opaque(meta, port),
		Endpoints: d.endpoints(meta.Namespace, meta.Name, declared.Name),
		Route:     d.route(service, port),
	}
	// Other values leave it to detection, as Linkerd does from 2.18 on; before, it knew none of them.
	switch declared.AppProtocol {
	case "http":
		resolution.HTTP, resolution.Opaque = true, false
	case "linkerd.io/opaque", "linkerd.io/tcp":
		resolution.Opaque = true
	}
	return resolution
}

// endpoints lists a service's ready endpoints at the named port.
func (d *Directory) endpoints(namespace, service, port string) []mesh.Endpoint {
	var found []mesh.Endpoint
	d.slices.Each(func(s *kube.EndpointSlice) bool {
		if s.Metadata.Namespace == namespace && s.Metadata.Labels["kubernetes.io/service-name"] == service && s.AddressType == "IPv4" {
			found = append(found, d.ready(s, port, service)...)
		}
		return true
	})
	slices.SortFunc(found, func(a, b mesh.Endpoint) int { return strings.Compare(a.Address, b.Address) })
	return found
}

// ready lists a slice's ready endpoints at the named port.
func (d *Directory) ready(slice *kube.EndpointSlice, portName, service string) []mesh.Endpoint {
	var found []mesh.Endpoint
	for _, port := range slice.Ports {
		if port.Port == nil || (port.Name != nil && *port.Name != portName) || (port.Name == nil && portName != "") {
			continue
		}
		for _, endpoint := range slice.Endpoints {
			if endpoint.Conditions.Ready != nil && !*endpoint.Conditions.Ready || len(endpoint.Addresses) == 0 {
				continue
			}
			ip, err := netip.ParseAddr(endpoint.Addresses[0])
			if err != nil {
				continue
			}
			address := netip.AddrPortFrom(ip, *port.Port)
			if pod := d.podAt(ip.String()); pod != nil {
				found = append(found, d.endpoint(pod, address, service))
			} else {
				found = append(found, mesh.Endpoint{Address: address.String(), Labels: map[string]string{"dst_service": service}})
			}
		}
	}
	return found
}

// endpoint is a pod's address, with the identity to expect if its proxy takes connections at this port.
func (d *Directory) endpoint(pod *kube.Pod, address netip.AddrPort, service string) mesh.Endpoint {
	endpoint := mesh.Endpoint{Address: address.String(), Labels: podLabels(pod, service)}
	skipped := d.settings.SkipInbound
	if text, ok := pod.Metadata.Annotations[mesh.SkipInbound]; ok {
		skipped, _ = mesh.ParsePorts(text)
	}
	port := address.Port()
	meshed := pod.Metadata.Labels[mesh.ControlPlaneLabel] == d.settings.ControlPlane
	if meshed && !skipped.Has(port) && port != mesh.AdminPort && port != mesh.ControlPort {
		endpoint.Identity = mesh.Identity(pod.Spec.ServiceAccountName, pod.Metadata.Namespace, d.settings.ControlPlane, d.settings.TrustDomain)
	}
	return endpoint
}

func (d *Directory) opaque(meta kube.Metadata, port uint16) bool {
	if text, ok := meta.Annotations[mesh.OpaquePorts]; ok {
		ports, _ := mesh.ParsePorts(text)
		return ports.Has(port)
	}
	return d.settings.OpaquePorts.Has(port)
}

// ServeHTTP answers /health, and /resolve?address=IP:port with a JSON line now and after each change.
func (d *Directory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !d.Synced() {
		http.Error(w, "the API has not been listed yet", http.StatusServiceUnavailable)
		return
	}
	switch r.URL.Path {
	case "/health":
		_, _ = w.Write([]byte("{}\n"))
	case "/resolve":
		address, err := netip.ParseAddrPort(r.URL.Query().Get("address"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		stream.Serve(w, r, d.changes, func() mesh.Resolution { return d.Resolve(address) })
	default:
		http.NotFound(w, r)
	}
}
