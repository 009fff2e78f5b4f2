package bookinfo

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// Fault makes a service bad on purpose, for tests of what notices it. The originals have nothing like it.
type Fault struct {
	// Percent of the requests are answered 500.
	Percent int
	// Delay comes before every answer.
	Delay time.Duration
}

// FaultFrom reads STAND_IN_FAULT_PERCENT (0–100) and STAND_IN_DELAY (such as 800ms); unset is no fault.
func FaultFrom(env func(string) string) (Fault, error) {
	var fault Fault
	var err error
	if text := env("STAND_IN_FAULT_PERCENT"); text != "" {
		if fault.Percent, err = strconv.Atoi(text); err != nil || fault.Percent < 0 || fault.Percent > 100 {
			return fault, fmt.Errorf("STAND_IN_FAULT_PERCENT=%s is no number from 0 to 100", text)
		}
	}
	if text := env("STAND_IN_DELAY"); text != "" {
		if fault.Delay, err = time.ParseDuration(text); err != nil {
			return fault, fmt.Errorf("STAND_IN_DELAY: %w", err)
		}
	}
	return fault, nil
}

// In puts the fault before a service; its health stays as it is, so that Kubernetes keeps it in service.
func (f Fault) In(next http.Handler) http.Handler {
	if f == (Fault{}) {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			next.ServeHTTP(w, r)
			return
		}
		time.Sleep(f.Delay)
		if rand.IntN(100) < f.Percent {
			http.Error(w, "a fault that STAND_IN_FAULT_PERCENT asks for", http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, r)
	})
}
