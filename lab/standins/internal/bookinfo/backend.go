// Package bookinfo plays the services of Istio's Bookinfo sample: same ports, paths and call chain,
// own texts and pages. productpage calls details and reviews; reviews v2 and v3 call ratings.
package bookinfo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"daybreak/lab/standins/internal/standin"
)

// forwarded are the headers that a service hands on to the next, so that traces hang together.
var forwarded = []string{
	"X-Request-Id", "X-B3-Traceid", "X-B3-Spanid", "X-B3-Parentspanid", "X-B3-Sampled", "X-B3-Flags", "B3",
	"Traceparent", "Tracestate", "End-User", "User-Agent", "Cookie", "Authorization", "X-Ot-Span-Context", "Grpc-Trace-Bin",
}

// Backends are the addresses of the services that others call.
type Backends struct {
	Details, Reviews, Ratings string
	client                    *http.Client
}

// callTimeout bounds a call to another service, as the original's three seconds do.
const callTimeout = 3 * time.Second

// BackendsFrom reads the original's variables: DETAILS_HOSTNAME (default details), DETAILS_SERVICE_PORT (default 9080),
// likewise REVIEWS and RATINGS, and SERVICES_DOMAIN, which is appended to each host.
func BackendsFrom(env func(string) string) Backends {
	address := func(name, host string) string {
		if set := env(name + "_HOSTNAME"); set != "" {
			host = set
		}
		if domain := env("SERVICES_DOMAIN"); domain != "" {
			host += "." + domain
		}
		port := "9080"
		// Kubernetes sets NAME_SERVICE_PORT for the service itself, which is the same port.
		if set := env(name + "_SERVICE_PORT"); set != "" {
			port = set
		}
		return host + ":" + port
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second}
	return Backends{
		Details: address("DETAILS", "details"),
		Reviews: address("REVIEWS", "reviews"),
		Ratings: address("RATINGS", "ratings"),
		client:  &http.Client{Transport: transport, Timeout: callTimeout},
	}
}

// get calls http://address/path, hands the trace headers on, and decodes the JSON answer into out.
// status is 0 when nobody answered.
func (b Backends) get(ctx context.Context, from http.Header, address, path string, out any) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return 0, err
	}
	for _, name := range forwarded {
		if values := from.Values(name); len(values) > 0 {
			request.Header[name] = values
		}
	}
	response, err := b.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return response.StatusCode, err
	}
	if response.StatusCode != http.StatusOK {
		return response.StatusCode, fmt.Errorf("%s%s answered %s", address, path, response.Status)
	}
	return response.StatusCode, json.Unmarshal(body, out)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

func health(service string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": service + " is healthy", "standIn": standin.Notice("Bookinfo")})
	}
}

// number reads the product id from the path; the original refuses what isn't a number with 400.
func number(r *http.Request) (int, bool) {
	text := strings.TrimSpace(r.PathValue("id"))
	n := 0
	_, err := fmt.Sscanf(text, "%d", &n)
	return n, err == nil && fmt.Sprint(n) == text
}
