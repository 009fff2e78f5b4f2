package trace

import (
	stdcontext "context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"daybreak/lab/standins/internal/jaeger"
	"daybreak/lab/standins/internal/otlp"
)

const id = "4bf92f3577b34da6a3ce929d0e0e4736"

func sent(t *testing.T, tracer *Tracer, headers map[string]string) http.Header {
	request := httptest.NewRequest(http.MethodGet, "/reviews/0", nil)
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	var seen http.Header
	if _, err := tracer.Around(request, Client, func(r *http.Request) (*http.Response, error) {
		seen = r.Header
		return &http.Response{StatusCode: 200}, nil
	}); err != nil {
		t.Fatal(err)
	}
	return seen
}

func TestARequestWithoutATraceIsLeftAsItIs(t *testing.T) {
	tracer := NewTracer()
	for _, headers := range []map[string]string{nil, {"Traceparent": "nonsense"}, {"X-B3-Traceid": "12"}} {
		if seen := sent(t, tracer, headers); len(seen) != len(headers) || len(tracer.spans) > 0 {
			t.Errorf("%v became %v with %d spans", headers, seen, len(tracer.spans))
		}
	}
	if seen := sent(t, nil, map[string]string{"Traceparent": "00-" + id + "-00f067aa0ba902b7-01"}); !strings.Contains(seen.Get("Traceparent"), "00f067aa0ba902b7") {
		t.Errorf("without a tracer: %v", seen)
	}
}

func TestTheNextHopSeesTheProxysSpanAsItsParent(t *testing.T) {
	tracer := NewTracer()
	seen := sent(t, tracer, map[string]string{
		"Traceparent": "00-" + id + "-00f067aa0ba902b7-01", "X-B3-Traceid": "a3ce929d0e0e4736", "X-B3-Spanid": "00f067aa0ba902b7",
	})
	if text := seen.Get("Traceparent"); !strings.HasPrefix(text, "00-"+id+"-") || !strings.HasSuffix(text, "-01") || strings.Contains(text, "00f067aa0ba902b7") {
		t.Error(text)
	}
	if seen.Get("X-B3-Spanid") != "00f067aa0ba902b7" {
		t.Errorf("B3 is obeyed beside W3C: %v", seen)
	}
	seen = sent(t, tracer, map[string]string{"X-B3-Traceid": "a3ce929d0e0e4736", "X-B3-Spanid": "00f067aa0ba902b7", "X-B3-Sampled": "1"})
	if seen.Get("X-B3-Parentspanid") != "00f067aa0ba902b7" || seen.Get("X-B3-Spanid") == "00f067aa0ba902b7" || seen.Get("X-B3-Traceid") != "a3ce929d0e0e4736" {
		t.Error(seen)
	}
	if len(tracer.spans) != 2 {
		t.Errorf("%d spans", len(tracer.spans))
	}
	sent(t, tracer, map[string]string{"X-B3-Traceid": "a3ce929d0e0e4736", "X-B3-Spanid": "00f067aa0ba902b7", "X-B3-Sampled": "0"})
	if len(tracer.spans) != 2 {
		t.Error("a trace that is not sampled is reported")
	}
}

// Over the very way that spans take in the lab: HTTP/2 without TLS, gRPC, OTLP.
func TestSpansAreFoundInJaeger(t *testing.T) {
	store := &jaeger.Server{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+otlp.TracesPath, otlp.Handler(store.Receive))
	collector := httptest.NewUnstartedServer(mux)
	collector.Config.Protocols = new(http.Protocols)
	collector.Config.Protocols.SetUnencryptedHTTP2(true)
	collector.Start()
	defer collector.Close()

	client := otlp.NewClient(func(ctx stdcontext.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", collector.Listener.Addr().String())
	})
	if err := client.Call(t.Context(), otlp.TracesPath, []byte("\xff")); err == nil || !strings.Contains(err.Error(), "malformed") {
		t.Errorf("what is no request is taken: %v", err)
	}

	tracer := NewTracer("service.name", "reviews", "k8s.pod.uid", "u")
	ctx, cancel := stdcontext.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- tracer.Run(ctx, client) }()
	sent(t, tracer, map[string]string{"Traceparent": "00-" + id + "-00f067aa0ba902b7-01"})

	api := httptest.NewServer(store.Handler())
	defer api.Close()
	var found struct {
		Data []struct {
			Spans []struct {
				Operation  string `json:"operationName"`
				References []struct{ SpanID string }
				Tags       []struct{ Key, Value string }
				ProcessID  string
			}
			Processes map[string]struct{ ServiceName string }
		}
	}
	for deadline := time.Now().Add(10 * time.Second); len(found.Data) == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no trace")
		}
		response, err := http.Get(api.URL + "/api/traces/" + id)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		_ = json.Unmarshal(body, &found)
	}
	one := found.Data[0].Spans[0]
	if one.Operation != "/reviews/0" || one.References[0].SpanID != "00f067aa0ba902b7" || found.Data[0].Processes[one.ProcessID].ServiceName != "reviews" {
		t.Errorf("%+v", found.Data[0])
	}
	response, err := http.Get(api.URL + "/api/traces?service=reviews")
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(response.Body); !strings.Contains(string(body), id) {
		t.Error(string(body))
	}
	if response, _ := http.Get(api.URL + "/api/traces"); response.StatusCode != 400 {
		t.Error(response.Status)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
