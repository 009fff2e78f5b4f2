// Package viz stands in for Linkerd's viz extension: what its metrics API answers, and one page of it.
package viz

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"html/template"
	"math"
	"net/http"
	"slices"
	"time"

	"daybreak/lab/standins/internal/kube"
	"daybreak/lab/standins/internal/mesh"
	"daybreak/lab/standins/internal/prometheus"
	"daybreak/lab/standins/internal/standin"
)

// Row is a workload's golden figures over the last minute.
type Row struct {
	Namespace   string  `json:"namespace"`
	Deployment  string  `json:"deployment"`
	MeshedPods  int     `json:"meshedPods"`
	RunningPods int     `json:"runningPods"`
	SuccessRate float64 `json:"successRate"` // 0–1
	RPS         float64 `json:"rps"`
	LatencyP50  float64 `json:"latencyMsP50"`
	LatencyP95  float64 `json:"latencyMsP95"`
	LatencyP99  float64 `json:"latencyMsP99"`
	SecuredRPS  float64 `json:"securedRps"` // requests over mutual TLS
}

// questions fill the fields of a Row; each answers by namespace and deployment.
var questions = []struct {
	expression string
	set        func(*Row, float64)
}{
	{`sum by (namespace, deployment) (rate(response_total{direction="inbound"}[1m]))`, func(r *Row, x float64) { r.RPS = x }},
	{`sum by (namespace, deployment) (rate(response_total{direction="inbound",tls="true"}[1m]))`, func(r *Row, x float64) { r.SecuredRPS = x }},
	{`sum by (namespace, deployment) (rate(response_total{direction="inbound",classification="success"}[1m])) / sum by (namespace, deployment) (rate(response_total{direction="inbound"}[1m]))`,
		func(r *Row, x float64) { r.SuccessRate = x }},
	{quantile("0.5"), func(r *Row, x float64) { r.LatencyP50 = x }},
	{quantile("0.95"), func(r *Row, x float64) { r.LatencyP95 = x }},
	{quantile("0.99"), func(r *Row, x float64) { r.LatencyP99 = x }},
}

func quantile(q string) string {
	return `histogram_quantile(` + q + `, sum by (le, namespace, deployment) (rate(response_latency_ms_bucket{direction="inbound"}[1m])))`
}

// MetricsAPI answers GET /api/stat with a row for every workload that has a meshed pod.
type MetricsAPI struct {
	Prometheus *prometheus.Server
	Pods       *kube.Store[kube.Pod]
}

func (m *MetricsAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/api/stat" {
		http.NotFound(w, r)
		return
	}
	rows, err := m.Rows(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(rows)
}

// Rows asks the API's mirror for pods and Prometheus for figures. It fails when Prometheus doesn't answer.
func (m *MetricsAPI) Rows(ctx context.Context) ([]*Row, error) {
	rows := map[[2]string]*Row{}
	m.Pods.Each(func(p *kube.Pod) bool {
		name := p.Metadata.Labels[mesh.DeploymentLabel]
		if name == "" || p.Status.Phase != "Running" {
			return true
		}
		key := [2]string{p.Metadata.Namespace, name}
		if rows[key] == nil {
			rows[key] = &Row{Namespace: key[0], Deployment: key[1]}
		}
		rows[key].RunningPods++
		if p.Metadata.Labels[mesh.ControlPlaneLabel] != "" {
			rows[key].MeshedPods++
		}
		return true
	})
	for _, question := range questions {
		found, err := m.Prometheus.Query(ctx, question.expression)
		if err != nil {
			return nil, err
		}
		for _, series := range found {
			row := rows[[2]string{series.Labels["namespace"], series.Labels["deployment"]}]
			if x := series.Last(); row != nil && !math.IsNaN(x) && !math.IsInf(x, 0) {
				question.set(row, x)
			}
		}
	}
	sorted := []*Row{}
	for _, row := range rows {
		sorted = append(sorted, row)
	}
	slices.SortFunc(sorted, func(a, b *Row) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Deployment, b.Deployment))
	})
	return sorted, nil
}

//go:embed web.html
var webHTML string

var webPage = template.Must(template.New("web").Funcs(template.FuncMap{"percent": func(x float64) float64 { return 100 * x }}).Parse(webHTML))

// Web shows the metrics API's rows as one page.
func Web(metricsAPI string) http.Handler {
	client := http.Client{Timeout: 10 * time.Second}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		var rows []*Row
		problem := ""
		response, err := client.Get("http://" + metricsAPI + "/api/stat")
		if err == nil {
			defer response.Body.Close()
			err = json.NewDecoder(response.Body).Decode(&rows)
		}
		if err != nil {
			problem = "The metrics API did not answer: " + err.Error()
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = webPage.Execute(w, map[string]any{"Rows": rows, "Problem": problem, "StandIn": standin.Notice("Linkerd viz")})
	})
}
