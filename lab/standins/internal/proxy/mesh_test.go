package proxy

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"daybreak/lab/standins/internal/identity"
	"daybreak/lab/standins/internal/mesh"
)

func TestMain(m *testing.M) {
	if os.Getenv("PROXY_LOG") == "" {
		output = io.Discard
	}
	os.Exit(m.Run())
}

// plane is a control plane on the loopback device: identity and destination, each behind its own proxy, as in the cluster.
type plane struct {
	t           *testing.T
	anchors     []byte
	identity    Peer
	destination Peer
	resolutions map[string]mesh.Resolution
}

func name(account string) string { return mesh.Identity(account, "test", "linkerd", "cluster.local") }

func newPlane(t *testing.T) *plane {
	anchors, crt, key := issuer(t)
	authority, err := identity.NewAuthority(crt, key, anchors)
	if err != nil {
		t.Fatal(err)
	}
	service := &identity.Service{Authority: authority, ControlPlane: "linkerd", TrustDomain: "cluster.local",
		Review: func(_ context.Context, token string) (string, string, error) {
			account, ok := strings.CutPrefix(token, "token-of-")
			if !ok {
				return "", "", errors.New("not a token")
			}
			return "test", account, nil
		}}
	p := &plane{t: t, anchors: anchors, resolutions: map[string]mesh.Resolution{}}
	app := httptest.NewServer(service)
	t.Cleanup(app.Close)
	local := Peer{strings.Replace(app.Listener.Addr().String(), "127.0.0.1", "localhost.", 1), name("identity")}
	own := p.start("identity", app.Listener.Addr().String(), "", func(c *Config) { c.AnonymousTLS, c.Patient, c.Identity = true, false, local })
	p.identity = Peer{own.config.Inbound, name("identity")}
	directory := httptest.NewServer(http.HandlerFunc(p.resolve))
	t.Cleanup(func() { directory.CloseClientConnections(); directory.Close() })
	own = p.start("destination", directory.Listener.Addr().String(), "", func(c *Config) { c.Patient = false })
	p.destination = Peer{own.config.Inbound, name("destination")}
	return p
}

func (p *plane) resolve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/health" {
		return
	}
	_ = json.NewEncoder(w).Encode(p.resolutions[r.URL.Query().Get("address")])
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// start runs a proxy whose incoming connections were meant for app and whose outgoing ones for target.
func (p *plane) start(account, app, target string, change func(*Config)) *Proxy {
	token := filepath.Join(p.t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("token-of-"+account), 0o600); err != nil {
		p.t.Fatal(err)
	}
	config := &Config{
		Inbound: free(p.t), Outbound: free(p.t), Admin: free(p.t), Control: free(p.t), LocalName: name(account), TokenFile: token,
		Anchors: x509.NewCertPool(), Identity: p.identity, Destination: p.destination, Patient: true, DefaultPolicy: mesh.AllUnauthenticated, DetectTimeout: 300 * time.Millisecond, ShutdownGrace: 0,
	}
	config.Anchors.AppendCertsFromPEM(p.anchors)
	if change != nil {
		change(config)
	}
	proxy, err := New(config, "test")
	if err != nil {
		p.t.Fatal(err)
	}
	proxy.original = func(connection net.Conn) (netip.AddrPort, error) {
		if connection.LocalAddr().String() == config.Outbound {
			return netip.ParseAddrPort(target)
		}
		return netip.ParseAddrPort(app)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- proxy.Run(ctx); close(ended) }()
	p.t.Cleanup(func() { cancel(); <-ended })
	if account != "destination" && account != "stranger" {
		p.waitReady(proxy, ended)
	}
	return proxy
}

func (p *plane) waitReady(proxy *Proxy, ended <-chan error) {
	for deadline := time.Now().Add(time.Minute); !proxy.Ready(); {
		select {
		case err := <-ended:
			p.t.Fatalf("%s ended: %v", proxy.config.LocalName, err)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s is not ready", proxy.config.LocalName)
		}
	}
}

