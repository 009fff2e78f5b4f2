// Package standin holds the one sentence with which every stand-in says what it is.
package standin

import "net/http"

// Header is sent with every answer of a stand-in.
const Header = "X-Daybreak-Stand-In"

// Notice is the line that pages, health answers and logs carry, e.g. "lab stand-in, not Grafana".
func Notice(upstream string) string {
	return "lab stand-in, not " + upstream
}

// Label wraps a handler so that every answer names the upstream program it stands in for.
func Label(upstream string, next http.Handler) http.Handler {
	notice := Notice(upstream)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(Header, notice)
		next.ServeHTTP(w, r)
	})
}
