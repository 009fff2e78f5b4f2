// Package metrics counts things and writes them in Prometheus' text format.
package metrics

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Labels are name and value pairs in the order in which they are written: "direction", "inbound", ….
type Labels []string

// String renders the labels without braces: direction="inbound",tls="true".
func (l Labels) String() string {
	var b strings.Builder
	for i := 0; i+1 < len(l); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(l[i])
		b.WriteByte('=')
		b.WriteString(strconv.Quote(l[i+1]))
	}
	return b.String()
}

// Registry holds families of metrics and writes them sorted by name.
type Registry struct {
	mutex    sync.Mutex
	families map[string]*family
}

type family struct {
	help, kind string
	series     sync.Map // rendered labels → series
}

type series interface {
	write(w io.Writer, name, labels string)
}

// NewRegistry makes an empty registry.
func NewRegistry() *Registry {
	return &Registry{families: map[string]*family{}}
}

func (r *Registry) family(name, kind, help string) *family {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	f, ok := r.families[name]
	if !ok {
		f = &family{help: help, kind: kind}
		r.families[name] = f
	}
	return f
}

// Counter is a family of numbers that only grow.
type Counter struct{ family *family }

// Gauge is a family of numbers that go up and down.
type Gauge struct{ family *family }

// Histogram is a family of distributions over fixed bucket bounds.
type Histogram struct {
	family *family
	bounds []float64
}

// Counter makes (or finds) a counter.
func (r *Registry) Counter(name, help string) Counter {
	return Counter{r.family(name, "counter", help)}
}

// Gauge makes (or finds) a gauge.
func (r *Registry) Gauge(name, help string) Gauge {
	return Gauge{r.family(name, "gauge", help)}
}

// Histogram makes (or finds) a histogram with these ascending upper bounds; +Inf is added.
func (r *Registry) Histogram(name, help string, bounds []float64) Histogram {
	return Histogram{r.family(name, "histogram", help), bounds}
}

// Add adds n to the series with these labels.
func (c Counter) Add(n float64, labels Labels) { number(c.family, labels).add(n) }

// Value tells the present value; 0 if nothing was counted yet.
func (c Counter) Value(labels Labels) float64 { return number(c.family, labels).value() }

// Add adds n, which may be negative.
func (g Gauge) Add(n float64, labels Labels) { number(g.family, labels).add(n) }

// Set replaces the value.
func (g Gauge) Set(n float64, labels Labels) {
	number(g.family, labels).bits.Store(math.Float64bits(n))
}

type value struct{ bits atomic.Uint64 }

func number(f *family, labels Labels) *value {
	key := labels.String()
	if found, ok := f.series.Load(key); ok {
		return found.(*value)
	}
	made, _ := f.series.LoadOrStore(key, &value{})
	return made.(*value)
}

func (v *value) value() float64 { return math.Float64frombits(v.bits.Load()) }

func (v *value) add(n float64) {
	for {
		old := v.bits.Load()
		if v.bits.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+n)) {
			return
		}
	}
}

func (v *value) write(w io.Writer, name, labels string) {
	fmt.Fprintf(w, "%s%s %s\n", name, braces(labels), format(v.value()))
}

type distribution struct {
	mutex  sync.Mutex
	bounds []float64
	counts []uint64
	total  uint64
	sum    float64
}

// Observe records one measurement.
func (h Histogram) Observe(x float64, labels Labels) {
	key := labels.String()
	found, ok := h.family.series.Load(key)
	if !ok {
		found, _ = h.family.series.LoadOrStore(key, &distribution{bounds: h.bounds, counts: make([]uint64, len(h.bounds))})
	}
	d := found.(*distribution)
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.total++
	d.sum += x
	if i, _ := slices.BinarySearch(d.bounds, x); i < len(d.counts) {
		d.counts[i]++
	}
}

func (d *distribution) write(w io.Writer, name, labels string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	prefix := labels
	if prefix != "" {
		prefix += ","
	}
	var below uint64
	for i, bound := range d.bounds {
		below += d.counts[i]
		fmt.Fprintf(w, "%s_bucket{%sle=%q} %d\n", name, prefix, format(bound), below)
	}
	fmt.Fprintf(w, "%s_bucket{%sle=\"+Inf\"} %d\n", name, prefix, d.total)
	fmt.Fprintf(w, "%s_sum%s %s\n%s_count%s %d\n", name, braces(labels), format(d.sum), name, braces(labels), d.total)
}

func braces(labels string) string {
	if labels == "" {
		return ""
	}
	return "{" + labels + "}"
}

func format(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// Write writes every family in Prometheus' text format, names and labels sorted.
func (r *Registry) Write(w io.Writer) {
	r.mutex.Lock()
	names := make([]string, 0, len(r.families))
	for name := range r.families {
		names = append(names, name)
	}
	slices.Sort(names)
	families := make([]*family, len(names))
	for i, name := range names {
		families[i] = r.families[name]
	}
	r.mutex.Unlock()
	for i, f := range families {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", names[i], f.help, names[i], f.kind)
		var keys []string
		f.series.Range(func(key, _ any) bool { keys = append(keys, key.(string)); return true })
		slices.Sort(keys)
		for _, key := range keys {
			if s, ok := f.series.Load(key); ok {
				s.(series).write(w, names[i], key)
			}
		}
	}
}

// ServeHTTP answers a scrape.
func (r *Registry) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	r.Write(w)
}
