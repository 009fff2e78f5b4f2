package proxy

import (
	"fmt"
	"net"
	"net/http"

	"daybreak/lab/standins/internal/standin"
)

// admin answers /ready, /live, /metrics and, where it is allowed, POST /shutdown from the pod itself.
func (p *Proxy) admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) {
		if !p.Ready() {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.HandleFunc("GET /live", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "live") })
	mux.Handle("GET /metrics", p.registry)
	mux.HandleFunc("POST /shutdown", func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		if !p.config.AllowShutdown || !net.ParseIP(host).IsLoopback() {
			http.Error(w, "the shutdown endpoint is not enabled, or not for you", http.StatusForbidden)
			return
		}
		fmt.Fprintln(w, "shutting down")
		p.stop()
	})
	return standin.Label("Linkerd", mux)
}
