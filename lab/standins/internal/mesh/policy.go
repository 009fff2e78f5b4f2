package mesh

import (
	"net/netip"
	"strings"
)

// Inbound policies that an annotation or the chart can choose for ports that no Server selects. Linkerd has more.
const (
	AllUnauthenticated = "all-unauthenticated"
	AllAuthenticated   = "all-authenticated"
	Deny               = "deny"

	DefaultPolicyAnnotation = "config.linkerd.io/default-inbound-policy"
)

// InboundPolicy says who may call a pod, port by port.
type InboundPolicy struct {
	// Known is false as long as the control plane has not seen the pod; its proxy keeps to its own default then.
	Known bool                  `json:"known"`
	Ports map[uint16]PortPolicy `json:"ports"`
	// Other is for every other port.
	Other PortPolicy `json:"other"`
}

// Port is the policy for a port.
func (p InboundPolicy) Port(port uint16) PortPolicy {
	if found, ok := p.Ports[port]; ok {
		return found
	}
	return p.Other
}

// PortPolicy is the policy of a Server, or a default one.
type PortPolicy struct {
	Server Named `json:"server"`
	// Routes are looked through in order for the first that matches an HTTP request; one that matches none is not found.
	Routes []PolicyRoute `json:"routes"`
	// Authorizations hold for every route, and for what is not HTTP.
	Authorizations []Authorization `json:"authorizations,omitempty"`
}

// Named is a resource for the metric labels; a built-in one has the kind "default".
type Named struct {
	Group string `json:"group,omitempty"`
	Kind  string `json:"kind"`
	Name  string `json:"name"`
}

// Default names a built-in resource.
func Default(name string) Named { return Named{Kind: "default", Name: name} }

// PolicyRoute is a part of a port's requests, with authorizations of its own.
type PolicyRoute struct {
	Route          Named           `json:"route"`
	Paths          []PathMatch     `json:"paths"`
	Authorizations []Authorization `json:"authorizations,omitempty"`
}

// PathMatch is a path, or a prefix of whole path segments.
type PathMatch struct {
	Prefix bool   `json:"prefix,omitempty"`
	Value  string `json:"value"`
}

// Matches tells whether a request's path is meant.
func (m PathMatch) Matches(path string) bool {
	if !m.Prefix {
		return path == m.Value
	}
	value := strings.TrimSuffix(m.Value, "/")
	return path == value || strings.HasPrefix(path, value+"/")
}

// Authorization lets clients pass that are in one of the networks and, unless Identities is empty, have one of these.
type Authorization struct {
	Policy     Named     `json:"policy"`
	Networks   []Network `json:"networks"`
	Identities []string  `json:"identities,omitempty"`
}

// Network is a network without some of its parts.
type Network struct {
	CIDR   netip.Prefix   `json:"cidr"`
	Except []netip.Prefix `json:"except,omitempty"`
}

// AnyNetwork is all addresses.
func AnyNetwork() []Network {
	return []Network{{CIDR: netip.MustParsePrefix("0.0.0.0/0")}, {CIDR: netip.MustParsePrefix("::/0")}}
}

// Allows tells whether a client passes; identity is empty for one without mutual TLS.
func (a Authorization) Allows(client netip.Addr, identity string) bool {
	inside := false
	for _, network := range a.Networks {
		excepted := false
		for _, part := range network.Except {
			excepted = excepted || part.Contains(client)
		}
		inside = inside || network.CIDR.Contains(client) && !excepted
	}
	if !inside || len(a.Identities) == 0 {
		return inside
	}
	for _, wanted := range a.Identities {
		suffix, wild := strings.CutPrefix(wanted, "*")
		if identity != "" && (identity == wanted || wild && strings.HasSuffix(identity, suffix)) {
			return true
		}
	}
	return false
}

// BuiltIn are the authorizations of a built-in policy; nobody passes one that is unknown.
func BuiltIn(policy string) []Authorization {
	switch policy {
	case AllUnauthenticated:
		return []Authorization{{Policy: Default(policy), Networks: AnyNetwork()}}
	case AllAuthenticated:
		return []Authorization{{Policy: Default(policy), Networks: AnyNetwork(), Identities: []string{"*"}}}
	}
	return nil
}

// DefaultPort is the policy of a port that no Server selects. Probe paths are open to all, as in Linkerd's default.
func DefaultPort(policy string, probes []string) PortPolicy {
	return PortPolicy{Server: Default(policy), Routes: DefaultRoutes(probes), Authorizations: BuiltIn(policy)}
}

// DefaultRoutes are the routes of a port without HTTPRoutes: the kubelet's probes for everybody, and the rest.
func DefaultRoutes(probes []string) []PolicyRoute {
	all := PolicyRoute{Route: Default("default"), Paths: []PathMatch{{Prefix: true, Value: "/"}}}
	if len(probes) == 0 {
		return []PolicyRoute{all}
	}
	probe := PolicyRoute{Route: Default("probe"), Authorizations: []Authorization{{Policy: Default("probe"), Networks: AnyNetwork()}}}
	for _, path := range probes {
		probe.Paths = append(probe.Paths, PathMatch{Value: path})
	}
	return []PolicyRoute{probe, all}
}

// Verdict is what becomes of a connection or request.
type Verdict struct {
	Allowed bool
	// NotFound tells that no route matched.
	NotFound             bool
	Server, Route, Authz Named
}

// Connection decides on a connection that is not HTTP.
func (p PortPolicy) Connection(client netip.Addr, identity string) Verdict {
	return first(p.Authorizations, Verdict{Server: p.Server}, client, identity)
}

// Request decides on an HTTP request.
func (p PortPolicy) Request(client netip.Addr, identity, path string) Verdict {
	verdict := Verdict{Server: p.Server}
	for _, route := range p.Routes {
		for _, match := range route.Paths {
			if match.Matches(path) {
				verdict.Route = route.Route
				all := append(append([]Authorization{}, p.Authorizations...), route.Authorizations...)
				return first(all, verdict, client, identity)
			}
		}
	}
	verdict.NotFound = true
	return verdict
}

func first(authorizations []Authorization, verdict Verdict, client netip.Addr, identity string) Verdict {
	for _, authorization := range authorizations {
		if authorization.Allows(client, identity) {
			verdict.Allowed, verdict.Authz = true, authorization.Policy
			return verdict
		}
	}
	return verdict
}
