package metrics

import (
	"strings"
	"testing"
)

func TestWritesPrometheusText(t *testing.T) {
	r := NewRegistry()
	r.Counter("requests_total", "Requests.").Add(2, Labels{"code", "200", "host", `a"b`})
	r.Gauge("open", "Open.").Set(1.5, nil)
	h := r.Histogram("latency_ms", "Latency.", []float64{1, 10})
	for _, x := range []float64{0.5, 1, 5, 50} {
		h.Observe(x, Labels{"d", "in"})
	}
	var b strings.Builder
	r.Write(&b)
	want := `# HELP latency_ms Latency.
# TYPE latency_ms histogram
latency_ms_bucket{d="in",le="1"} 2
latency_ms_bucket{d="in",le="10"} 3
latency_ms_bucket{d="in",le="+Inf"} 4
latency_ms_sum{d="in"} 56.5
latency_ms_count{d="in"} 4
# HELP open Open.
# TYPE open gauge
open 1.5
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{code="200",host="a\"b"} 2
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}
