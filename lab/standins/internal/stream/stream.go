// Package stream answers a question with a JSON line now, and with another whenever the answer has become a different one.
package stream

import (
	"encoding/json"
	"net/http"
	"reflect"
	"sync"
)

// Signal tells many that something has changed.
type Signal struct {
	mutex   sync.Mutex
	changed chan struct{} // closed and replaced with each change
}

// NewSignal makes a signal.
func NewSignal() *Signal { return &Signal{changed: make(chan struct{})} }

// Change wakes everybody who waits.
func (s *Signal) Change() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Signal) next() <-chan struct{} {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.changed
}

// Serve writes answer's result, and writes it again when it differs after a change, until the client leaves.
func Serve[T any](w http.ResponseWriter, r *http.Request, signal *Signal, answer func() T) {
	var last *T
	encoder := json.NewEncoder(w)
	for {
		next := signal.next()
		now := answer()
		if last == nil || !reflect.DeepEqual(*last, now) {
			last = &now
			if encoder.Encode(now) != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
		}
		select {
		case <-next:
		case <-r.Context().Done():
			return
		}
	}
}

// Closed tells whether all of the channels are closed.
func Closed(channels ...<-chan struct{}) bool {
	for _, channel := range channels {
		select {
		case <-channel:
		default:
			return false
		}
	}
	return true
}
