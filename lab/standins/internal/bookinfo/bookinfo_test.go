package bookinfo

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func listen(t *testing.T, handler http.Handler) string {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func chain(t *testing.T, version string) (string, Backends) {
	backends := BackendsFrom(func(string) string { return "" })
	backends.Details = listen(t, Details())
	backends.Ratings = listen(t, Ratings())
	handler, err := Reviews(version, backends)
	if err != nil {
		t.Fatal(err)
	}
	backends.Reviews = listen(t, handler)
	return listen(t, ProductPage(backends)), backends
}

func get(t *testing.T, url string) (int, string) {
	response, err := http.Get("http://" + url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(body)
}

func TestPageShowsDetailsReviewsAndStars(t *testing.T) {
	for version, color := range map[string]string{"v1": "", "v2": "color: black", "v3": "color: red"} {
		address, _ := chain(t, version)
		status, body := get(t, address+"/productpage?u=normal")
		if status != 200 || !strings.Contains(body, "William Shakespeare") || !strings.Contains(body, "Reviewer2") || !strings.Contains(body, `<b id="user">normal</b>`) {
			t.Errorf("%s: status %d, page:\n%s", version, status, body)
		}
		if starred := strings.Contains(body, "★★★★☆"); starred != (color != "") || !strings.Contains(body, color) {
			t.Errorf("%s: stars %v, want colour %q", version, starred, color)
		}
	}
}

func TestPageSurvivesMissingServices(t *testing.T) {
	dead := "127.0.0.1:1"
	backends := BackendsFrom(func(string) string { return "" })
	backends.Details, backends.Reviews = dead, dead
	status, body := get(t, listen(t, ProductPage(backends))+"/productpage")
	if status != 200 || !strings.Contains(body, "Error fetching product details!") || !strings.Contains(body, "Error fetching product reviews!") {
		t.Errorf("status %d, page:\n%s", status, body)
	}
}

func TestTraceHeadersTravelToRatings(t *testing.T) {
	seen := make(chan http.Header, 1)
	backends := BackendsFrom(func(string) string { return "" })
	backends.Details = listen(t, Details())
	backends.Ratings = listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen <- r.Header; Ratings().ServeHTTP(w, r) }))
	handler, _ := Reviews("v3", backends)
	backends.Reviews = listen(t, handler)
	request, _ := http.NewRequest(http.MethodGet, "http://"+listen(t, ProductPage(backends))+"/productpage", nil)
	names := []string{"Traceparent", "X-Request-Id", "X-B3-Traceid", "End-User"}
	for _, name := range names {
		request.Header.Set(name, "value-of-"+name)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	headers := <-seen
	for _, name := range names {
		if headers.Get(name) != "value-of-"+name {
			t.Errorf("%s did not arrive: %q", name, headers.Get(name))
		}
	}
}

func TestApiAndHealth(t *testing.T) {
	address, _ := chain(t, "v2")
	// In this order: the metrics are of the requests before.
	for _, page := range [][2]string{
		{"/", "/productpage?u=normal"},
		{"/health", "lab stand-in, not Bookinfo"},
		{"/api/v1/products", "The Comedy of Errors"},
		{"/api/v1/products/0", "William Shakespeare"},
		{"/api/v1/products/0/reviews", `"color":"black"`},
		{"/api/v1/products/0/ratings", `"Reviewer1":5`},
		{"/metrics", `request_result{destination_app=`},
	} {
		path, want := page[0], page[1]
		if status, body := get(t, address+path); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, _ := get(t, address+"/api/v1/products/x"); status != 404 {
		t.Errorf("a product that is no number: %d", status)
	}
}

func TestReviewsRefusesUnknownVersion(t *testing.T) {
	if _, err := Reviews("v4", Backends{}); err == nil {
		t.Error("v4 was accepted")
	}
}

func TestFaults(t *testing.T) {
	env := map[string]string{"STAND_IN_FAULT_PERCENT": "100", "STAND_IN_DELAY": "20ms"}
	fault, err := FaultFrom(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(fault.In(Ratings()))
	defer server.Close()
	for path, want := range map[string]int{"/ratings/0": 500, "/health": 200} {
		start := time.Now()
		response, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want || want == 500 && time.Since(start) < 20*time.Millisecond {
			t.Errorf("%s: %s after %s", path, response.Status, time.Since(start))
		}
	}
	if _, err := FaultFrom(func(string) string { return "much" }); err == nil {
		t.Error("a fault that cannot be read was taken")
	}
}

func TestProductpageBeginsATraceWhereThereIsNone(t *testing.T) {
	for given, want := range map[string]bool{"": true, "a3ce929d0e0e4736": false} {
		headers := http.Header{}
		if given != "" {
			headers.Set("X-B3-Traceid", given)
		}
		trace := withTrace(headers).Get("X-B3-Traceid")
		if begun := trace != given; begun != want || len(trace) != 16 || begun != (headers.Get("X-B3-Sampled") == "1") {
			t.Errorf("%q became %v", given, headers)
		}
	}
}
