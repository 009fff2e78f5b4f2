// Package inject adds the mesh's proxy to pods, as Linkerd's proxy-injector does.
package inject

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"slices"
	"strconv"

	"daybreak/lab/standins/internal/admission"
	"daybreak/lab/standins/internal/destination"
	"daybreak/lab/standins/internal/kube"
	"daybreak/lab/standins/internal/mesh"
)

// object is a piece of a Kubernetes object that is carried through unread.
type object = map[string]any

// Template is what the chart renders into its ConfigMap: the same containers that the control plane's own pods have.
type Template struct {
	// Proxy is an ordinary container whose postStart hook waits until it is ready; NativeProxy an init container that stays.
	Proxy       object   `json:"proxy"`
	NativeProxy object   `json:"nativeProxy"`
	Init        object   `json:"init"`
	Volumes     []object `json:"volumes"`
	// Native chooses NativeProxy unless the pod's or namespace's annotation says otherwise.
	Native       bool              `json:"native"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	ControlPlane string            `json:"controlPlane"`
}

// Namespaces tells a namespace's annotations.
type Namespaces func(ctx context.Context, name string) (map[string]string, error)

// FromAPI asks the API server each time: the answer must not be older than the pod.
func FromAPI(client *kube.Client) Namespaces {
	return func(ctx context.Context, name string) (map[string]string, error) {
		var namespace kube.NamespaceObject
		err := client.Get(ctx, "/api/v1/namespaces/"+name, &namespace)
		return namespace.Metadata.Annotations, err
	}
}

type pod struct {
	Metadata kube.Metadata `json:"metadata"`
	Spec     struct {
		HostNetwork                  bool     `json:"hostNetwork"`
		AutomountServiceAccountToken *bool    `json:"automountServiceAccountToken"`
		Containers                   []object `json:"containers"`
		InitContainers               []object `json:"initContainers"`
		Volumes                      []object `json:"volumes"`
	} `json:"spec"`
}

// Decide is the webhook's decision for a template.
func Decide(template *Template, namespaces Namespaces) admission.Decision {
	return func(ctx context.Context, request *admission.Request) ([]admission.Operation, error) {
		if request.Kind.Kind != "Pod" {
			return nil, nil
		}
		var asked pod
		if err := json.Unmarshal(request.Object, &asked); err != nil {
			return nil, err
		}
		inherited, err := namespaces(ctx, request.Namespace)
		if err != nil {
			return nil, fmt.Errorf("namespace %s: %w", request.Namespace, err)
		}
		asked.Metadata.Namespace = request.Namespace
		if reason := template.skip(&asked, inherited); reason != "" {
			log.Printf("skipped pod %s/%s: %s", request.Namespace, nameOf(&asked), reason)
			return nil, nil
		}
		log.Printf("injected proxy into pod %s/%s", request.Namespace, nameOf(&asked))
		return template.patch(&asked, inherited)
	}
}

func nameOf(p *pod) string {
	if p.Metadata.Name != "" {
		return p.Metadata.Name
	}
	if len(p.Metadata.OwnerReferences) > 0 {
		return p.Metadata.OwnerReferences[0].Name + "-…"
	}
	return "(unnamed)"
}

// skip says why a pod gets no proxy; empty if it gets one.
func (t *Template) skip(p *pod, inherited map[string]string) string {
	wish := setting(p, inherited, mesh.InjectAnnotation)
	named := func(c object) bool { return c["name"] == "linkerd-proxy" }
	switch {
	case wish != "enabled" && wish != "ingress":
		return "neither it nor its namespace asks for injection"
	case p.Spec.HostNetwork:
		return "hostNetwork is enabled"
	case slices.ContainsFunc(p.Spec.Containers, named) || slices.ContainsFunc(p.Spec.InitContainers, named):
		return "it has a proxy already"
	}
	return ""
}

// setting is the pod's annotation, else its namespace's.
func setting(p *pod, inherited map[string]string, name string) string {
	if own, ok := p.Metadata.Annotations[name]; ok {
		return own
	}
	return inherited[name]
}

func (t *Template) patch(p *pod, inherited map[string]string) ([]admission.Operation, error) {
	native := t.Native
	for _, name := range []string{mesh.NativeSidecarAlpha, mesh.NativeSidecarBeta} {
		if wish := setting(p, inherited, name); wish != "" {
			native = wish == "true" || wish == "enabled"
		}
	}
	proxy := copyOf(t.Proxy)
	if native {
		proxy = copyOf(t.NativeProxy)
	}
	if err := choosePolicy(proxy, setting(p, inherited, mesh.DefaultPolicyAnnotation)); err != nil {
		return nil, err
	}
	first := copyOf(t.Init)
	if err := skipPorts(first, p, inherited); err != nil {
		return nil, err
	}
	annotations := merged(p.Metadata.Annotations, t.Annotations)
	for _, name := range []string{mesh.SkipInbound, mesh.SkipOutbound, mesh.OpaquePorts, mesh.WaitBeforeExit, mesh.DefaultPolicyAnnotation} {
		if value := setting(p, inherited, name); value != "" {
			annotations[name] = value
		}
	}
	labels := merged(p.Metadata.Labels, t.Labels)
	labels[mesh.WorkloadLabel] = p.Metadata.Namespace
	if kind, name := destination.Workload(&kube.Pod{Metadata: p.Metadata}); kind != "" {
		labels["linkerd.io/proxy-"+kind] = name
	}
	inits, containers := []object{first}, p.Spec.Containers
	wait := annotations[mesh.WaitBeforeExit]
	if native && wait != "" {
		return nil, errors.New("proxy.nativeSidecar and waitBeforeExitSeconds cannot be used simultaneously")
	}
	if native {
		inits = append(inits, proxy)
	} else {
		// First, so that the others start only once its postStart hook has returned; kubectl still means the application.
		if len(containers) > 0 && annotations["kubectl.kubernetes.io/default-container"] == "" {
			annotations["kubectl.kubernetes.io/default-container"] = fmt.Sprint(containers[0]["name"])
		}
		if err := waitBeforeExit(proxy, wait); err != nil {
			return nil, err
		}
		containers = append([]object{proxy}, containers...)
	}
	return []admission.Operation{
		{Op: "add", Path: "/metadata/labels", Value: labels},
		{Op: "add", Path: "/metadata/annotations", Value: annotations},
		{Op: "add", Path: "/spec/volumes", Value: append(slices.Clone(p.Spec.Volumes), t.Volumes...)},
		{Op: "add", Path: "/spec/initContainers", Value: append(inits, p.Spec.InitContainers...)},
		{Op: "add", Path: "/spec/containers", Value: containers},
	}, nil
}

// choosePolicy sets the default inbound policy that an annotation asks for; the proxy has one of its own otherwise.
func choosePolicy(proxy object, policy string) error {
	switch policy {
	case "":
		return nil
	case mesh.AllUnauthenticated, mesh.AllAuthenticated, mesh.Deny:
		variables, _ := proxy["env"].([]any)
		proxy["env"] = append(variables, object{"name": "LINKERD2_PROXY_INBOUND_DEFAULT_POLICY", "value": policy})
		return nil
	}
	return fmt.Errorf("annotation %s: the lab's stand-in has no policy %q", mesh.DefaultPolicyAnnotation, policy)
}

// skipPorts adds the ports that the annotations name to the init container's arguments.
func skipPorts(first object, p *pod, inherited map[string]string) error {
	flags := map[string]string{mesh.SkipInbound: "--inbound-ports-to-ignore", mesh.SkipOutbound: "--outbound-ports-to-ignore"}
	arguments, _ := first["args"].([]any)
	for annotation, flag := range flags {
		value := setting(p, inherited, annotation)
		if value == "" {
			continue
		}
		if _, err := mesh.ParsePorts(value); err != nil {
			return fmt.Errorf("annotation %s: %w", annotation, err)
		}
		arguments = append(arguments, flag, value)
	}
	first["args"] = arguments
	return nil
}

// waitBeforeExit keeps the proxy for some seconds after its pod was told to go; without a text not at all.
func waitBeforeExit(proxy object, seconds string) error {
	if seconds == "" {
		return nil
	}
	if _, err := strconv.ParseUint(seconds, 10, 32); err != nil {
		return fmt.Errorf("annotation %s: %w", mesh.WaitBeforeExit, err)
	}
	lifecycle, _ := proxy["lifecycle"].(object)
	if lifecycle == nil {
		lifecycle = object{}
		proxy["lifecycle"] = lifecycle
	}
	lifecycle["preStop"] = object{"exec": object{"command": []string{"/bin/sleep", seconds}}}
	return nil
}

func copyOf(o object) object {
	text, _ := json.Marshal(o)
	var copied object
	_ = json.Unmarshal(text, &copied)
	return copied
}

func merged(first, second map[string]string) map[string]string {
	all := make(map[string]string, len(first)+len(second))
	for _, from := range []map[string]string{first, second} {
		for key, value := range from {
			all[key] = value
		}
	}
	return all
}