// ports that are handed out next, one after the other. They are below those that Linux gives to outgoing connections, one of which
// could take a port before the proxy that it is for listens there.
var ports = struct{ next, last int }{10000 + os.Getpid()%10000, 32000}

// free is an address that nobody listens on.
func free(t *testing.T) string {
	for ; ports.next < ports.last; ports.next++ {
		address := fmt.Sprintf("127.0.0.1:%d", ports.next)
		if listener, err := net.Listen("tcp", address); err == nil {
			listener.Close()
			ports.next++
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

func issuer(t *testing.T) (anchors, crt, key []byte) {
	rootKey, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	issuerKey, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ca := func(name string) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Minute),
			NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	}
	root, err := x509.CreateCertificate(rand.Reader, ca("root.linkerd.cluster.local"), ca("root.linkerd.cluster.local"), &rootKey.PublicKey, rootKey)
	if err != nil {
		t.Fatal(err)
	}
	rootCertificate, _ := x509.ParseCertificate(root)
	der, err := x509.CreateCertificate(rand.Reader, ca("identity.linkerd.cluster.local"), rootCertificate, &issuerKey.PublicKey, rootKey)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, _ := x509.MarshalECPrivateKey(issuerKey)
	return identity.EncodeCertificate(root), identity.EncodeCertificate(der), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})
}

func scrape(t *testing.T, p *Proxy) string {
	response, err := http.Get("http://" + p.config.Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return string(text)
}

func metric(text string, parts ...string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		all := true
		for _, part := range parts {
			all = all && strings.Contains(line, part)
		}
		if all {
			return true
		}
	}
	return false
}

const service = "10.96.0.7:9080"

func TestRequestsGoAsMutualTLS(t *testing.T) {
	p := newPlane(t)
	seen := make(chan *http.Request, 10)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r
		fmt.Fprintf(w, "hello from %s", r.URL.Path)
	}))
	t.Cleanup(app.Close)
	server := p.start("server", app.Listener.Addr().String(), "", nil)
	p.resolutions[service] = mesh.Resolution{Service: true, Authority: "web.test.svc.cluster.local:9080", Endpoints: []mesh.Endpoint{
		{Address: server.config.Inbound, Identity: name("server"), Labels: map[string]string{"dst_deployment": "web", "dst_namespace": "test"}},
	}}
	client := p.start("client", "127.0.0.1:1", service, nil)
	for range 3 {
		request, _ := http.NewRequest(http.MethodPost, "http://"+client.config.Outbound+"/a%20b?c=1", strings.NewReader("body"))
		request.Host = "web:9080"
		request.Header.Set("X-Forwarded-For", "192.0.2.1")
		request.Header.Set("L5d-Client-Id", "somebody-else")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != 200 || string(body) != "hello from /a b" {
			t.Fatalf("%s: %s", response.Status, body)
		}
		got := <-seen
		if got.Host != "web:9080" || got.Header.Get("L5d-Client-Id") != name("client") || got.Header.Get("X-Forwarded-For") != "192.0.2.1" || got.RequestURI != "/a%20b?c=1" {
			t.Errorf("the application saw %s %s %v", got.Host, got.RequestURI, got.Header)
		}
	}
	// The end of a response is counted when it has been read, perhaps a moment after the client has it.
	time.Sleep(50 * time.Millisecond)
	text := scrape(t, client)
	for _, want := range [][]string{
		{"request_total{", `direction="outbound"`, `authority="web.test.svc.cluster.local:9080"`, `tls="true"`, `server_id="` + name("server"), `dst_deployment="web"`, "} 3"},
		{"response_total{", `status_code="200"`, `classification="success"`, "} 3"},
		{"response_latency_ms_bucket{", `le="+Inf"`, "} 3"},
		{"tcp_open_total{", `peer="dst"`, `tls="true"`},
	} {
		if !metric(text, want...) {
			t.Errorf("the client's metrics lack %v in\n%s", want, text)
		}
	}
	text = scrape(t, server)
	for _, want := range [][]string{
		{"request_total{", `direction="inbound"`, `tls="true"`, `client_id="` + name("client"), "} 3"},
		{"tcp_open_total{", `peer="src"`, `tls="true"`},
	} {
		if !metric(text, want...) {
			t.Errorf("the server's metrics lack %v in\n%s", want, text)
		}
	}
}

