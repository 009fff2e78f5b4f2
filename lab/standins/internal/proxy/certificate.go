package proxy

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"daybreak/lab/standins/internal/identity"
	"daybreak/lab/standins/internal/mesh"
	"daybreak/lab/standins/internal/metrics"
)

// certificate is the proxy's own, renewed at 70 % of its life.
type certificate struct {
	config  *Config
	key     *ecdsa.PrivateKey
	csr     []byte
	current atomic.Pointer[tls.Certificate]
	ready   chan struct{}

	refreshes metrics.Counter
	expiry    metrics.Gauge
}

func newCertificate(config *Config, registry *metrics.Registry) (*certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	csr, err := identity.NewRequest(key, config.LocalName)
	if err != nil {
		return nil, err
	}
	return &certificate{
		config: config, key: key, csr: csr, ready: make(chan struct{}),
		refreshes: registry.Counter("identity_cert_refreshes_total", "The total number of times this proxy's mTLS identity certificate has been refreshed."),
		expiry:    registry.Gauge("identity_cert_expiration_timestamp_seconds", "Time when the proxy's current mTLS identity certificate will expire."),
	}, nil
}

// run asks until there is a certificate, then again before it ends.
func (c *certificate) run(ctx context.Context) error {
	go c.complain(ctx)
	for ctx.Err() == nil {
		leaf, err := c.certify(ctx)
		wait := time.Second
		if err != nil {
			warn("identity:identity{server.addr="+trimDot(c.config.Identity.Address)+"}: linkerd_proxy_identity_client::certify",
				"Failed to obtain identity error=controller %s: %s", trimDot(c.config.Identity.Address), failFast(err))
		} else {
			first := c.refreshes.Value(nil) == 0
			c.refreshes.Add(1, nil)
			c.expiry.Set(float64(leaf.NotAfter.Unix()), nil)
			if first {
				info("daemon:identity: linkerd_app", "Certified identity id=%s", c.config.LocalName)
				close(c.ready)
			}
			wait = time.Until(leaf.NotAfter) * 7 / 10
		}
		select {
		case <-ctx.Done():
		case <-time.After(max(wait, time.Second)):
		}
	}
	return ctx.Err()
}

// complain says every 15 s that there is still no identity, in the proxy's own words.
func (c *certificate) complain(ctx context.Context) {
	tick := time.NewTicker(15 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.ready:
			return
		case <-tick.C:
			warn("linkerd_app", "Waiting for identity to be initialized...")
		}
	}
}

// certify sends key, token and name to the identity service and keeps what comes back.
func (c *certificate) certify(ctx context.Context) (*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	token, err := os.ReadFile(c.config.TokenFile)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(mesh.CertifyRequest{Identity: c.config.LocalName, Token: strings.TrimSpace(string(token)), CSR: c.csr})
	if err != nil {
		return nil, err
	}
	client := controller(c.config.Identity, &tls.Config{RootCAs: c.config.Anchors, ServerName: c.config.Identity.Name, MinVersion: tls.VersionTLS13})
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://identity/certify", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		reason, _ := io.ReadAll(io.LimitReader(response.Body, 1<<12))
		return nil, fmt.Errorf("%s: %s", response.Status, strings.TrimSpace(string(reason)))
	}
	var answer mesh.CertifyResponse
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, err
	}
	return c.adopt(answer.Chain)
}

// adopt checks that the chain is ours and trusted, and uses it from now on.
func (c *certificate) adopt(chain [][]byte) (*x509.Certificate, error) {
	if len(chain) == 0 {
		return nil, fmt.Errorf("the identity service sent no certificate")
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return nil, err
	}
	between := x509.NewCertPool()
	for _, der := range chain[1:] {
		if issuer, err := x509.ParseCertificate(der); err == nil {
			between.AddCert(issuer)
		}
	}
	_, err = leaf.Verify(x509.VerifyOptions{DNSName: c.config.LocalName, Roots: c.config.Anchors, Intermediates: between})
	if err != nil {
		return nil, err
	}
	c.current.Store(&tls.Certificate{Certificate: chain, PrivateKey: c.key, Leaf: leaf})
	return leaf, nil
}

// client is the TLS for a meshed peer of this name.
func (c *certificate) client(name string) *tls.Config {
	return &tls.Config{
		RootCAs: c.config.Anchors, ServerName: name, MinVersion: tls.VersionTLS13,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if own := c.current.Load(); own != nil {
				return own, nil
			}
			return nil, fmt.Errorf("no identity yet")
		},
	}
}

// server is the TLS for incoming connections.
func (c *certificate) server() *tls.Config {
	config := &tls.Config{
		ClientCAs: c.config.Anchors, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if own := c.current.Load(); own != nil {
				return own, nil
			}
			return nil, fmt.Errorf("no identity yet")
		},
	}
	if c.config.AnonymousTLS {
		config.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return config
}
