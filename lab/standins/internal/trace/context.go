// Package trace takes part in traces as Linkerd's proxy does: it begins none, and reports its part of those that come by.
package trace

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"
)

// context is a trace that a request belongs to.
type context struct {
	trace   [16]byte
	parent  [8]byte
	sampled bool
	w3c     bool
}

// extract reads the headers of W3C, and of B3 where those are not there.
func extract(h http.Header) (context, bool) {
	if c, ok := fromW3C(h.Get("Traceparent")); ok {
		return c, true
	}
	return fromB3(h)
}

func fromW3C(text string) (context, bool) {
	c := context{w3c: true}
	parts := strings.Split(text, "-")
	if len(parts) != 4 || parts[0] != "00" || !decode(c.trace[:], parts[1]) || !decode(c.parent[:], parts[2]) {
		return c, false
	}
	var flags [1]byte
	ok := decode(flags[:], parts[3])
	c.sampled = flags[0]&1 == 1
	return c, ok
}

func fromB3(h http.Header) (context, bool) {
	var c context
	// Half as long in older libraries.
	trace := h.Get("X-B3-Traceid")
	if len(trace) == 16 {
		trace = strings.Repeat("0", 16) + trace
	}
	if !decode(c.trace[:], trace) || !decode(c.parent[:], h.Get("X-B3-Spanid")) {
		return c, false
	}
	sampled := h.Get("X-B3-Sampled")
	c.sampled = sampled == "1" || sampled == "true" || h.Get("X-B3-Flags") == "1"
	return c, true
}

// inject makes the span with this id the parent of what comes next.
func (c context) inject(h http.Header, id [8]byte) {
	if c.w3c {
		flags := "00"
		if c.sampled {
			flags = "01"
		}
		h.Set("Traceparent", "00-"+hex.EncodeToString(c.trace[:])+"-"+hex.EncodeToString(id[:])+"-"+flags)
		return
	}
	h.Set("X-B3-Parentspanid", hex.EncodeToString(c.parent[:]))
	h.Set("X-B3-Spanid", hex.EncodeToString(id[:]))
}

func decode(into []byte, text string) bool {
	if len(text) != 2*len(into) {
		return false
	}
	_, err := hex.Decode(into, []byte(text))
	return err == nil
}

func newID() (id [8]byte) {
	_, _ = rand.Read(id[:])
	return id
}
