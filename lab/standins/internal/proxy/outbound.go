package proxy

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"time"

	"daybreak/lab/standins/internal/mesh"
	"daybreak/lab/standins/internal/metrics"
	"daybreak/lab/standins/internal/trace"
)

// discoverTimeout bounds how long a connection waits for the destination service, as Linkerd's fail-fast does.
const discoverTimeout = 10 * time.Second

type endpointKey struct{}

// outbound sends the application's connections to endpoints, as mutual TLS where these are meshed.
type outbound struct {
	config    *Config
	own       *certificate
	telemetry *telemetry
	original  originalFunc
	resolver  *resolver
	tracer    *trace.Tracer
	http      *queue
	meshed    *http.Transport
	plain     *http.Transport
	retries   metrics.Counter
	outcomes  metrics.Counter
	server    *http.Server
}

func newOutbound(p *Proxy) *outbound {
	out := &outbound{
		config: p.config, own: p.certificate, telemetry: p.telemetry, original: p.original, resolver: p.resolver, tracer: p.tracer, http: newQueue(),
		retries:  p.registry.Counter("outbound_http_route_retry_requests_total", "Retry requests emitted"),
		outcomes: p.registry.Counter("outbound_http_route_request_statuses_total", "Completed request-response streams"),
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return out.dial(ctx, ctx.Value(endpointKey{}).(mesh.Endpoint), nil)
	}
	out.meshed, out.plain = newTransport(dial), newTransport(dial)
	out.server = serveHTTP(out.http, out, func(*httputil.ProxyRequest) {}, out.telemetry)
	return out
}

// dial connects to an endpoint, with our certificate and for its name if it is meshed.
func (out *outbound) dial(ctx context.Context, endpoint mesh.Endpoint, protocols []string) (net.Conn, error) {
	connection, err := dialer(time.Second).DialContext(ctx, "tcp", endpoint.Address)
	if err != nil {
		return nil, err
	}
	labels := outboundLabels(endpoint, "peer", "dst")
	if endpoint.Identity == "" {
		return out.telemetry.count(connection, labels), nil
	}
	config := out.own.client(endpoint.Identity)
	config.NextProtos = protocols
	secured := tls.Client(connection, config)
	if err := handshake(secured); err != nil {
		connection.Close()
		// Nothing of the request went out, so another endpoint may still serve it.
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: connection.RemoteAddr(), Err: err}
	}
	return out.telemetry.count(secured, labels), nil
}

// choose resolves the target and takes an endpoint.
func (out *outbound) choose(ctx context.Context, f *flow) (mesh.Endpoint, *mesh.Resolution, error) {
	entry, resolution, err := out.resolve(ctx, f)
	if err != nil {
		return mesh.Endpoint{}, nil, err
	}
	endpoint, err := entry.pick(resolution, f.original)
	return out.inPod(endpoint), resolution, err
}

func (out *outbound) resolve(ctx context.Context, f *flow) (*resolved, *mesh.Resolution, error) {
	ctx, cancel := context.WithTimeout(ctx, discoverTimeout)
	defer cancel()
	return out.resolver.resolve(ctx, f.original)
}

// inPod leaves the identity out where the endpoint is this very pod: a connection to itself stays in the pod, in clear.
func (out *outbound) inPod(endpoint mesh.Endpoint) mesh.Endpoint {
	if host, _, _ := net.SplitHostPort(endpoint.Address); slices.Contains(out.config.PodIPs, host) {
		endpoint.Identity = ""
	}
	return endpoint
}

// RoundTrip sends a request by its target's HTTPRoute or, without one, to an endpoint of its target and to the next ones
// while it can't connect.
func (out *outbound) RoundTrip(request *http.Request) (*http.Response, error) {
	return out.tracer.Around(request, trace.Client, out.forward)
}

func (out *outbound) forward(request *http.Request) (*http.Response, error) {
	f := flowOf(request.Context())
	for attempt := 1; ; attempt++ {
		entry, resolution, err := out.resolve(request.Context(), f)
		if err != nil {
			return nil, err
		}
		if resolution.Route != nil {
			return out.routed(request, entry, resolution)
		}
		endpoint, err := entry.pick(resolution, f.original)
		if err != nil {
			return nil, err
		}
		response, err := out.send(request, out.inPod(endpoint), resolution.Authority)
		repeatable := request.Body == nil || request.Body == http.NoBody
		if !unsent(err) || !repeatable || attempt == 3 {
			return response, err
		}
	}
}

// send sends a request to an endpoint. authority is the target's name; empty for what is no service.
func (out *outbound) send(request *http.Request, endpoint mesh.Endpoint, authority string) (*http.Response, error) {
	sent := request.WithContext(context.WithValue(request.Context(), endpointKey{}, endpoint))
	address := *request.URL
	address.Host = endpoint.Address
	sent.URL = &address
	transport := out.plain
	if endpoint.Identity != "" {
		transport = out.meshed
	}
	return out.telemetry.observe(sent, outboundLabels(endpoint, "authority", cmp.Or(authority, request.Host)), transport)
}

// handle serves one accepted connection.
func (out *outbound) handle(connection net.Conn) {
	original, err := out.original(connection)
	if err != nil || original.Port() == port(out.config.Outbound) && slices.Contains(append(out.config.PodIPs, "127.0.0.1"), original.Addr().String()) {
		connection.Close()
		return
	}
	f := &flow{direction: "outbound", original: original, reason: "loopback"}
	accepted := newStream(out.telemetry.count(connection, f.accepted()), f)
	endpoint, resolution, err := out.choose(context.Background(), f)
	if resolution == nil {
		// Without discovery an HTTP client still gets an answer that says why; RoundTrip gives it.
		if accepted.isHTTP(out.config.DetectTimeout) {
			out.http.put(accepted)
			return
		}
		warn("outbound:proxy", "%v", err)
		accepted.Close()
		return
	}
	if resolution.HTTP || !resolution.Opaque && accepted.isHTTP(out.config.DetectTimeout) {
		out.http.put(accepted)
		return
	}
	out.pass(accepted, endpoint, err)
}

// pass carries a connection that is not HTTP/1 to an endpoint.
func (out *outbound) pass(accepted *stream, endpoint mesh.Endpoint, err error) {
	out.telemetry.busy.Add(1)
	defer out.telemetry.busy.Add(-1)
	var onward net.Conn
	if err == nil {
		onward, err = out.dial(context.Background(), endpoint, []string{opaqueProtocol})
	}
	if err != nil {
		warn("outbound:proxy", "Failed to connect to %s error=%v", accepted.flow.original, err)
		accepted.Close()
		return
	}
	splice(accepted, onward)
}
