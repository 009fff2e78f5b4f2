// Package grafana stands in for Grafana: its log-in, its health, its data sources, and the dashboards that ConfigMaps bring.
package grafana

import (
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"

	"daybreak/lab/standins/internal/prometheus"
	"daybreak/lab/standins/internal/standin"
)

//go:embed login.html
var loginHTML string

//go:embed home.html
var homeHTML string

//go:embed dashboard.html
var dashboardHTML string

var (
	loginPage     = template.Must(template.New("login").Parse(loginHTML))
	homePage      = template.Must(template.New("home").Parse(homeHTML))
	dashboardPage = template.Must(template.New("dashboard").Parse(dashboardHTML))
)

const sessionCookie = "grafana_session"

// Server answers what Grafana answers, as far as the lab needs it.
type Server struct {
	User, Password string
	// Prometheus is the base URL of the one data source, whose uid is "prometheus".
	Prometheus string
	Dashboards Dashboards
	// Sources are those beside it; nil for none.
	Sources Sources

	mutex    sync.Mutex
	sessions map[string]bool
}

// Handler is the whole site.
func (s *Server) Handler() (http.Handler, error) {
	upstream, err := url.Parse(s.Prometheus)
	if err != nil {
		return nil, err
	}
	s.sessions = map[string]bool{}
	source := prometheus.New(s.Prometheus)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/health", s.health)
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) { s.loginForm(w, "") })
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("GET /logout", s.logout)
	page := func(pattern string, handler http.HandlerFunc) { mux.HandleFunc(pattern, s.signedIn(handler, toLogin)) }
	api := func(pattern string, handler http.HandlerFunc) {
		mux.HandleFunc(pattern, s.signedIn(handler, unauthorized))
	}
	page("/", s.home)
	page("GET /d/{uid}", func(w http.ResponseWriter, r *http.Request) { s.dashboard(w, r, source) })
	page("GET /d/{uid}/{slug}", func(w http.ResponseWriter, r *http.Request) { s.dashboard(w, r, source) })
	api("GET /api/org", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"id": 1, "name": "Main Org."})
	})
	api("GET /api/user", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"id": 1, "login": s.User, "isGrafanaAdmin": true})
	})
	api("GET /api/datasources", s.dataSources)
	api("GET /api/datasources/uid/prometheus", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.dataSource()) })
	api("GET /api/datasources/uid/prometheus/health", func(w http.ResponseWriter, r *http.Request) { sourceHealth(w, r, source) })
	api("/api/datasources/proxy/uid/prometheus/", through(upstream, "/api/datasources/proxy/uid/prometheus"))
	api("/api/datasources/proxy/uid/{uid}/", s.throughSource)
	api("/api/datasources/proxy/1/", through(upstream, "/api/datasources/proxy/1"))
	api("GET /api/search", s.search)
	api("GET /api/dashboards/uid/{uid}", s.dashboardJSON)
	api("/api/", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusNotFound, map[string]string{"message": "Not found (" + standin.Notice("Grafana") + ")"})
	})
	return standin.Label("Grafana", mux), nil
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"database": "ok", "version": "stand-in", "commit": standin.Notice("Grafana")})
}

func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, "# TYPE grafana_build_info gauge\ngrafana_build_info{version=\"stand-in\",edition=%q} 1\n", standin.Notice("Grafana"))
	fmt.Fprintf(w, "# TYPE grafana_stat_totals_dashboard gauge\ngrafana_stat_totals_dashboard %d\n", len(s.Dashboards.All()))
}

// through hands requests on to a data source without the caller's credentials.
func through(upstream *url.URL, prefix string) http.HandlerFunc {
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Path = strings.TrimPrefix(r.Out.URL.Path, prefix)
		r.Out.URL.RawPath = ""
		r.SetURL(upstream)
		r.Out.Header.Del("Authorization")
		r.Out.Header.Del("Cookie")
	}}
	return proxy.ServeHTTP
}

func (s *Server) dataSource() map[string]any {
	return map[string]any{
		"id": 1, "uid": "prometheus", "orgId": 1, "name": "Prometheus", "type": "prometheus", "access": "proxy",
		"url": s.Prometheus, "isDefault": true, "basicAuth": false, "jsonData": map[string]any{"httpMethod": "POST"},
	}
}

func sourceHealth(w http.ResponseWriter, r *http.Request, source *prometheus.Server) {
	if _, err := source.Query(r.Context(), "1+1"); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"status": "ERROR", "message": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "OK", "message": "Successfully queried the Prometheus API."})
}

// signedIn lets in who has a session or the right name and password; others go to otherwise.
func (s *Server) signedIn(handler, otherwise http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, password, basic := r.BasicAuth()
		cookie, err := r.Cookie(sessionCookie)
		if basic && s.matches(user, password) || !basic && err == nil && s.known(cookie.Value) {
			handler(w, r)
			return
		}
		otherwise(w, r)
	}
}

func (s *Server) matches(user, password string) bool {
	same := subtle.ConstantTimeCompare([]byte(user), []byte(s.User)) & subtle.ConstantTimeCompare([]byte(password), []byte(s.Password))
	return same == 1 && s.Password != ""
}

func (s *Server) known(session string) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.sessions[session]
}

func toLogin(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }

func unauthorized(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusUnauthorized, map[string]string{"message": "Unauthorized"})
}

func (s *Server) loginForm(w http.ResponseWriter, problem string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if problem != "" {
		w.WriteHeader(http.StatusUnauthorized)
	}
	_ = loginPage.Execute(w, map[string]string{"StandIn": standin.Notice("Grafana"), "Problem": problem})
}

// login takes the page's form, and JSON as Grafana's own page sends it.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	isJSON := strings.HasPrefix(r.Header.Get("Content-Type"), "application/json")
	var given struct{ User, Password string }
	if isJSON {
		_ = json.NewDecoder(r.Body).Decode(&given)
	} else {
		given.User, given.Password = r.FormValue("user"), r.FormValue("password")
	}
	if !s.matches(given.User, given.Password) {
		if isJSON {
			writeJSON(w, http.StatusUnauthorized, map[string]string{"message": "Invalid username or password"})
		} else {
			s.loginForm(w, "Invalid username or password")
		}
		return
	}
	random := make([]byte, 16)
	_, _ = rand.Read(random)
	session := hex.EncodeToString(random)
	s.mutex.Lock()
	s.sessions[session] = true
	s.mutex.Unlock()
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: session, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	if isJSON {
		writeJSON(w, http.StatusOK, map[string]string{"message": "Logged in", "redirectUrl": "/"})
		return
	}
	http.Redirect(w, r, "/", http.StatusFound)
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		s.mutex.Lock()
		delete(s.sessions, cookie.Value)
		s.mutex.Unlock()
	}
	http.Redirect(w, r, "/login", http.StatusFound)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}
