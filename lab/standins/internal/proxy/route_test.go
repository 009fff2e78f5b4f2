package proxy

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"daybreak/lab/standins/internal/mesh"
)

func TestWeightsAreShares(t *testing.T) {
	backends := []mesh.Backend{{Service: "none"}, {Service: "one", Weight: 1}, {Service: "three", Weight: 3}}
	random := rand.New(rand.NewPCG(1, 2))
	counts := map[string]float64{}
	for range 10_000 {
		backend, err := choose(backends, random.Uint64N)
		if err != nil {
			t.Fatal(err)
		}
		counts[backend.Service]++
	}
	if counts["none"] != 0 || math.Abs(counts["one"]-2500) > 150 {
		t.Errorf("%v", counts)
	}
	if _, err := choose([]mesh.Backend{{Service: "none"}}, random.Uint64N); err == nil {
		t.Error("weights of 0 only must not be chosen from")
	}
}

// split is a client of a service with a route, which has one backend for each handler.
func split(t *testing.T, resolution mesh.Resolution, route mesh.Route, handlers ...http.HandlerFunc) (client *Proxy) {
	p := newPlane(t)
	for i, handler := range handlers {
		app := httptest.NewServer(handler)
		t.Cleanup(app.Close)
		server := p.start(fmt.Sprintf("server-%d", i), app.Listener.Addr().String(), "", nil)
		route.Backends = append(route.Backends, mesh.Backend{Service: fmt.Sprintf("v%d", i), Weight: 1, Endpoints: []mesh.Endpoint{
			{Address: server.config.Inbound, Identity: name(fmt.Sprintf("server-%d", i)), Labels: map[string]string{"dst_service": fmt.Sprintf("v%d", i)}},
		}})
	}
	route.Name, route.Parent = "split", "web"
	resolution.Service, resolution.Authority, resolution.Route = true, "web.test.svc.cluster.local:9080", &route
	for _, backend := range route.Backends {
		resolution.Endpoints = append(resolution.Endpoints, backend.Endpoints...)
	}
	p.resolutions[service] = resolution
	return p.start("client", "127.0.0.1:1", service, nil)
}

func get(t *testing.T, proxy *Proxy) (*http.Response, string) {
	response, err := http.Get("http://" + proxy.config.Outbound + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return response, string(body)
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

func TestRouteSplitsRequests(t *testing.T) {
	client := split(t, mesh.Resolution{}, mesh.Route{}, says("v0"), says("v1"))
	counts := map[string]int{}
	for range 200 {
		_, body := get(t, client)
		counts[body]++
	}
	if counts["v0"] < 60 || counts["v1"] < 60 {
		t.Errorf("%v", counts)
	}
	time.Sleep(50 * time.Millisecond)
	if text := scrape(t, client); !metric(text, "request_total{", `authority="web.test.svc.cluster.local:9080"`, `dst_service="v1"`, `tls="true"`) {
		t.Errorf("no requests to v1 in\n%s", text)
	}
}

// A client that connects before it has something to send, as Go's does when it is busy: undetected as HTTP, its
// connection is passed to one endpoint for good, unless the service has said what it speaks.
func TestRouteSplitsRequestsOfLateConnections(t *testing.T) {
	for _, declared := range []bool{true, false} {
		client := split(t, mesh.Resolution{HTTP: declared}, mesh.Route{}, says("v0"), says("v1"))
		connection, err := net.Dial("tcp", client.config.Outbound)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		time.Sleep(2 * client.config.DetectTimeout)
		answers, counts := bufio.NewReader(connection), map[string]int{}
		for range 50 {
			fmt.Fprint(connection, "GET / HTTP/1.1\r\nHost: web\r\n\r\n")
			response, err := http.ReadResponse(answers, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(response.Body)
			counts[string(body)]++
		}
		if want := map[bool]int{true: 2, false: 1}[declared]; len(counts) != want {
			t.Errorf("declared as HTTP: %v; %v", declared, counts)
		}
	}
}

func TestRouteTriesFailuresAgain(t *testing.T) {
	var calls atomic.Int64
	failing := func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, "at last")
	}
	retry := &mesh.Retry{Statuses: [][2]int{{500, 599}}, Limit: 2}
	client := split(t, mesh.Resolution{}, mesh.Route{Retry: retry, Timeout: 5 * time.Second}, failing)
	if response, body := get(t, client); response.StatusCode != 200 || body != "at last" || calls.Load() != 3 {
		t.Errorf("%s %q after %d calls", response.Status, body, calls.Load())
	}
	if text := scrape(t, client); !metric(text, "outbound_http_route_retry_requests_total{", `route_name="split"`, "} 2") {
		t.Errorf("no retries in\n%s", text)
	}
	if text := scrape(t, client); !metric(text, "outbound_http_route_request_statuses_total{", `http_status="200"`, `error=""`, "} 1") {
		t.Errorf("the request is not counted once, by its end, in\n%s", text)
	}
	calls.Store(-10)
	if response, _ := get(t, client); response.StatusCode != http.StatusServiceUnavailable || calls.Load() != -7 {
		t.Errorf("%s after %d calls", response.Status, calls.Load()+10)
	}
}

func TestRouteEndsSlowRequests(t *testing.T) {
	client := split(t, mesh.Resolution{}, mesh.Route{Timeout: 100 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(3 * time.Second):
		case <-r.Context().Done():
		}
	})
	start := time.Now()
	response, _ := get(t, client)
	if response.StatusCode != http.StatusGatewayTimeout || time.Since(start) > time.Second {
		t.Errorf("%s after %s", response.Status, time.Since(start))
	}
}

