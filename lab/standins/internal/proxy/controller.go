package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"
)

// connectTimeout bounds one attempt to reach a control-plane component.
const connectTimeout = 3 * time.Second

// controller makes an HTTP client that always goes to this control-plane service, over TLS unless it is in this pod.
func controller(peer Peer, config *tls.Config) *http.Client {
	dial := connector(peer, config)
	return &http.Client{Transport: &http.Transport{
		DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		IdleConnTimeout: 30 * time.Second,
	}}
}

// connector makes connections to a service of the mesh, whatever address is asked for.
func connector(peer Peer, config *tls.Config) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, connectTimeout)
		defer cancel()
		address := peer.Address
		if peer.local() {
			// Not by name: an image without /etc/hosts must still find its own pod.
			_, port, _ := net.SplitHostPort(peer.Address)
			address = net.JoinHostPort("127.0.0.1", port)
		}
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil || peer.local() {
			return connection, err
		}
		secured := tls.Client(connection, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			connection.Close()
			return nil, err
		}
		return secured, nil
	}
}

// failFast words a failure to connect as the proxy does, with the cause behind it.
func failFast(err error) string {
	var network *net.OpError
	if errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) {
		return "service in fail-fast (" + cause(err) + ")"
	}
	return cause(err)
}

// cause leaves out the URL that net/http puts before every error.
func cause(err error) string {
	if inner := errors.Unwrap(err); inner != nil {
		if text := err.Error(); strings.HasPrefix(text, "Get ") || strings.HasPrefix(text, "Post ") {
			return inner.Error()
		}
	}
	return err.Error()
}

// unresolved tells whether DNS is what failed.
func unresolved(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns)
}

func trimDot(address string) string {
	return strings.Replace(address, ".:", ":", 1)
}
