package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"daybreak/lab/standins/internal/mesh"
	"daybreak/lab/standins/internal/metrics"
)

// routed sends a request by the HTTPRoute of its service and counts how that ended, whatever had to be tried again. Like
// Linkerd's it forgets a request whose client left before the answer: what made it leave is counted where it happened.
func (out *outbound) routed(request *http.Request, entry *resolved, resolution *mesh.Resolution) (*http.Response, error) {
	response, err := out.tried(request, entry, resolution)
	status, failure := "", ""
	switch {
	case errors.Is(err, context.Canceled):
		return nil, err
	case errors.Is(err, context.DeadlineExceeded):
		failure = "REQUEST_TIMEOUT"
	case err != nil:
		failure = "UNKNOWN"
	default:
		status = strconv.Itoa(response.StatusCode)
	}
	out.outcomes.Add(1, append(routeLabels(resolution.Route), "hostname", "", "http_status", status, "error", failure))
	return response, err
}

// tried sends a request to a backend by weight, again after an answer that is to be tried again, and no longer than the
// route's timeout. Like Linkerd's it chooses anew for each try; unlike Linkerd's it tries nothing again that has a body.
func (out *outbound) tried(request *http.Request, entry *resolved, resolution *mesh.Resolution) (*http.Response, error) {
	route := resolution.Route
	ctx, cancel := context.WithCancel(request.Context())
	if route.Timeout > 0 {
		ctx, cancel = context.WithTimeout(request.Context(), route.Timeout)
	}
	again := 0
	bodiless := request.Body == nil || request.Body == http.NoBody
	if route.Retry != nil && bodiless {
		again = route.Retry.Limit
	}
	for connects := 3; ; {
		response, err := out.toBackend(request.WithContext(ctx), entry, resolution)
		if err != nil {
			// Nothing was sent: another endpoint may still serve it.
			if connects--; unsent(err) && bodiless && connects > 0 && ctx.Err() == nil {
				continue
			}
			cancel()
			return nil, err
		}
		if again == 0 || !route.Retry.Covers(response.StatusCode) {
			response.Body = &exchange{ReadCloser: response.Body, end: cancel}
			return response, nil
		}
		again--
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		out.retries.Add(1, routeLabels(route))
	}
}

func routeLabels(route *mesh.Route) metrics.Labels {
	return metrics.Labels{"parent_group", "core", "parent_kind", "Service", "parent_namespace", route.ParentNamespace, "parent_name", route.Parent,
		"parent_port", strconv.Itoa(int(route.Port)), "route_group", route.Group, "route_kind", "HTTPRoute", "route_namespace", route.ParentNamespace, "route_name", route.Name}
}

// toBackend sends a request to an endpoint of a backend that the weights have chosen.
func (out *outbound) toBackend(request *http.Request, entry *resolved, resolution *mesh.Resolution) (*http.Response, error) {
	backend, err := choose(resolution.Route.Backends, rand.Uint64N)
	if err != nil {
		return nil, fmt.Errorf("HTTPRoute %s: %w", resolution.Route.Name, err)
	}
	if len(backend.Endpoints) == 0 {
		return nil, fmt.Errorf("backend %s of HTTPRoute %s has no endpoints", backend.Service, resolution.Route.Name)
	}
	endpoint := backend.Endpoints[entry.turn.Add(1)%uint64(len(backend.Endpoints))]
	start := time.Now()
	response, err := out.send(request, out.inPod(endpoint), resolution.Authority)
	if err != nil && request.Context().Err() == context.DeadlineExceeded {
		return nil, fmt.Errorf("HTTP response timeout after %s: %w", time.Since(start).Round(time.Millisecond), context.DeadlineExceeded)
	}
	return response, err
}

// choose takes a backend at random, each with its weight's share; below(n) is a random number under n.
func choose(backends []mesh.Backend, below func(uint64) uint64) (mesh.Backend, error) {
	var sum uint64
	for _, backend := range backends {
		sum += uint64(backend.Weight)
	}
	if sum == 0 {
		return mesh.Backend{}, fmt.Errorf("no backend has a weight above 0")
	}
	at := below(sum)
	for _, backend := range backends {
		if at < uint64(backend.Weight) {
			return backend, nil
		}
		at -= uint64(backend.Weight)
	}
	panic("unreachable: at is under the sum")
}
