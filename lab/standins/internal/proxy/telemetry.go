package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"daybreak/lab/standins/internal/mesh"
	"daybreak/lab/standins/internal/metrics"
)

// flow is what is known about an accepted connection.
type flow struct {
	direction string // inbound or outbound
	original  netip.AddrPort
	from      netip.Addr // the client's address
	client    string     // the name in the client's certificate; empty without TLS
	reason    string     // why there is no TLS, in Linkerd's words
}

// identity is the client's proven name.
func (f *flow) identity() string {
	if f.client == anonymous {
		return ""
	}
	return f.client
}

// telemetry counts under the names of Linkerd's proxy.
type telemetry struct {
	requests, responses           metrics.Counter
	errors                        metrics.Counter
	latency                       metrics.Histogram
	opened, closed, read, written metrics.Counter
	open                          metrics.Gauge
	busy                          atomic.Int64 // requests and raw connections under way
}

// latencyBounds are the buckets of Linkerd's proxy, in milliseconds.
var latencyBounds = []float64{1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 200, 300, 400, 500, 1000, 2000, 3000, 4000, 5000, 10000, 20000, 30000, 40000, 50000}

func newTelemetry(r *metrics.Registry) *telemetry {
	r.Gauge("process_start_time_seconds", "Time that the process started (in seconds since the UNIX epoch)").Set(float64(started.Unix()), nil)
	return &telemetry{
		requests:  r.Counter("request_total", "Total count of HTTP requests."),
		responses: r.Counter("response_total", "Total count of HTTP responses."),
		errors:    r.Counter("outbound_http_errors_total", "The total number of outbound HTTP requests that could not be processed due to a proxy error."),
		latency:   r.Histogram("response_latency_ms", "Elapsed times between a request's headers being received and its response stream completing, in milliseconds.", latencyBounds),
		opened:    r.Counter("tcp_open_total", "Total count of opened connections"),
		closed:    r.Counter("tcp_close_total", "Total count of closed connections"),
		open:      r.Gauge("tcp_open_connections", "Number of currently-open connections"),
		read:      r.Counter("tcp_read_bytes_total", "Total count of bytes read from peers"),
		written:   r.Counter("tcp_write_bytes_total", "Total count of bytes written to peers"),
	}
}

func target(labels metrics.Labels, address string) metrics.Labels {
	ip, port, _ := net.SplitHostPort(address)
	return append(labels, "target_addr", address, "target_ip", ip, "target_port", port)
}

// accepted are the labels of the client's side of a connection.
func (f *flow) accepted() metrics.Labels {
	labels := target(metrics.Labels{"direction", f.direction, "peer", "src"}, f.original.String())
	if f.client != "" {
		return append(labels, "tls", "true", "client_id", f.client)
	}
	return append(labels, "tls", "no_identity", "no_tls_reason", f.reason)
}

// inboundLabels are those of a request that came in.
func (f *flow) inboundLabels(authority string) metrics.Labels {
	labels := target(metrics.Labels{"direction", "inbound", "authority", authority}, f.original.String())
	if f.client != "" {
		return append(labels, "tls", "true", "client_id", f.client)
	}
	return append(labels, "tls", "no_identity", "no_tls_reason", f.reason)
}

// outboundLabels are those of an endpoint that something is sent to; more goes between direction and target.
func outboundLabels(endpoint mesh.Endpoint, more ...string) metrics.Labels {
	labels := target(append(metrics.Labels{"direction", "outbound"}, more...), endpoint.Address)
	if endpoint.Identity != "" {
		labels = append(labels, "tls", "true", "server_id", endpoint.Identity)
	} else {
		labels = append(labels, "tls", "no_identity", "no_tls_reason", "not_provided_by_service_discovery")
	}
	names := make([]string, 0, len(endpoint.Labels))
	for name := range endpoint.Labels {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		labels = append(labels, name, endpoint.Labels[name])
	}
	return labels
}

// counted counts a connection, its bytes and its end. What is read before begin is counted with it.
type counted struct {
	net.Conn
	telemetry *telemetry
	labels    metrics.Labels
	early     float64
	once      sync.Once
}

// count counts a connection from now on.
func (t *telemetry) count(connection net.Conn, labels metrics.Labels) *counted {
	c := &counted{Conn: connection, telemetry: t}
	c.begin(labels)
	return c
}

// begin says under which labels to count; until then one goroutine only may use the connection.
func (c *counted) begin(labels metrics.Labels) {
	c.labels = labels
	c.telemetry.opened.Add(1, labels)
	c.telemetry.open.Add(1, labels)
	c.telemetry.read.Add(c.early, labels)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.labels == nil {
		c.early += float64(n)
	} else {
		c.telemetry.read.Add(float64(n), c.labels)
	}
	return n, err
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if c.labels != nil {
		c.telemetry.written.Add(float64(n), c.labels)
	}
	return n, err
}

func (c *counted) CloseWrite() error { return closeWrite(c.Conn) }

func (c *counted) Close() error {
	c.once.Do(func() {
		if c.labels != nil {
			c.telemetry.open.Add(-1, c.labels)
			c.telemetry.closed.Add(1, append(slices.Clone(c.labels), "errno", ""))
		}
	})
	return c.Conn.Close()
}

// exchange is one HTTP request and its response, whose end is recorded once.
type exchange struct {
	io.ReadCloser
	once sync.Once
	end  func()
}

func (e *exchange) Read(p []byte) (int, error) {
	n, err := e.ReadCloser.Read(p)
	if err != nil {
		e.once.Do(e.end)
	}
	return n, err
}

func (e *exchange) Close() error {
	e.once.Do(e.end)
	return e.ReadCloser.Close()
}

// observe sends the request through, and records it and the end of its response under the labels. Like Linkerd's it records
// no end where the client left before the answer.
func (t *telemetry) observe(request *http.Request, labels metrics.Labels, through http.RoundTripper) (*http.Response, error) {
	start := time.Now()
	response, err := through.RoundTrip(request)
	if unsent(err) {
		return nil, err
	}
	t.requests.Add(1, labels)
	record := func(status int) {
		class := "success"
		if status >= 500 {
			class = "failure"
		}
		full := append(slices.Clone(labels), "status_code", strconv.Itoa(status))
		t.latency.Observe(float64(time.Since(start).Microseconds())/1000, full)
		t.responses.Add(1, append(full, "classification", class, "grpc_status", ""))
	}
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			record(http.StatusBadGateway)
		}
		return nil, err
	}
	if response.StatusCode == http.StatusSwitchingProtocols {
		record(response.StatusCode)
		return response, nil
	}
	response.Body = &exchange{ReadCloser: response.Body, end: func() { record(response.StatusCode) }}
	return response, nil
}
