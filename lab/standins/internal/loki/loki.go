// Package loki stands in for Loki: it takes lines by OTLP, keeps the last of them in memory, and shows those that are asked for.
package loki

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"daybreak/lab/standins/internal/standin"
)

const (
	// most is how much text is kept, in bytes: the oldest lines go first.
	most = 64 << 20
	// defaultLimit is how many lines an answer has unless it is asked for more or less.
	defaultLimit = 100
	largestBody  = 32 << 20
)

// Server answers what Loki answers, as far as the lab needs it.
type Server struct {
	mutex    sync.RWMutex
	lines    []Line
	size     int
	received uint64
}

// Handler is the whole API.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ready\n") })
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("POST /otlp/v1/logs", s.push)
	mux.HandleFunc("/loki/api/v1/query_range", s.queryRange)
	mux.HandleFunc("GET /loki/api/v1/labels", s.labels)
	mux.HandleFunc("GET /loki/api/v1/label/{name}/values", s.values)
	return standin.Label("Loki", mux)
}

func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	fmt.Fprintf(w, "# TYPE loki_build_info gauge\nloki_build_info{version=\"stand-in\",branch=%q} 1\n", standin.Notice("Loki"))
	fmt.Fprintf(w, "# TYPE loki_distributor_lines_received_total counter\nloki_distributor_lines_received_total{tenant=\"fake\"} %d\n", s.received)
}

func (s *Server) push(w http.ResponseWriter, r *http.Request) {
	if kind := r.Header.Get("Content-Type"); kind != "application/x-protobuf" {
		fail(w, http.StatusUnsupportedMediaType, "this stand-in takes application/x-protobuf, not "+kind)
		return
	}
	body, err := read(r)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	lines, err := Decode(body)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	s.keep(lines)
	w.WriteHeader(http.StatusNoContent)
}

func read(r *http.Request) ([]byte, error) {
	body := io.Reader(io.LimitReader(r.Body, largestBody))
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "gzip":
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		body = io.LimitReader(unzipped, largestBody)
	case "":
	default:
		return nil, fmt.Errorf("unknown Content-Encoding %s", encoding)
	}
	return io.ReadAll(body)
}

func (s *Server) keep(lines []Line) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.received += uint64(len(lines))
	for _, line := range lines {
		s.size += len(line.Text)
	}
	s.lines = append(s.lines, lines...)
	oldest := 0
	for s.size > most {
		s.size -= len(s.lines[oldest].Text)
		oldest++
	}
	s.lines = slices.Delete(s.lines, 0, oldest)
}

type stream struct {
	Stream map[string]string `json:"stream"`
	Values [][2]string       `json:"values"`
}

func (s *Server) queryRange(w http.ResponseWriter, r *http.Request) {
	query, err := Parse(r.FormValue("query"))
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	now := time.Now()
	start := moment(r.FormValue("start"), now.Add(-time.Hour))
	end := moment(r.FormValue("end"), now)
	limit, err := strconv.Atoi(r.FormValue("limit"))
	if err != nil || limit <= 0 {
		limit = defaultLimit
	}
	found := s.find(query, start, end)
	forward := r.FormValue("direction") == "forward"
	if !forward {
		slices.Reverse(found)
	}
	answer(w, map[string]any{"resultType": "streams", "result": grouped(found[:min(limit, len(found))]), "stats": map[string]any{}})
}

// find is what matches, the oldest first.
func (s *Server) find(query Query, start, end uint64) []Line {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	var found []Line
	for _, line := range s.lines {
		if line.Time >= start && line.Time < end && query.Matches(line) {
			found = append(found, line)
		}
	}
	slices.SortStableFunc(found, func(a, b Line) int { return int(int64(a.Time - b.Time)) })
	return found
}

// grouped puts lines with the same labels and metadata together, as Loki does.
func grouped(lines []Line) []*stream {
	streams := []*stream{}
	byLabels := map[string]*stream{}
	for _, line := range lines {
		labels := maps.Clone(line.Labels)
		maps.Copy(labels, line.Metadata)
		text, _ := json.Marshal(labels)
		one := byLabels[string(text)]
		if one == nil {
			one = &stream{Stream: labels}
			byLabels[string(text)] = one
			streams = append(streams, one)
		}
		one.Values = append(one.Values, [2]string{strconv.FormatUint(line.Time, 10), line.Text})
	}
	return streams
}

// moment reads a time in nanoseconds, in seconds, or in RFC 3339.
func moment(text string, otherwise time.Time) uint64 {
	if nanoseconds, err := strconv.ParseUint(text, 10, 64); err == nil && len(text) > 10 {
		return nanoseconds
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		return uint64(seconds * float64(time.Second))
	}
	if parsed, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return uint64(parsed.UnixNano())
	}
	return uint64(otherwise.UnixNano())
}

func (s *Server) labels(w http.ResponseWriter, _ *http.Request) {
	answer(w, s.distinct(func(line Line) []string { return slices.Collect(maps.Keys(line.Labels)) }))
}

func (s *Server) values(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	answer(w, s.distinct(func(line Line) []string {
		if value, ok := line.Labels[name]; ok {
			return []string{value}
		}
		return nil
	}))
}

func (s *Server) distinct(of func(Line) []string) []string {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	found := map[string]bool{}
	for _, line := range s.lines {
		for _, text := range of(line) {
			found[text] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func answer(w http.ResponseWriter, data any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data})
}

func fail(w http.ResponseWriter, status int, message string) {
	http.Error(w, strings.TrimSpace(message), status)
}
