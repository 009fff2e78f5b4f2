package proxy

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httputil"
	"time"

	"daybreak/lab/standins/internal/mesh"
	"daybreak/lab/standins/internal/metrics"
	"daybreak/lab/standins/internal/trace"
)

// opaqueProtocol is the ALPN with which our outbound side says: don't read this as HTTP.
const opaqueProtocol = "l5d-opaque"

// clientHeader names the caller to the application, as Linkerd does; nobody else may set it.
const clientHeader = "L5d-Client-Id"

// anonymous stands for a client that has TLS but no certificate.
const anonymous = "anonymous"

// inbound ends the mesh's TLS and hands connections to the application.
type inbound struct {
	config    *Config
	own       *certificate
	telemetry *telemetry
	policies  *policies
	tracer    *trace.Tracer
	original  originalFunc
	http      *queue
	transport *http.Transport
	server    *http.Server
}

func newInbound(p *Proxy) *inbound {
	in := &inbound{config: p.config, own: p.certificate, telemetry: p.telemetry, policies: p.policies, tracer: p.tracer, original: p.original, http: newQueue()}
	in.transport = newTransport(func(ctx context.Context, network, address string) (net.Conn, error) {
		connection, err := dialer(time.Second).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		labels := target(metrics.Labels{"direction", "inbound", "peer", "dst"}, address)
		return in.telemetry.count(connection, append(labels, "tls", "no_identity", "no_tls_reason", "loopback")), nil
	})
	in.server = serveHTTP(in.http, in, in.rewrite, in.telemetry)
	return in
}

func (in *inbound) rewrite(r *httputil.ProxyRequest) {
	r.Out.Header.Del(clientHeader)
	f := flowOf(r.In.Context())
	if f.client != "" {
		r.Out.Header.Set(clientHeader, f.client)
	}
	r.Out.URL.Host = f.original.String()
}

// RoundTrip sends a request to the application, if the caller may.
func (in *inbound) RoundTrip(request *http.Request) (*http.Response, error) {
	f := flowOf(request.Context())
	if status, reason := refusal(in.policies.request(f, request.URL.Path), f); status != 0 {
		header := http.Header{"L5d-Proxy-Error": {reason}, "Content-Length": {"0"}}
		return &http.Response{StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: header, Body: http.NoBody, Request: request}, nil
	}
	return in.tracer.Around(request, trace.Server, func(request *http.Request) (*http.Response, error) {
		return in.telemetry.observe(request, f.inboundLabels(request.Host), in.transport)
	})
}

// handle serves one accepted connection.
func (in *inbound) handle(connection net.Conn) {
	original, err := in.original(connection)
	if err != nil || original.Port() == port(in.config.Inbound) {
		connection.Close()
		return
	}
	f := &flow{direction: "inbound", original: original, from: addressOf(connection.RemoteAddr().String()), reason: "no_tls_from_remote"}
	opaque := in.config.OpaqueInbound.Has(original.Port())
	wait := in.config.DetectTimeout
	if opaque {
		wait = time.Second // the server may speak first, and a meshed client begins at once
	}
	tally := &counted{Conn: connection, telemetry: in.telemetry}
	accepted := newStream(tally, f)
	name := accepted.serverName(wait)
	if name == in.config.LocalName {
		secured := tls.Server(accepted, in.tls())
		if err := handshake(secured); err != nil {
			warn("inbound: linkerd_tls", "TLS handshake with %s failed error=%v", connection.RemoteAddr(), err)
			connection.Close()
			return
		}
		state := secured.ConnectionState()
		f.client = clientName(state)
		opaque = opaque || state.NegotiatedProtocol == opaqueProtocol
		accepted = newStream(secured, f)
	} else if name != "" {
		opaque = true // the application's own TLS
	}
	tally.begin(f.accepted())
	in.pass(accepted, opaque)
}

func (in *inbound) tls() *tls.Config {
	config := in.own.server()
	config.NextProtos = []string{opaqueProtocol}
	return config
}

// clientName is the name in the client's certificate; anonymous where it had none but TLS.
func clientName(state tls.ConnectionState) string {
	if len(state.PeerCertificates) == 0 || len(state.PeerCertificates[0].DNSNames) == 0 {
		return anonymous
	}
	return state.PeerCertificates[0].DNSNames[0]
}

func handshake(connection *tls.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return connection.HandshakeContext(ctx)
}

func (in *inbound) pass(accepted *stream, opaque bool) {
	if !opaque && accepted.isHTTP(in.config.DetectTimeout) {
		in.http.put(accepted)
		return
	}
	if f := accepted.flow; !in.policies.connection(f).Allowed {
		warn("inbound:proxy", "Connection denied client=%s server=%s", f.from, f.original)
		accepted.Close()
		return
	}
	in.telemetry.busy.Add(1)
	defer in.telemetry.busy.Add(-1)
	address := accepted.flow.original.String()
	onward, err := in.transport.DialContext(context.Background(), "tcp", address)
	if err != nil {
		warn("inbound:proxy", "Failed to connect to %s error=%v", address, err)
		accepted.Close()
		return
	}
	splice(accepted, onward)
}

func port(address string) uint16 {
	_, text, _ := net.SplitHostPort(address)
	ports, _ := mesh.ParsePorts(text)
	if len(ports) == 0 {
		return 0
	}
	return ports[0][0]
}
