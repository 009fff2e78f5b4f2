// Package kube is a small client for the Kubernetes API, for programs that run in a pod.
package kube

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const account = "/var/run/secrets/kubernetes.io/serviceaccount/"

// Client speaks to one API server.
type Client struct {
	base  string
	token func() (string, error)
	http  *http.Client
}

// NewClient makes a client for the API at base, for instance in tests; token may be nil.
func NewClient(base string, token func() (string, error), transport http.RoundTripper) *Client {
	return &Client{base: strings.TrimSuffix(base, "/"), token: token, http: &http.Client{Transport: transport}}
}

// InCluster makes a client from the pod's service account. It fails outside a pod.
func InCluster() (*Client, error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return nil, fmt.Errorf("not in a pod: KUBERNETES_SERVICE_HOST is not set")
	}
	ca, err := os.ReadFile(account + "ca.crt")
	if err != nil {
		return nil, fmt.Errorf("no service account in this pod: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%sca.crt holds no certificate", account)
	}
	// The kubelet renews the token in place, so it is read each time.
	token := func() (string, error) {
		text, err := os.ReadFile(account + "token")
		return strings.TrimSpace(string(text)), err
	}
	transport := &http.Transport{
		TLSClientConfig:       &tls.Config{RootCAs: roots},
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: 15 * time.Second,
		ForceAttemptHTTP2:     true,
	}
	return NewClient("https://"+net.JoinHostPort(host, port), token, transport), nil
}

// Namespace is the pod's own namespace; empty outside a pod.
func Namespace() string {
	text, _ := os.ReadFile(account + "namespace")
	return strings.TrimSpace(string(text))
}

// Error is an answer of the API server that is not a success.
type Error struct {
	Status int
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("API server answered %d: %s", e.Status, e.Reason) }

func (c *Client) do(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != nil {
		token, err := c.token()
		if err != nil {
			return nil, err
		}
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 {
		defer response.Body.Close()
		var status struct{ Message string }
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<16))
		if json.Unmarshal(text, &status) != nil || status.Message == "" {
			status.Message = string(text)
		}
		return nil, &Error{response.StatusCode, status.Message}
	}
	return response, nil
}

func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	response, err := c.do(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(out)
}

// Get reads an object or list.
func (c *Client) Get(ctx context.Context, path string, out any) error {
	return c.call(ctx, http.MethodGet, path, nil, out)
}

// Post creates an object and decodes the answer into out.
func (c *Client) Post(ctx context.Context, path string, in, out any) error {
	return c.call(ctx, http.MethodPost, path, in, out)
}
