package trace

import (
	stdcontext "context"
	"log"
	"net/http"
	"strconv"
	"time"

	"daybreak/lab/standins/internal/otlp"
	"daybreak/lab/standins/internal/protobuf"
)

// Kind of a span, by OTLP's numbers.
type Kind uint64

const (
	// Server is for a request that came in.
	Server Kind = 2
	// Client is for one that goes out.
	Client Kind = 3
)

// waiting is how many spans are kept until they are sent; what is more is lost.
const waiting = 2048

// Tracer reports spans. A nil one reports none and leaves requests as they are.
type Tracer struct {
	resource protobuf.Message
	spans    chan protobuf.Message
}

// NewTracer makes a tracer whose spans all have these attributes of their resource, as key and value by turns.
func NewTracer(attributes ...string) *Tracer {
	t := &Tracer{spans: make(chan protobuf.Message, waiting)}
	for i := 0; i+1 < len(attributes); i += 2 {
		t.resource = t.resource.Bytes(1, otlp.Pair(attributes[i], attributes[i+1]))
	}
	return t
}

// Around sends a request that belongs to a trace as a span of its own.
func (t *Tracer) Around(request *http.Request, kind Kind, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	if t == nil {
		return send(request)
	}
	c, ok := extract(request.Header)
	if !ok {
		return send(request)
	}
	id := newID()
	c.inject(request.Header, id)
	start := time.Now()
	response, err := send(request)
	if c.sampled {
		t.report(c, id, kind, start, request, response)
	}
	return response, err
}

func (t *Tracer) report(c context, id [8]byte, kind Kind, start time.Time, request *http.Request, response *http.Response) {
	span := protobuf.Message{}.Bytes(1, c.trace[:]).Bytes(2, id[:]).Bytes(4, c.parent[:]).Text(5, request.URL.Path).
		Number(6, uint64(kind)).Fixed(7, uint64(start.UnixNano())).Fixed(8, uint64(time.Now().UnixNano())).
		Bytes(9, otlp.Pair("http.request.method", request.Method)).Bytes(9, otlp.Pair("url.path", request.URL.Path))
	if response != nil {
		span = span.Bytes(9, otlp.Pair("http.response.status_code", strconv.Itoa(response.StatusCode)))
	}
	select {
	case t.spans <- span:
	default:
	}
}

// Run sends what has gathered, every second, until ctx ends.
func (t *Tracer) Run(ctx stdcontext.Context, client *otlp.Client) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	failed := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		request := t.gathered()
		if request == nil {
			continue
		}
		err := t.send(ctx, client, request)
		// Once, and not every second of a collector that is away.
		if err != nil && !failed {
			log.Printf("spans are lost: %v", err)
		}
		failed = err != nil
	}
}

func (t *Tracer) send(ctx stdcontext.Context, client *otlp.Client, request []byte) error {
	ctx, cancel := stdcontext.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return client.Call(ctx, otlp.TracesPath, request)
}

// gathered is an ExportTraceServiceRequest with the spans that wait; nil without any.
func (t *Tracer) gathered() []byte {
	var scope protobuf.Message
	for n := len(t.spans); n > 0; n-- {
		scope = scope.Bytes(2, <-t.spans)
	}
	if scope == nil {
		return nil
	}
	return protobuf.Message{}.Bytes(1, protobuf.Message{}.Bytes(1, t.resource).Bytes(2, scope))
}
