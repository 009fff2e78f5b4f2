package viz

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"daybreak/lab/standins/internal/kube"
	"daybreak/lab/standins/internal/prometheus"
)

const pods = `{"metadata":{"resourceVersion":"7"},"items":[
 {"metadata":{"name":"a","namespace":"bookinfo","labels":{"linkerd.io/proxy-deployment":"reviews-v1","linkerd.io/control-plane-ns":"linkerd"}},"status":{"phase":"Running"}},
 {"metadata":{"name":"b","namespace":"other","labels":{}},"status":{"phase":"Running"}}]}`

func TestPageShowsMeshedWorkloads(t *testing.T) {
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"namespace":"bookinfo","deployment":"reviews-v1"},"value":[1,"0.5"]}]}}`)
	}))
	defer source.Close()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("watch") == "" {
			io.WriteString(w, pods)
			return
		}
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer api.Close()
	store := kube.NewStore("/api/v1/pods", func(p *kube.Pod) kube.Metadata { return p.Metadata }, func() {})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go store.Run(ctx, kube.NewClient(api.URL, nil, nil))
	select {
	case <-store.Synced():
	case <-time.After(5 * time.Second):
		t.Fatal("the store never synced")
	}
	metrics := httptest.NewServer(&MetricsAPI{Prometheus: prometheus.New(source.URL), Pods: store})
	defer metrics.Close()
	page := httptest.NewRecorder()
	Web(strings.TrimPrefix(metrics.URL, "http://")).ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/", nil))
	body := page.Body.String()
	for _, want := range []string{"reviews-v1", "1/1", "50.00 %", "lab stand-in, not Linkerd viz"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	if strings.Contains(body, "other") {
		t.Errorf("an unmeshed workload in\n%s", body)
	}
}
