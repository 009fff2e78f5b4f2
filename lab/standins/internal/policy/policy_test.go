package policy

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"daybreak/lab/standins/internal/kube"
)

// lists is what the fake API holds, by path.
var lists = map[string]string{
	"/api/v1/pods": `{"metadata":{"name":"ratings-1","namespace":"shop","labels":{"app":"ratings","linkerd.io/control-plane-ns":"linkerd"},"annotations":{"config.linkerd.io/default-inbound-policy":"deny"}},
	  "spec":{"containers":[{"ports":[{"name":"http","containerPort":9080},{"name":"linkerd-admin","containerPort":4191}],"readinessProbe":{"httpGet":{"path":"/health","port":"http"}}},
	    {"livenessProbe":{"httpGet":{"path":"/live","port":4191}}}]}},
	  {"metadata":{"name":"open-1","namespace":"shop"},"spec":{"containers":[{"ports":[{"name":"http","containerPort":9080}]}]}}`,
	group + "v1beta1/servers": `{"metadata":{"name":"ratings","namespace":"shop"},"spec":{"podSelector":{"matchLabels":{"app":"ratings"}},"port":"http"}},
	  {"metadata":{"name":"admin","namespace":"shop"},"spec":{"podSelector":{"matchExpressions":[{"key":"linkerd.io/control-plane-ns","operator":"Exists"}]},"port":"linkerd-admin"}},
	  {"metadata":{"name":"ratings","namespace":"elsewhere"},"spec":{"podSelector":{},"port":7777}}`,
	group + "v1alpha1/authorizationpolicies": `{"metadata":{"name":"ratings","namespace":"shop"},"spec":{"targetRef":{"group":"policy.linkerd.io","kind":"Server","name":"ratings"},
	    "requiredAuthenticationRefs":[{"group":"policy.linkerd.io","kind":"MeshTLSAuthentication","name":"reviews"}]}},
	  {"metadata":{"name":"metrics","namespace":"shop"},"spec":{"targetRef":{"group":"gateway.networking.k8s.io","kind":"HTTPRoute","name":"metrics"},
	    "requiredAuthenticationRefs":[{"group":"policy.linkerd.io","kind":"NetworkAuthentication","name":"pods"}]}},
	  {"metadata":{"name":"broken","namespace":"shop"},"spec":{"targetRef":{"kind":"Namespace","name":"shop"},"requiredAuthenticationRefs":[{"group":"policy.linkerd.io","kind":"MeshTLSAuthentication","name":"nobody"}]}}`,
	group + "v1alpha1/meshtlsauthentications": `{"metadata":{"name":"reviews","namespace":"shop"},"spec":{"identityRefs":[{"kind":"ServiceAccount","name":"reviews"}]}}`,
	group + "v1alpha1/networkauthentications": `{"metadata":{"name":"pods","namespace":"shop"},"spec":{"networks":[{"cidr":"10.244.0.0/16","except":["10.244.9.0/24"]}]}}`,
	"/apis/gateway.networking.k8s.io/v1/httproutes": `{"metadata":{"name":"metrics","namespace":"shop"},"spec":{"parentRefs":[{"group":"policy.linkerd.io","kind":"Server","name":"admin"}],
	    "rules":[{"matches":[{"path":{"type":"Exact","value":"/metrics"}}]}]}}`,
}

func index(t *testing.T) *Index {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("watch") != "" {
			<-r.Context().Done()
			return
		}
		items, ok := lists[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, `{"metadata":{"resourceVersion":"5"},"items":[`+items+`]}`)
	}))
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); api.CloseClientConnections(); api.Close() })
	i := New(Settings{ControlPlane: "linkerd", TrustDomain: "cluster.local"})
	go i.Run(ctx, kube.NewClient(api.URL, nil, nil))
	for deadline := time.Now().Add(5 * time.Second); !i.Synced(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never synced")
		}
	}
	return i
}

var (
	pod     = netip.MustParseAddr("10.244.1.7")
	except  = netip.MustParseAddr("10.244.9.7")
	outside = netip.MustParseAddr("198.51.100.10")
)

func TestWhoMayCallWhat(t *testing.T) {
	ratings := index(t).Inbound("shop", "ratings-1")
	reviews := "reviews.shop.serviceaccount.identity.linkerd.cluster.local"
	for _, c := range []struct {
		why      string
		port     uint16
		client   netip.Addr
		identity string
		path     string
		allowed  bool
	}{
		{"the caller of the chain", 9080, pod, reviews, "/ratings/0", true},
		{"another meshed caller", 9080, pod, "traffic.traffic.serviceaccount.identity.linkerd.cluster.local", "/ratings/0", false},
		{"an unmeshed caller", 9080, pod, "", "/ratings/0", false},
		{"the kubelet's probe", 9080, outside, "", "/health", true},
		{"something under the probe's path", 9080, outside, "", "/health/x", false},
		{"a scrape", 4191, pod, "", "/metrics", true},
		{"a scrape from a network that is excepted", 4191, except, "", "/metrics", false},
		{"a scrape from outside", 4191, outside, "", "/metrics", false},
		{"a probe where HTTPRoutes took the default ones' place", 4191, pod, "", "/live", false},
		{"a port without a Server, by default", 8000, pod, reviews, "/", false},
		{"a port that a Server of another namespace selects", 7777, pod, reviews, "/", false},
	} {
		if got := ratings.Port(c.port).Request(c.client, c.identity, c.path); got.Allowed != c.allowed {
			t.Errorf("%s: %+v", c.why, got)
		}
	}
	if !ratings.Port(9080).Connection(pod, reviews).Allowed || ratings.Port(9080).Connection(pod, "").Allowed {
		t.Error("connections that are not HTTP go by the Server's authorizations")
	}
}

func TestWithoutServerAndAnnotationAllMayCall(t *testing.T) {
	i := index(t)
	if got := i.Inbound("shop", "open-1").Port(9080).Request(outside, "", "/"); !got.Allowed || got.Authz.Name != "all-unauthenticated" {
		t.Errorf("%+v", got)
	}
	if i.Inbound("shop", "nobody").Known {
		t.Error("there is no such pod")
	}
}
