// Package gateway mirrors HTTPRoutes, of the Gateway API's group and of Linkerd's own.
package gateway

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"daybreak/lab/standins/internal/kube"
	"daybreak/lab/standins/internal/mesh"
)

// groups are those whose HTTPRoutes Linkerd reads; a cluster may have one or both.
var groups = map[string]string{"gateway.networking.k8s.io": "v1", "policy.linkerd.io": "v1beta3"}

// Routes are the HTTPRoutes of both groups.
type Routes struct {
	stores map[string]*kube.Store[kube.HTTPRoute]
}

// New makes an empty mirror; changed runs after each change.
func New(changed func()) *Routes {
	r := &Routes{stores: map[string]*kube.Store[kube.HTTPRoute]{}}
	for group, version := range groups {
		path := "/apis/" + group + "/" + version + "/httproutes"
		r.stores[group] = kube.NewStore(path, func(h *kube.HTTPRoute) kube.Metadata { return h.Metadata }, changed).Optional()
	}
	return r
}

// Run mirrors the API until ctx ends.
func (r *Routes) Run(ctx context.Context, client *kube.Client) error {
	for _, store := range r.stores {
		go store.Run(ctx, client)
	}
	<-ctx.Done()
	return ctx.Err()
}

// Synced lists what is closed once everything was listed.
func (r *Routes) Synced() []<-chan struct{} {
	var all []<-chan struct{}
	for _, store := range r.stores {
		all = append(all, store.Synced())
	}
	return all
}

// Each calls visit for every route with its group.
func (r *Routes) Each(visit func(group string, route *kube.HTTPRoute)) {
	for group, store := range r.stores {
		store.Each(func(route *kube.HTTPRoute) bool { visit(group, route); return true })
	}
}

// Convert reads how a route sends on, retries and bounds requests. It fails for what the stand-in does not do.
func Convert(group string, route *kube.HTTPRoute) (*mesh.Route, error) {
	if len(route.Spec.Rules) != 1 {
		return nil, fmt.Errorf("the lab's stand-in takes exactly one rule, not %d", len(route.Spec.Rules))
	}
	rule := route.Spec.Rules[0]
	if len(rule.Filters) > 0 {
		return nil, fmt.Errorf("the lab's stand-in has no filters")
	}
	for _, match := range rule.Matches {
		if !plain(match) || match.Path.Value != "" && match.Path.Value != "/" || match.Path.Type == "Exact" {
			return nil, fmt.Errorf("the lab's stand-in takes no conditions on a route of a Service")
		}
	}
	converted := &mesh.Route{Group: group, Name: route.Metadata.Name}
	for _, backend := range rule.BackendRefs {
		weight := uint32(1)
		if backend.Weight != nil {
			weight = *backend.Weight
		}
		if !backend.Is("", "Service") && backend.Kind != "" || backend.Port == nil || backend.Namespace != "" {
			return nil, fmt.Errorf("backend %s is no Service of this namespace with a port", backend.Name)
		}
		converted.Backends = append(converted.Backends, mesh.Backend{Service: backend.Name, Port: *backend.Port, Weight: weight})
	}
	var err error
	if text := rule.Timeouts.Request; text != "" {
		if converted.Timeout, err = time.ParseDuration(text); err != nil {
			return nil, fmt.Errorf("timeouts.request: %w", err)
		}
	}
	converted.Retry, err = retry(route.Metadata.Annotations)
	return converted, err
}

// plain tells that nothing but a path is asked for.
func plain(match kube.HTTPMatch) bool {
	return len(match.Headers) == 0 && len(match.QueryParams) == 0 && match.Method == ""
}

// Paths are a route's paths, where it is one of a Server. It fails for other conditions.
func Paths(route *kube.HTTPRoute) ([]mesh.PathMatch, error) {
	var paths []mesh.PathMatch
	for _, rule := range route.Spec.Rules {
		if len(rule.Matches) == 0 {
			paths = append(paths, mesh.PathMatch{Prefix: true, Value: "/"})
		}
		for _, match := range rule.Matches {
			if !plain(match) || match.Path.Type == "RegularExpression" {
				return nil, fmt.Errorf("the lab's stand-in takes conditions on paths only, Exact or PathPrefix")
			}
			value := match.Path.Value
			if value == "" {
				value = "/"
			}
			paths = append(paths, mesh.PathMatch{Prefix: match.Path.Type != "Exact", Value: value})
		}
	}
	return paths, nil
}

// retry reads Linkerd's annotations retry.linkerd.io/http ("5xx", "gateway-error", "503", "500-504") and …/limit (default 1).
func retry(annotations map[string]string) (*mesh.Retry, error) {
	text := annotations["retry.linkerd.io/http"]
	if text == "" {
		return nil, nil
	}
	read := &mesh.Retry{Limit: 1}
	for part := range strings.SplitSeq(text, ",") {
		span, err := statuses(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("retry.linkerd.io/http: %w", err)
		}
		read.Statuses = append(read.Statuses, span)
	}
	if limit, ok := annotations["retry.linkerd.io/limit"]; ok {
		number, err := strconv.ParseUint(limit, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("retry.linkerd.io/limit: %w", err)
		}
		read.Limit = int(number)
	}
	return read, nil
}

func statuses(part string) ([2]int, error) {
	switch part {
	case "5xx":
		return [2]int{500, 599}, nil
	case "gateway-error":
		return [2]int{502, 504}, nil
	}
	low, high, ranged := strings.Cut(part, "-")
	if !ranged {
		high = low
	}
	from, err := strconv.Atoi(low)
	to, errTo := strconv.Atoi(high)
	if err != nil || errTo != nil || from < 100 || to > 599 || from > to {
		return [2]int{}, fmt.Errorf("%q is no status and no range of statuses", part)
	}
	return [2]int{from, to}, nil
}
