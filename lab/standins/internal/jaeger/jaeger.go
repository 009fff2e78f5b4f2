// Package jaeger stands in for Jaeger: it takes spans by OTLP, keeps the newest traces in memory, and answers the part of
// Jaeger's API by which traces are found.
package jaeger

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"daybreak/lab/standins/internal/otlp"
	"daybreak/lab/standins/internal/protobuf"
	"daybreak/lab/standins/internal/standin"
)

// most is how many traces are kept.
const most = 5000

type tag struct {
	Key   string `json:"key"`
	Type  string `json:"type"`
	Value string `json:"value"`
}

type reference struct {
	Type  string `json:"refType"`
	Trace string `json:"traceID"`
	Span  string `json:"spanID"`
}

// span in Jaeger's form: times in microseconds.
type span struct {
	Trace      string      `json:"traceID"`
	ID         string      `json:"spanID"`
	Operation  string      `json:"operationName"`
	References []reference `json:"references"`
	Start      uint64      `json:"startTime"`
	Duration   uint64      `json:"duration"`
	Tags       []tag       `json:"tags"`
	Process    string      `json:"processID"`

	service  string
	resource []tag
}

// Server answers what Jaeger answers, as far as the lab needs it.
type Server struct {
	mutex  sync.RWMutex
	traces map[string][]span
	order  []string
	spans  uint64
}

// Receive takes an ExportTraceServiceRequest.
func (s *Server) Receive(request []byte) error {
	spans, err := decode(request)
	if err != nil {
		return err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.traces == nil {
		s.traces = map[string][]span{}
	}
	s.spans += uint64(len(spans))
	for _, one := range spans {
		if s.traces[one.Trace] == nil {
			s.order = append(s.order, one.Trace)
		}
		s.traces[one.Trace] = append(s.traces[one.Trace], one)
	}
	for len(s.order) > most {
		delete(s.traces, s.order[0])
		s.order = s.order[1:]
	}
	return nil
}

func decode(request []byte) ([]span, error) {
	var spans []span
	err := otlp.Messages(request, 1, func(resourceSpans []byte) error {
		service, resource := "unknown_service", []tag{}
		if err := otlp.Messages(resourceSpans, 1, func(message []byte) error {
			return otlp.Attributes(message, 1, func(key, value string) {
				if key == "service.name" {
					service = value
				} else {
					resource = append(resource, tag{key, "string", value})
				}
			})
		}); err != nil {
			return err
		}
		return otlp.Messages(resourceSpans, 2, func(scope []byte) error {
			return otlp.Messages(scope, 2, func(message []byte) error {
				one, err := decodeSpan(message)
				one.service, one.resource = service, resource
				spans = append(spans, one)
				return err
			})
		})
	})
	return spans, err
}

func decodeSpan(message []byte) (span, error) {
	one := span{References: []reference{}, Tags: []tag{}}
	var parent string
	var end uint64
	err := protobuf.Each(message, func(f protobuf.Field) error {
		switch f.Number {
		case 1:
			one.Trace = hex.EncodeToString(f.Bytes)
		case 2:
			one.ID = hex.EncodeToString(f.Bytes)
		case 4:
			parent = hex.EncodeToString(f.Bytes)
		case 5:
			one.Operation = string(f.Bytes)
		case 6:
			if kind := map[uint64]string{2: "server", 3: "client"}[f.Value]; kind != "" {
				one.Tags = append(one.Tags, tag{"span.kind", "string", kind})
			}
		case 7:
			one.Start = f.Value / 1000
		case 8:
			end = f.Value / 1000
		}
		return nil
	})
	if err != nil {
		return one, err
	}
	one.Duration = end - one.Start
	if parent != "" {
		one.References = []reference{{"CHILD_OF", one.Trace, parent}}
	}
	return one, otlp.Attributes(message, 9, func(key, value string) { one.Tags = append(one.Tags, tag{key, "string", value}) })
}

// Handler is the API at Jaeger's own port.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/services", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.services()) })
	mux.HandleFunc("GET /api/traces", s.search)
	mux.HandleFunc("GET /api/traces/{id}", s.one)
	return standin.Label("Jaeger", mux)
}

// Health is what Jaeger says at its port for that.
func Health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintln(w, `{"status":"StatusOK"}`)
}

// Metrics are in the names of the collector that Jaeger is.
func (s *Server) Metrics(w http.ResponseWriter, _ *http.Request) {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	fmt.Fprintf(w, "# TYPE otelcol_receiver_accepted_spans_total counter\notelcol_receiver_accepted_spans_total{receiver=\"otlp\",stand_in=%q} %d\n", standin.Notice("Jaeger"), s.spans)
}

func (s *Server) services() []string {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	found := map[string]bool{}
	for _, spans := range s.traces {
		for _, one := range spans {
			found[one.service] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// search finds the newest traces that a service has a part in.
func (s *Server) search(w http.ResponseWriter, r *http.Request) {
	service := r.FormValue("service")
	limit, err := strconv.Atoi(r.FormValue("limit"))
	if err != nil || limit <= 0 {
		limit = 20
	}
	if service == "" {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]any{"data": nil, "errors": []any{map[string]any{"code": 400, "msg": "parameter 'service' is required"}}})
		return
	}
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	found := []any{}
	for i := len(s.order) - 1; i >= 0 && len(found) < limit; i-- {
		spans := s.traces[s.order[i]]
		if slices.ContainsFunc(spans, func(one span) bool { return one.service == service }) {
			found = append(found, shown(s.order[i], spans))
		}
	}
	answer(w, found)
}

func (s *Server) one(w http.ResponseWriter, r *http.Request) {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	spans := s.traces[r.PathValue("id")]
	if spans == nil {
		w.WriteHeader(http.StatusNotFound)
		_ = json.NewEncoder(w).Encode(map[string]any{"data": nil, "errors": []any{map[string]any{"code": 404, "msg": "trace not found"}}})
		return
	}
	answer(w, []any{shown(r.PathValue("id"), spans)})
}

// shown is a trace in Jaeger's form, where spans name the process that they come from by a short name.
func shown(id string, spans []span) map[string]any {
	processes := map[string]any{}
	names := map[string]string{}
	named := slices.Clone(spans)
	for i, one := range named {
		key := one.service + fmt.Sprint(one.resource)
		if names[key] == "" {
			names[key] = "p" + strconv.Itoa(len(names)+1)
			processes[names[key]] = map[string]any{"serviceName": one.service, "tags": one.resource}
		}
		named[i].Process = names[key]
	}
	return map[string]any{"traceID": id, "spans": named, "processes": processes, "warnings": nil}
}

func answer(w http.ResponseWriter, data any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"data": data, "total": 0, "limit": 0, "offset": 0, "errors": nil})
}
