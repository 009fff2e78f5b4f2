package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"daybreak/lab/standins/internal/mesh"
	"daybreak/lab/standins/internal/metrics"
)

// policies decide who may call the pod, by what the policy controller last said, and by the default before it said anything.
type policies struct {
	config  *Config
	client  *http.Client
	current atomic.Pointer[mesh.InboundPolicy]

	allowed, denied metrics.Counter
}

func newPolicies(config *Config, own *certificate, registry *metrics.Registry) *policies {
	p := &policies{
		config:  config,
		allowed: registry.Counter("inbound_http_authz_allow_total", "The total number of inbound HTTP requests that were authorized"),
		denied:  registry.Counter("inbound_http_authz_deny_total", "The total number of inbound HTTP requests that could not be processed due to being unauthorized."),
	}
	p.current.Store(&mesh.InboundPolicy{Other: mesh.DefaultPort(config.DefaultPolicy, nil)})
	if config.Policy.Address != "" {
		p.client = controller(config.Policy, own.client(config.Policy.Name))
	}
	return p
}

// follow keeps the policy up to date until ctx ends. The control plane's own proxies have no policy to ask for.
func (p *policies) follow(ctx context.Context, ready <-chan struct{}) error {
	if p.client == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	select {
	case <-ready:
	case <-ctx.Done():
		return ctx.Err()
	}
	query := url.Values{"namespace": {p.config.Namespace}, "pod": {p.config.Pod}}
	for ctx.Err() == nil {
		err := ask(ctx, p.client, "http://policy/inbound?"+query.Encode(), 0, func(decoder *json.Decoder) error {
			for {
				next := new(mesh.InboundPolicy)
				if err := decoder.Decode(next); err != nil {
					return err
				}
				if next.Known {
					p.current.Store(next)
				}
			}
		})
		if ctx.Err() == nil && !p.current.Load().Known {
			warn("policy:controller{addr="+trimDot(p.config.Policy.Address)+"}", "Failed to get the inbound policy error=%s", failFast(err))
		}
		pause(ctx, 500*time.Millisecond)
	}
	return ctx.Err()
}

// connection decides on what is not HTTP.
func (p *policies) connection(f *flow) mesh.Verdict {
	return p.current.Load().Port(f.original.Port()).Connection(f.from, f.identity())
}

// request decides on an HTTP request and counts the decision.
func (p *policies) request(f *flow, path string) mesh.Verdict {
	verdict := p.current.Load().Port(f.original.Port()).Request(f.from, f.identity(), path)
	labels := target(metrics.Labels{}, f.original.String())
	labels = append(labels, "srv_group", verdict.Server.Group, "srv_kind", verdict.Server.Kind, "srv_name", verdict.Server.Name,
		"route_group", verdict.Route.Group, "route_kind", verdict.Route.Kind, "route_name", verdict.Route.Name)
	if verdict.Allowed {
		labels = append(labels, "authz_group", verdict.Authz.Group, "authz_kind", verdict.Authz.Kind, "authz_name", verdict.Authz.Name)
	}
	if f.client != "" {
		labels = append(labels, "tls", "true", "client_id", f.client)
	} else {
		labels = append(labels, "tls", "no_identity", "no_tls_reason", f.reason)
	}
	if verdict.Allowed {
		p.allowed.Add(1, labels)
	} else {
		p.denied.Add(1, labels)
	}
	return verdict
}

// refusal is the answer for a request that may not pass; empty for one that may.
func refusal(verdict mesh.Verdict, f *flow) (status int, reason string) {
	switch {
	case verdict.Allowed:
		return 0, ""
	case verdict.NotFound:
		return http.StatusNotFound, "no route found for request"
	}
	return http.StatusForbidden, fmt.Sprintf("client %s: server: %s: unauthorized request on route", f.from, f.original)
}

// guard puts the policy of the port before a server of the proxy's own, which gets its connections unredirected.
func (p *policies) guard(address string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := &flow{direction: "inbound", original: netip.AddrPortFrom(netip.IPv4Unspecified(), port(address)), from: addressOf(r.RemoteAddr), reason: "no_tls_from_remote"}
		if status, reason := refusal(p.request(f, r.URL.Path), f); status != 0 {
			w.Header().Set("L5d-Proxy-Error", reason)
			w.WriteHeader(status)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// addressOf is the IP address of host:port; the zero value for anything else.
func addressOf(text string) netip.Addr {
	host, _, _ := net.SplitHostPort(text)
	address, _ := netip.ParseAddr(host)
	return address.Unmap()
}
