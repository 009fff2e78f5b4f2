package gateway

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"daybreak/lab/standins/internal/kube"
	"daybreak/lab/standins/internal/mesh"
)

func route(t *testing.T, text string) *kube.HTTPRoute {
	read := new(kube.HTTPRoute)
	if err := json.Unmarshal([]byte(text), read); err != nil {
		t.Fatal(err)
	}
	return read
}

func TestRouteOfAService(t *testing.T) {
	got, err := Convert("gateway.networking.k8s.io", route(t, `{"metadata":{"name":"reviews","annotations":{"retry.linkerd.io/http":"5xx, 429","retry.linkerd.io/limit":"2"}},
	  "spec":{"rules":[{"matches":[{"path":{"type":"PathPrefix","value":"/"}}],"timeouts":{"request":"2500ms"},
	    "backendRefs":[{"name":"reviews-v1","port":9080,"weight":0},{"name":"reviews-v2","port":9080,"weight":30},{"name":"reviews-v3","port":9080}]}]}}`))
	want := &mesh.Route{Group: "gateway.networking.k8s.io", Name: "reviews", Timeout: 2500 * time.Millisecond,
		Backends: []mesh.Backend{{Service: "reviews-v1", Port: 9080}, {Service: "reviews-v2", Port: 9080, Weight: 30}, {Service: "reviews-v3", Port: 9080, Weight: 1}},
		Retry:    &mesh.Retry{Statuses: [][2]int{{500, 599}, {429, 429}}, Limit: 2}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestWhatTheStandInDoesNotDoIsRefused(t *testing.T) {
	for reason, text := range map[string]string{
		"one rule":   `{"spec":{"rules":[{},{}]}}`,
		"no Service": `{"spec":{"rules":[{"backendRefs":[{"name":"reviews-v1"}]}]}}`,
		"conditions": `{"spec":{"rules":[{"matches":[{"method":"GET"}]}]}}`,
		"filters":    `{"spec":{"rules":[{"filters":[{}]}]}}`,
		"no status":  `{"metadata":{"annotations":{"retry.linkerd.io/http":"6xx"}},"spec":{"rules":[{}]}}`,
	} {
		if _, err := Convert("", route(t, text)); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v", reason, err)
		}
	}
}
