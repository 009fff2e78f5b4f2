package destination

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"daybreak/lab/standins/internal/kube"
	"daybreak/lab/standins/internal/mesh"
)

const podsJSON = `{"metadata":{"resourceVersion":"5"},"items":[
 {"metadata":{"name":"web-abc-1","namespace":"shop","labels":{"linkerd.io/control-plane-ns":"linkerd","pod-template-hash":"abc"},"ownerReferences":[{"kind":"ReplicaSet","name":"web-abc"}],
   "annotations":{"config.linkerd.io/skip-inbound-ports":"7000-7002"}},"spec":{"serviceAccountName":"web"},"status":{"phase":"Running","podIP":"10.244.1.5"}},
 {"metadata":{"name":"old","namespace":"shop"},"spec":{"serviceAccountName":"web"},"status":{"phase":"Running","podIP":"10.244.1.6"}},
 {"metadata":{"name":"agent","namespace":"shop"},"spec":{"hostNetwork":true},"status":{"phase":"Running","podIP":"10.0.1.10"}}]}`

const servicesJSON = `{"metadata":{"resourceVersion":"5"},"items":[
 {"metadata":{"name":"web","namespace":"shop"},"spec":{"clusterIP":"10.96.0.7","ports":[{"name":"http","port":80},{"name":"db","port":3306}]}},
 {"metadata":{"name":"web-v2","namespace":"shop"},"spec":{"clusterIP":"10.96.0.8","ports":[{"name":"http","port":81,"appProtocol":"http"},{"name":"queue","port":82,"appProtocol":"linkerd.io/opaque"},{"name":"own","port":83,"appProtocol":"example.com/own"}]}}]}`

const routesJSON = `{"metadata":{"resourceVersion":"5"},"items":[{"metadata":{"name":"split","namespace":"shop"},"spec":{
  "parentRefs":[{"group":"core","kind":"Service","name":"web","port":80}],
  "rules":[{"backendRefs":[{"name":"web-v2","kind":"Service","port":81,"weight":3},{"name":"gone","port":81}]}]}}]}`

const slicesJSON = `{"metadata":{"resourceVersion":"5"},"items":[
 {"metadata":{"name":"web-1","namespace":"shop","labels":{"kubernetes.io/service-name":"web"}},"addressType":"IPv4","ports":[{"name":"http","port":9080},{"name":"db","port":3306}],
  "endpoints":[{"addresses":["10.244.1.5"],"conditions":{"ready":true}},{"addresses":["10.244.1.6"]},{"addresses":["10.244.1.9"],"conditions":{"ready":false}}]},
 {"metadata":{"name":"web-v2-1","namespace":"shop","labels":{"kubernetes.io/service-name":"web-v2"}},"addressType":"IPv4","ports":[{"name":"http","port":9080}],
  "endpoints":[{"addresses":["10.244.1.5"]}]}]}`

// directory is one filled from a fake API; what is sent to gone ends up as an event of the pods' watch.
func directory(t *testing.T) (*Directory, chan<- string) {
	gone := make(chan string)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("watch") == "" {
			if strings.HasPrefix(r.URL.Path, "/apis/policy.linkerd.io/") {
				http.NotFound(w, r) // a cluster need not have both kinds of HTTPRoute
				return
			}
			io.WriteString(w, map[string]string{"/apis/gateway.networking.k8s.io/v1/httproutes": routesJSON, "/api/v1/pods": podsJSON, "/api/v1/services": servicesJSON, "/apis/discovery.k8s.io/v1/endpointslices": slicesJSON}[r.URL.Path])
			return
		}
		_ = http.NewResponseController(w).Flush()
		for {
			select {
			case <-r.Context().Done():
				return
			case event := <-gone:
				if r.URL.Path == "/api/v1/pods" {
					fmt.Fprintln(w, event)
					_ = http.NewResponseController(w).Flush()
				} else {
					go func() { gone <- event }()
					time.Sleep(time.Millisecond)
				}
			}
		}
	}))
	opaque, _ := mesh.ParsePorts("25,3306")
	d := New(Settings{ControlPlane: "linkerd", TrustDomain: "cluster.local", ClusterDomain: "cluster.local", OpaquePorts: opaque})
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); api.CloseClientConnections(); api.Close() })
	go d.Run(ctx, kube.NewClient(api.URL, nil, nil))
	for deadline := time.Now().Add(5 * time.Second); !d.Synced(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never synced")
		}
	}
	return d, gone
}