func TestOtherProtocolsAreCarriedThrough(t *testing.T) {
	p := newPlane(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				fmt.Fprintln(connection, "welcome") // the server speaks first
				line, _ := bufio.NewReader(connection).ReadString('\n')
				fmt.Fprint(connection, "echo "+line)
				connection.Close()
			}()
		}
	}()
	server := p.start("server", listener.Addr().String(), "", nil)
	p.resolutions[service] = mesh.Resolution{Service: true, Opaque: true, Endpoints: []mesh.Endpoint{{Address: server.config.Inbound, Identity: name("server")}}}
	client := p.start("client", "127.0.0.1:1", service, nil)
	connection, err := net.Dial("tcp", client.config.Outbound)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	reader := bufio.NewReader(connection)
	if line, _ := reader.ReadString('\n'); line != "welcome\n" {
		t.Fatalf("got %q", line)
	}
	fmt.Fprintln(connection, "x")
	if line, _ := reader.ReadString('\n'); line != "echo x\n" {
		t.Fatalf("got %q", line)
	}
	if text := scrape(t, server); !metric(text, "tcp_open_total{", `direction="inbound"`, `tls="true"`, name("client")) {
		t.Errorf("no TLS in\n%s", text)
	}
}

func TestUnmeshedCallersAndTargetsStayInClear(t *testing.T) {
	p := newPlane(t)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "plain") }))
	t.Cleanup(app.Close)
	address := app.Listener.Addr().String()
	server := p.start("server", address, service, nil)
	p.resolutions[service] = mesh.Resolution{Service: true, Endpoints: []mesh.Endpoint{{Address: address}}}
	for direction, at := range map[string]string{"inbound": server.config.Inbound, "outbound": server.config.Outbound} {
		response, err := http.Get("http://" + at + "/")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if text := scrape(t, server); !metric(text, "request_total{", `direction="`+direction, `tls="no_identity"`) {
			t.Errorf("%s is not in\n%s", direction, text)
		}
	}
}

func TestServiceWithoutEndpointsAndWrongIdentityAreRefused(t *testing.T) {
	p := newPlane(t)
	app := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the application was reached") }))
	t.Cleanup(app.Close)
	server := p.start("server", app.Listener.Addr().String(), "", nil)
	for _, resolution := range []mesh.Resolution{
		{Service: true, Authority: "none"},
		{Service: true, Endpoints: []mesh.Endpoint{{Address: server.config.Inbound, Identity: name("other")}}},
	} {
		p.resolutions[service] = resolution
		client := p.start("client", "127.0.0.1:1", service, nil)
		response, err := http.Get("http://" + client.config.Outbound)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != 502 || response.Header.Get("L5d-Proxy-Error") == "" {
			t.Errorf("%v: %s %v", resolution, response.Status, response.Header)
		}
		if text := scrape(t, client); !metric(text, "outbound_http_errors_total{", "} 1") {
			t.Errorf("%v: not counted in\n%s", resolution, text)
		}
	}
}

func TestWithoutControlPlaneAProxyIsNotReady(t *testing.T) {
	p := newPlane(t)
	p.identity.Address = "127.0.0.1:1"
	proxy := p.start("stranger", "127.0.0.1:1", service, nil)
	var response *http.Response
	var err error
	for range 100 {
		if response, err = http.Get("http://" + proxy.config.Admin + "/ready"); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil || response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%v %v", response, err)
	}
}

func TestForgedTokenGetsNoCertificate(t *testing.T) {
	anchors, crt, key := issuer(t)
	authority, _ := identity.NewAuthority(crt, key, anchors)
	own, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	csr, _ := identity.NewRequest(own, name("server"))
	if _, err := authority.Sign(csr, name("client")); err == nil {
		t.Error("a request for another name was signed")
	}
}