// A page that takes too long takes what it asked for with it: that is one failure, not two.
func TestRouteForgetsRequestsOfClientsThatLeft(t *testing.T) {
	asked, left := make(chan struct{}), make(chan struct{})
	client := split(t, mesh.Resolution{}, mesh.Route{Timeout: 5 * time.Second}, func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
		close(left)
	})
	ctx, leave := context.WithCancel(context.Background())
	request, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+client.config.Outbound+"/", nil)
	go func() { <-asked; leave() }()
	if _, err := http.DefaultClient.Do(request); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	<-left
	time.Sleep(50 * time.Millisecond)
	text := scrape(t, client)
	if metric(text, "outbound_http_route_request_statuses_total{") || metric(text, "response_total{", `direction="outbound"`) {
		t.Errorf("its end is counted in\n%s", text)
	}
}

func TestPolicyIsEnforced(t *testing.T) {
	p := newPlane(t)
	app := httptest.NewServer(says("the application"))
	t.Cleanup(app.Close)
	original := netip.MustParseAddrPort(app.Listener.Addr().String())
	server := p.start("server", original.String(), "", func(c *Config) { c.DefaultPolicy = mesh.Deny })
	p.resolutions[service] = mesh.Resolution{Service: true, Endpoints: []mesh.Endpoint{{Address: server.config.Inbound, Identity: name("server")}}}
	friend, stranger := p.start("friend", "127.0.0.1:1", service, nil), p.start("other", "127.0.0.1:1", service, nil)

	status := func(url string) int {
		response, err := http.Get("http://" + url)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	if got := status(friend.config.Outbound); got != http.StatusForbidden {
		t.Errorf("before there is a policy the default holds: %d", got)
	}
	port := mesh.PortPolicy{Server: mesh.Named{Kind: "server", Name: "web"}, Routes: mesh.DefaultRoutes([]string{"/health"}),
		Authorizations: []mesh.Authorization{{Policy: mesh.Named{Kind: "authorizationpolicy", Name: "web"}, Networks: mesh.AnyNetwork(), Identities: []string{name("friend")}}}}
	server.policies.current.Store(&mesh.InboundPolicy{Known: true, Ports: map[uint16]mesh.PortPolicy{original.Port(): port}, Other: mesh.DefaultPort(mesh.Deny, nil)})
	for who, c := range map[string]struct {
		url  string
		want int
	}{
		"the friend":         {friend.config.Outbound, 200},
		"the stranger":       {stranger.config.Outbound, 403},
		"somebody unmeshed":  {server.config.Inbound, 403},
		"a scrape of admin":  {server.config.Admin, 403},
		"the kubelet":        {server.config.Inbound + "/health", 200},
		"a path beside it":   {server.config.Inbound + "/healthy", 403},
		"the friend, a path": {friend.config.Outbound + "/anything", 200},
	} {
		if got := status(c.url); got != c.want {
			t.Errorf("%s: %d instead of %d", who, got, c.want)
		}
	}
	text := strings.Join([]string{scrape(t, friend), policyMetrics(server)}, "\n")
	for _, want := range [][]string{
		{"inbound_http_authz_allow_total{", `srv_name="web"`, `authz_name="web"`, name("friend")},
		{"inbound_http_authz_allow_total{", `route_name="probe"`},
		{"inbound_http_authz_deny_total{", name("other")},
		{"inbound_http_authz_deny_total{", `tls="no_identity"`},
	} {
		if !metric(text, want...) {
			t.Errorf("the metrics lack %v in\n%s", want, text)
		}
	}
}

// policyMetrics reads the metrics of a proxy whose policy keeps scrapes out.
func policyMetrics(p *Proxy) string {
	recorder := httptest.NewRecorder()
	p.registry.ServeHTTP(recorder, nil)
	return recorder.Body.String()
}

func TestPolicyComesFromTheControlPlane(t *testing.T) {
	p := newPlane(t)
	app := httptest.NewServer(says("the application"))
	t.Cleanup(app.Close)
	original := netip.MustParseAddrPort(app.Listener.Addr().String())
	allowed := mesh.PortPolicy{Server: mesh.Named{Kind: "server", Name: "web"}, Routes: mesh.DefaultRoutes(nil),
		Authorizations: []mesh.Authorization{{Networks: mesh.AnyNetwork(), Identities: []string{name("friend")}}}}
	answers := make(chan mesh.InboundPolicy, 2)
	controller := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "/inbound?namespace=test&pod=web-1" || r.Header.Get("L5d-Client-Id") != name("server") {
			http.Error(w, "who asks?", http.StatusBadRequest)
			return
		}
		_ = http.NewResponseController(w).Flush()
		for {
			select {
			case answer := <-answers:
				_ = json.NewEncoder(w).Encode(answer)
				_ = http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}))
	t.Cleanup(func() { controller.CloseClientConnections(); controller.Close() })
	behind := p.start("policy", controller.Listener.Addr().String(), "", nil)
	server := p.start("server", original.String(), "", func(c *Config) {
		c.DefaultPolicy, c.Namespace, c.Pod = mesh.Deny, "test", "web-1"
		c.Policy = Peer{behind.config.Inbound, name("policy")}
	})
	p.resolutions[service] = mesh.Resolution{Service: true, Endpoints: []mesh.Endpoint{{Address: server.config.Inbound, Identity: name("server")}}}
	friend := p.start("friend", "127.0.0.1:1", service, nil)
	becomes := func(want int) {
		t.Helper()
		got := 0
		for deadline := time.Now().Add(5 * time.Second); got != want && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			response, err := http.Get("http://" + friend.config.Outbound + "/")
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			got = response.StatusCode
		}
		if got != want {
			t.Fatalf("the friend got %d instead of %d", got, want)
		}
	}
	becomes(403)
	answers <- mesh.InboundPolicy{Known: true, Ports: map[uint16]mesh.PortPolicy{original.Port(): allowed}, Other: mesh.DefaultPort(mesh.Deny, nil)}
	becomes(200)
	answers <- mesh.InboundPolicy{Known: true, Other: mesh.DefaultPort(mesh.Deny, nil)}
	becomes(403)
}
