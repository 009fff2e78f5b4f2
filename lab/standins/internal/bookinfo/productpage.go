package bookinfo

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"

	"daybreak/lab/standins/internal/metrics"
	"daybreak/lab/standins/internal/standin"
)

//go:embed productpage.html
var productPageHTML string

//go:embed index.html
var indexHTML string

type product struct {
	ID    int    `json:"id"`
	Title string `json:"title"`
	Text  string `json:"descriptionHtml"`
}

var products = []product{{0, "The Comedy of Errors", "Two brothers, each with a servant, each a twin of somebody who is in the same town that day."}}

type page struct {
	Product       product
	User          string
	Details       details
	Reviews       reviews
	DetailsStatus int
	ReviewsStatus int
	StandIn       string
}

type productPage struct {
	backends Backends
	page     *template.Template
	results  metrics.Counter
}

// ProductPage answers the pages /, /productpage, /login, /logout, the JSON under /api/v1/products, /health and /metrics.
// A service that doesn't answer leaves a gap on the page, which is then still 200, as with the original.
func ProductPage(backends Backends) http.Handler {
	stars := template.FuncMap{"stars": func(n int) string { return strings.Repeat("★", n) + strings.Repeat("☆", max(0, 5-n)) }}
	registry := metrics.NewRegistry()
	p := &productPage{
		backends: backends,
		page:     template.Must(template.New("productpage").Funcs(stars).Parse(productPageHTML)),
		results:  registry.Counter("request_result", "Results of requests"),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { writeHTML(w, []byte(indexHTML)) })
	mux.HandleFunc("GET /index.html", func(w http.ResponseWriter, _ *http.Request) { writeHTML(w, []byte(indexHTML)) })
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "Product page is healthy (%s)", standin.Notice("Bookinfo"))
	})
	mux.HandleFunc("GET /productpage", p.front)
	mux.HandleFunc("POST /login", login)
	mux.HandleFunc("GET /logout", logout)
	mux.HandleFunc("GET /api/v1/products", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, products) })
	mux.HandleFunc("GET /api/v1/products/{id}", func(w http.ResponseWriter, r *http.Request) { p.api(w, r, "details") })
	mux.HandleFunc("GET /api/v1/products/{id}/reviews", func(w http.ResponseWriter, r *http.Request) { p.api(w, r, "reviews") })
	mux.HandleFunc("GET /api/v1/products/{id}/ratings", func(w http.ResponseWriter, r *http.Request) { p.api(w, r, "ratings") })
	mux.Handle("GET /metrics", registry)
	return mux
}

func (p *productPage) front(w http.ResponseWriter, r *http.Request) {
	headers := withTrace(withUser(r))
	shown := page{Product: products[0], User: headers.Get("End-User"), StandIn: standin.Notice("Bookinfo")}
	var both sync.WaitGroup
	both.Go(func() { shown.DetailsStatus = p.call(r, headers, "details", 0, &shown.Details) })
	both.Go(func() { shown.ReviewsStatus = p.call(r, headers, "reviews", 0, &shown.Reviews) })
	both.Wait()
	var body bytes.Buffer
	if err := p.page.Execute(&body, shown); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeHTML(w, body.Bytes())
}

// call asks a service about a product and counts the result; it tells the status, 500 when nobody answered.
func (p *productPage) call(r *http.Request, headers http.Header, service string, id int, out any) int {
	address := map[string]string{"details": p.backends.Details, "reviews": p.backends.Reviews, "ratings": p.backends.Ratings}[service]
	status, _ := p.backends.get(r.Context(), headers, address, fmt.Sprintf("/%s/%d", service, id), out)
	if status == 0 {
		status = http.StatusInternalServerError
	}
	p.results.Add(1, metrics.Labels{"destination_app", service, "response_code", fmt.Sprint(status)})
	return status
}

func (p *productPage) api(w http.ResponseWriter, r *http.Request, service string) {
	id, ok := number(r)
	if !ok || id < 0 {
		http.NotFound(w, r)
		return
	}
	var answer any
	status := p.call(r, withUser(r), service, id, &answer)
	if status != http.StatusOK {
		answer = map[string]string{"error": "Sorry, product " + service + " are currently unavailable for this book."}
	}
	writeJSON(w, status, answer)
}

// withTrace begins a trace where the request belongs to none: the original's library does, by B3 and always sampled. It
// knows no other headers, and hands them on as they are.
func withTrace(headers http.Header) http.Header {
	if headers.Get("X-B3-Traceid") == "" {
		id := fmt.Sprintf("%016x", rand.Uint64())
		headers.Set("X-B3-Traceid", id)
		headers.Set("X-B3-Spanid", id)
		headers.Set("X-B3-Sampled", "1")
	}
	return headers
}

// withUser is the request's headers with the end user: the one who logged in, else ?u=.
func withUser(r *http.Request) http.Header {
	headers := r.Header.Clone()
	if cookie, err := r.Cookie("user"); err == nil && cookie.Value != "" {
		headers.Set("End-User", cookie.Value)
	} else if user := r.URL.Query().Get("u"); user != "" && headers.Get("End-User") == "" {
		headers.Set("End-User", user)
	}
	return headers
}

func login(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: "user", Value: r.FormValue("username"), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/productpage", http.StatusFound)
}

func logout(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: "user", Path: "/", MaxAge: -1})
	http.Redirect(w, r, "/productpage", http.StatusFound)
}

func writeHTML(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(body)
}
