// Package mesh holds what the parts of the Linkerd stand-in say to one another: names, ports and messages.
package mesh

import (
	"fmt"
	"strconv"
	"strings"
)

// Labels, annotations and ports that are Linkerd's own.
const (
	ControlPlaneLabel   = "linkerd.io/control-plane-ns"
	WorkloadLabel       = "linkerd.io/workload-ns"
	DeploymentLabel     = "linkerd.io/proxy-deployment"
	InjectAnnotation    = "linkerd.io/inject"
	VersionAnnotation   = "linkerd.io/proxy-version"
	CreatedByAnnotation = "linkerd.io/created-by"
	SkipInbound         = "config.linkerd.io/skip-inbound-ports"
	SkipOutbound        = "config.linkerd.io/skip-outbound-ports"
	OpaquePorts         = "config.linkerd.io/opaque-ports"
	WaitBeforeExit      = "config.alpha.linkerd.io/proxy-wait-before-exit-seconds"
	NativeSidecarBeta   = "config.beta.linkerd.io/proxy-enable-native-sidecar"
	NativeSidecarAlpha  = "config.alpha.linkerd.io/proxy-enable-native-sidecar"

	ControlPort  = 4190
	AdminPort    = 4191
	InboundPort  = 4143
	OutboundPort = 4140

	TokenAudience = "identity.l5d.io"
)

// Identity is the DNS name of a service account's certificate.
func Identity(serviceAccount, namespace, controlPlane, trustDomain string) string {
	return fmt.Sprintf("%s.%s.serviceaccount.identity.%s.%s", serviceAccount, namespace, controlPlane, trustDomain)
}

// CertifyRequest asks the identity service for a certificate. CSR is DER; Token is the pod's service account token.
type CertifyRequest struct {
	Identity string `json:"identity"`
	Token    string `json:"token"`
	CSR      []byte `json:"csr"`
}

// CertifyResponse is the signed chain, leaf first, each DER.
type CertifyResponse struct {
	Chain [][]byte `json:"chain"`
}

// Endpoint is one pod (or other address) behind a target.
type Endpoint struct {
	Address string `json:"address"` // IP:port
	// Identity is the name to expect in the peer's certificate; empty: the endpoint isn't meshed.
	Identity string `json:"identity,omitempty"`
	// Labels are the metric labels dst_pod, dst_namespace, …
	Labels map[string]string `json:"labels,omitempty"`
}

// Resolution is what the destination service knows about an address, sent anew with each change.
type Resolution struct {
	// Service is true for a service's address, whose traffic goes to one of Endpoints, and to nobody if there are none.
	Service bool `json:"service"`
	// Authority is the service's name and port, for the metric label.
	Authority string     `json:"authority,omitempty"`
	Endpoints []Endpoint `json:"endpoints,omitempty"`
	// Opaque is true where the traffic must not be read as HTTP.
	Opaque bool `json:"opaque,omitempty"`
	// HTTP is true where the service says that its traffic is HTTP, so that nobody has to look at it first.
	HTTP bool `json:"http,omitempty"`
	// Route is the service's HTTPRoute, if it has one: HTTP requests go by it instead of to Endpoints.
	Route *Route `json:"route,omitempty"`
}

// Ports is a set of ports, read from Linkerd's notation "25,587,8000-8010".
type Ports [][2]uint16

// ParsePorts reads a list of ports and ranges; an empty text is an empty set.
func ParsePorts(text string) (Ports, error) {
	var ports Ports
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		first, last, ranged := strings.Cut(part, "-")
		if !ranged {
			last = first
		}
		low, err := strconv.ParseUint(strings.TrimSpace(first), 10, 16)
		if err != nil {
			return nil, fmt.Errorf("%q is no port or range of ports", part)
		}
		high, err := strconv.ParseUint(strings.TrimSpace(last), 10, 16)
		if err != nil || high < low {
			return nil, fmt.Errorf("%q is no port or range of ports", part)
		}
		ports = append(ports, [2]uint16{uint16(low), uint16(high)})
	}
	return ports, nil
}

// Has tells whether the port is in the set.
func (p Ports) Has(port uint16) bool {
	for _, span := range p {
		if span[0] <= port && port <= span[1] {
			return true
		}
	}
	return false
}
