package proxy

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"

	"daybreak/lab/standins/internal/metrics"
)

type flowKey struct{}

func flowOf(ctx context.Context) *flow { return ctx.Value(flowKey{}).(*flow) }

// queue is a listener whose connections were accepted and looked at elsewhere.
type queue struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func newQueue() *queue { return &queue{connections: make(chan net.Conn), closed: make(chan struct{})} }

func (q *queue) put(connection net.Conn) {
	select {
	case q.connections <- connection:
	case <-q.closed:
		connection.Close()
	}
}

func (q *queue) Accept() (net.Conn, error) {
	select {
	case connection := <-q.connections:
		return connection, nil
	case <-q.closed:
		return nil, net.ErrClosed
	}
}

func (q *queue) Close() error   { q.once.Do(func() { close(q.closed) }); return nil }
func (q *queue) Addr() net.Addr { return &net.TCPAddr{} }

// serveHTTP forwards every request on the queue's connections through the transport.
func serveHTTP(connections *queue, transport http.RoundTripper, rewrite func(*httputil.ProxyRequest), t *telemetry) *http.Server {
	quiet := log.New(io.Discard, "", 0)
	forward := &httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1,
		ErrorLog:      quiet,
		BufferPool:    buffers{},
		ErrorHandler:  t.refuse,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme = "http"
			r.Out.URL.Host = r.In.Host
			r.Out.Host = r.In.Host
			// A mesh is invisible: what the client said of itself stays, and nothing is added.
			for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
				if values, ok := r.In.Header[name]; ok {
					r.Out.Header[name] = values
				}
			}
			rewrite(r)
		},
	}
	server := &http.Server{
		ErrorLog: quiet,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			t.busy.Add(1)
			defer t.busy.Add(-1)
			forward.ServeHTTP(w, r)
		}),
		ConnContext: func(ctx context.Context, connection net.Conn) context.Context {
			return context.WithValue(ctx, flowKey{}, connection.(*stream).flow)
		},
	}
	go server.Serve(connections)
	return server
}

// refuse answers for a peer that can't be reached, with Linkerd's header for it. A client that left is nobody's fault.
func (t *telemetry) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	if flowOf(r.Context()).direction == "outbound" {
		t.errors.Add(1, metrics.Labels{"error", "failfast"})
	}
	status := http.StatusBadGateway
	if errors.Is(err, context.DeadlineExceeded) {
		status = http.StatusGatewayTimeout
	}
	warn(flowOf(r.Context()).direction+":proxy: linkerd_app_core::errors::respond", "%s %s failed error=%s", r.Method, r.Host, cause(err))
	w.Header().Set("L5d-Proxy-Error", cause(err))
	w.Header().Set("L5d-Proxy-Connection", "close")
	w.WriteHeader(status)
}

// buffers lends the copy buffers of the reverse proxy.
type buffers struct{}

var pool = sync.Pool{New: func() any { return make([]byte, 32<<10) }}

func (buffers) Get() []byte  { return pool.Get().([]byte) }
func (buffers) Put(b []byte) { pool.Put(b) } //nolint:staticcheck // a slice header a request is cheap

// splice copies both ways until both sides are done.
func splice(a, b net.Conn) {
	defer a.Close()
	defer b.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(a, b)
		_ = closeWrite(a)
	}()
	_, _ = io.Copy(b, a)
	_ = closeWrite(b)
	<-done
}

// unsent tells that a request was never sent, since nobody could be connected to.
func unsent(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) && network.Op == "dial"
}

func dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{Timeout: timeout, KeepAlive: 10 * time.Second}
}

func newTransport(dial func(context.Context, string, string) (net.Conn, error)) *http.Transport {
	return &http.Transport{
		DialContext: dial, DisableCompression: true, MaxIdleConnsPerHost: 128, IdleConnTimeout: 30 * time.Second,
	}
}