const webIdentity = "web.shop.serviceaccount.identity.linkerd.cluster.local"

func TestServiceIsItsReadyEndpoints(t *testing.T) {
	d, _ := directory(t)
	got := d.Resolve(netip.MustParseAddrPort("10.96.0.7:80"))
	if !got.Service || got.Opaque || got.Authority != "web.shop.svc.cluster.local:80" || len(got.Endpoints) != 2 {
		t.Fatalf("%+v", got)
	}
	meshed, plain := got.Endpoints[0], got.Endpoints[1]
	if meshed.Address != "10.244.1.5:9080" || meshed.Identity != webIdentity || meshed.Labels["dst_deployment"] != "web" || meshed.Labels["dst_service"] != "web" {
		t.Errorf("%+v", meshed)
	}
	if plain.Address != "10.244.1.6:9080" || plain.Identity != "" {
		t.Errorf("%+v", plain)
	}
}

func TestRouteSendsToItsBackends(t *testing.T) {
	d, _ := directory(t)
	got := d.Resolve(netip.MustParseAddrPort("10.96.0.7:80")).Route
	if got == nil || got.Name != "split" || got.Parent != "web" || len(got.Backends) != 2 {
		t.Fatalf("%+v", got)
	}
	second, gone := got.Backends[0], got.Backends[1]
	if second.Weight != 3 || len(second.Endpoints) != 1 || second.Endpoints[0].Identity != webIdentity || second.Endpoints[0].Labels["dst_service"] != "web-v2" {
		t.Errorf("%+v", second)
	}
	if gone.Weight != 1 || len(gone.Endpoints) != 0 {
		t.Errorf("%+v", gone)
	}
	if other := d.Resolve(netip.MustParseAddrPort("10.96.0.7:3306")).Route; other != nil {
		t.Errorf("another port has the route %+v", other)
	}
}

func TestOtherAddresses(t *testing.T) {
	d, _ := directory(t)
	for address, want := range map[string]mesh.Resolution{
		"10.96.0.7:3306":  {Service: true, Opaque: true},
		"10.96.0.7:1234":  {},
		"10.96.0.8:81":    {Service: true, HTTP: true},
		"10.96.0.8:82":    {Service: true, Opaque: true},
		"10.96.0.8:83":    {Service: true},
		"10.0.1.10:9100":  {},
		"192.0.2.1:443":   {},
		"192.0.2.1:25":    {Opaque: true},
		"10.244.1.5:9080": {Endpoints: []mesh.Endpoint{{Identity: webIdentity}}},
		"10.244.1.5:7001": {Endpoints: []mesh.Endpoint{{}}},
		"10.244.1.5:4191": {Endpoints: []mesh.Endpoint{{}}},
	} {
		got := d.Resolve(netip.MustParseAddrPort(address))
		if got.Service != want.Service || got.Opaque != want.Opaque || got.HTTP != want.HTTP || len(want.Endpoints) > 0 && (len(got.Endpoints) != 1 || got.Endpoints[0].Identity != want.Endpoints[0].Identity) {
			t.Errorf("%s: %+v", address, got)
		}
	}
}

func TestStreamTellsChanges(t *testing.T) {
	d, gone := directory(t)
	server := httptest.NewServer(d)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	response, err := http.Get(server.URL + "/resolve?address=10.244.1.5:9080")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	if line, _ := lines.ReadString('\n'); !strings.Contains(line, webIdentity) {
		t.Fatal(line)
	}
	gone <- `{"type":"DELETED","object":{"metadata":{"name":"web-abc-1","namespace":"shop","resourceVersion":"6"}}}`
	if line, _ := lines.ReadString('\n'); strings.TrimSpace(line) != `{"service":false}` {
		t.Error(line)
	}
}
