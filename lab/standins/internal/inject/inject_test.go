package inject

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"daybreak/lab/standins/internal/admission"
	"daybreak/lab/standins/internal/mesh"
)

func template() *Template {
	return &Template{
		Proxy: object{"name": "linkerd-proxy"}, NativeProxy: object{"name": "linkerd-proxy", "restartPolicy": "Always"},
		Init: object{"name": "linkerd-init", "args": []any{"init"}}, Volumes: []object{{"name": "token"}}, Native: true,
		Labels: map[string]string{"linkerd.io/control-plane-ns": "linkerd"}, Annotations: map[string]string{"linkerd.io/proxy-version": "v"},
	}
}

func decide(t *testing.T, pod string, namespace map[string]string) map[string]any {
	find := func(context.Context, string) (map[string]string, error) { return namespace, nil }
	request := &admission.Request{Namespace: "shop", Object: json.RawMessage(pod)}
	request.Kind.Kind = "Pod"
	patch, err := Decide(template(), find)(context.Background(), request)
	if err != nil {
		t.Fatal(err)
	}
	result := map[string]any{}
	for _, operation := range patch {
		result[operation.Path] = operation.Value
	}
	return result
}

func names(list any) []string {
	var all []string
	for _, c := range list.([]object) {
		all = append(all, fmt.Sprint(c["name"]))
	}
	return all
}

const plain = `{"metadata":{"labels":{"pod-template-hash":"abc"},"ownerReferences":[{"kind":"ReplicaSet","name":"web-abc"}]},"spec":{"containers":[{"name":"web"}],"initContainers":[{"name":"prepare"}]}}`

var enabled = map[string]string{"linkerd.io/inject": "enabled"}

func TestNativeSidecarComesFirst(t *testing.T) {
	got := decide(t, plain, enabled)
	if !slices.Equal(names(got["/spec/initContainers"]), []string{"linkerd-init", "linkerd-proxy", "prepare"}) || !slices.Equal(names(got["/spec/containers"]), []string{"web"}) {
		t.Errorf("%v", got)
	}
	labels := got["/metadata/labels"].(map[string]string)
	if labels["linkerd.io/proxy-deployment"] != "web" || labels["linkerd.io/workload-ns"] != "shop" || labels["pod-template-hash"] != "abc" {
		t.Errorf("%v", labels)
	}
}

func TestOrdinaryContainerOnRequest(t *testing.T) {
	got := decide(t, plain, map[string]string{"linkerd.io/inject": "enabled", "config.alpha.linkerd.io/proxy-enable-native-sidecar": "false"})
	if !slices.Equal(names(got["/spec/containers"]), []string{"linkerd-proxy", "web"}) || got["/metadata/annotations"].(map[string]string)["kubectl.kubernetes.io/default-container"] != "web" {
		t.Errorf("%v", got)
	}
}

func TestSkippedPods(t *testing.T) {
	for why, pod := range map[string]string{
		"disabled":     `{"metadata":{"annotations":{"linkerd.io/inject":"disabled"}},"spec":{"containers":[{"name":"web"}]}}`,
		"host network": `{"metadata":{},"spec":{"hostNetwork":true,"containers":[{"name":"web"}]}}`,
		"has one":      `{"metadata":{},"spec":{"containers":[{"name":"web"}],"initContainers":[{"name":"linkerd-proxy"}]}}`,
	} {
		if got := decide(t, pod, enabled); len(got) > 0 {
			t.Errorf("%s: %v", why, got)
		}
	}
	if got := decide(t, plain, nil); len(got) > 0 {
		t.Errorf("nobody asked: %v", got)
	}
}

func TestAnnotatedPortsReachTheInitContainer(t *testing.T) {
	got := decide(t, `{"metadata":{"annotations":{"linkerd.io/inject":"enabled","config.linkerd.io/skip-inbound-ports":"7000"}},"spec":{"containers":[{"name":"web"}]}}`, nil)
	arguments := got["/spec/initContainers"].([]object)[0]["args"].([]any)
	if fmt.Sprint(arguments) != "[init --inbound-ports-to-ignore 7000]" {
		t.Error(arguments)
	}
}

func TestWaitingBeforeExitIsForOrdinaryProxies(t *testing.T) {
	asked := map[string]string{"linkerd.io/inject": "enabled", mesh.WaitBeforeExit: "7", mesh.NativeSidecarBeta: "disabled"}
	proxy := decide(t, plain, asked)["/spec/containers"].([]object)[0]
	if got := fmt.Sprint(proxy["lifecycle"]); got != "map[preStop:map[exec:map[command:[/bin/sleep 7]]]]" {
		t.Error(got)
	}
	for why, annotations := range map[string]map[string]string{
		"native, which would outlive the application anyway": {mesh.WaitBeforeExit: "7"},
		"not a number": {mesh.WaitBeforeExit: "soon", mesh.NativeSidecarBeta: "disabled"},
	} {
		find := func(context.Context, string) (map[string]string, error) { return annotations, nil }
		annotations[mesh.InjectAnnotation] = "enabled"
		request := &admission.Request{Namespace: "shop", Object: json.RawMessage(plain)}
		request.Kind.Kind = "Pod"
		if _, err := Decide(template(), find)(context.Background(), request); err == nil {
			t.Errorf("%s: not refused", why)
		}
	}
}

func TestAnnotatedPolicyReachesTheProxy(t *testing.T) {
	deny := map[string]string{"linkerd.io/inject": "enabled", "config.linkerd.io/default-inbound-policy": "deny"}
	got := decide(t, plain, deny)
	proxy := got["/spec/initContainers"].([]object)[1]
	if text := fmt.Sprint(proxy["env"]); !strings.Contains(text, "name:LINKERD2_PROXY_INBOUND_DEFAULT_POLICY value:deny") {
		t.Errorf("the proxy has %s", text)
	}
	if annotations := got["/metadata/annotations"].(map[string]string); annotations["config.linkerd.io/default-inbound-policy"] != "deny" {
		t.Errorf("the policy controller reads it from the pod: %v", annotations)
	}
}
