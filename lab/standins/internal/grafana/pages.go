package grafana

import (
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"daybreak/lab/standins/internal/prometheus"
	"daybreak/lab/standins/internal/standin"
)

func (s *Server) home(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = homePage.Execute(w, map[string]any{"StandIn": standin.Notice("Grafana"), "User": s.User, "Dashboards": s.Dashboards.All()})
}

func (s *Server) search(w http.ResponseWriter, r *http.Request) {
	found := []map[string]any{}
	query := strings.ToLower(r.URL.Query().Get("query"))
	for i, d := range s.Dashboards.All() {
		if strings.Contains(strings.ToLower(d.Title), query) {
			found = append(found, map[string]any{"id": i + 1, "uid": d.UID, "title": d.Title, "url": "/d/" + d.UID, "type": "dash-db", "tags": d.Tags})
		}
	}
	writeJSON(w, http.StatusOK, found)
}

func (s *Server) find(uid string) (Dashboard, bool) {
	all := s.Dashboards.All()
	i := slices.IndexFunc(all, func(d Dashboard) bool { return d.UID == uid })
	if i < 0 {
		return Dashboard{}, false
	}
	return all[i], true
}

func (s *Server) dashboardJSON(w http.ResponseWriter, r *http.Request) {
	d, ok := s.find(r.PathValue("uid"))
	if !ok {
		writeJSON(w, http.StatusNotFound, map[string]string{"message": "Dashboard not found"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"meta": map[string]any{"url": "/d/" + d.UID, "provisioned": true}, "dashboard": d.Raw})
}

// drawn is a panel with its answers.
type drawn struct {
	Title   string
	Lines   []line
	Problem string
}

type line struct {
	Legend, Color, Points, Last string
}

var colors = []string{"#3274d9", "#e0752d", "#37872d", "#c4162a", "#8f3bb8", "#b5a000", "#1f78c1", "#705da0"}

// dashboard draws the last quarter of an hour of each panel. It asks at most four questions at a time.
func (s *Server) dashboard(w http.ResponseWriter, r *http.Request, source *prometheus.Server) {
	d, ok := s.find(r.PathValue("uid"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	panels := flatten(d.Panels)
	pictures := make([]drawn, len(panels))
	places := make(chan struct{}, 4)
	var all sync.WaitGroup
	for i, panel := range panels {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			pictures[i] = draw(r, source, panel)
		})
	}
	all.Wait()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = dashboardPage.Execute(w, map[string]any{"StandIn": standin.Notice("Grafana"), "Title": d.Title, "Panels": pictures})
}

func flatten(panels []Panel) []Panel {
	var all []Panel
	for _, panel := range panels {
		if len(panel.Targets) > 0 {
			all = append(all, panel)
		}
		all = append(all, flatten(panel.Panels)...)
	}
	return all
}

var (
	interval = regexp.MustCompile(`\$(__rate_interval|__interval|__range|\{__rate_interval\}|\{__interval\}|\{__range\})`)
	variable = regexp.MustCompile(`\$(\w+|\{[^}]+\})`)
	equals   = regexp.MustCompile(`=("\$(\w+|\{[^}]+\})")`)
)

// expand fills in a dashboard's variables: one minute for intervals, anything for the rest.
func expand(expression string) string {
	expression = interval.ReplaceAllString(expression, "1m")
	expression = equals.ReplaceAllString(expression, "=~$1")
	return variable.ReplaceAllString(expression, ".*")
}

func draw(r *http.Request, source *prometheus.Server, panel Panel) drawn {
	picture := drawn{Title: panel.Title}
	var all []prometheus.Series
	var legends []string
	for _, target := range panel.Targets {
		found, err := source.Range(r.Context(), expand(target.Expression), 15*time.Minute, 15*time.Second)
		if err != nil {
			picture.Problem = err.Error()
			return picture
		}
		for _, series := range found {
			all = append(all, series)
			legends = append(legends, legend(target.Legend, series.Labels))
		}
	}
	if len(all) == 0 {
		picture.Problem = "No data"
	}
	highest := 0.0
	for _, series := range all {
		for _, point := range series.Points {
			if !math.IsNaN(point.Value) && !math.IsInf(point.Value, 0) {
				highest = math.Max(highest, math.Abs(point.Value))
			}
		}
	}
	for i, series := range all[:min(len(all), len(colors))] {
		picture.Lines = append(picture.Lines, line{legends[i], colors[i], polyline(series, highest), fmt.Sprintf("%.4g", series.Last())})
	}
	return picture
}

// polyline fits a series into a picture of 300 by 80, its right edge being now.
func polyline(series prometheus.Series, highest float64) string {
	if highest == 0 {
		highest = 1
	}
	now := time.Now()
	var b strings.Builder
	for _, point := range series.Points {
		if !math.IsNaN(point.Value) && !math.IsInf(point.Value, 0) {
			fmt.Fprintf(&b, "%.1f,%.1f ", 300-now.Sub(point.Time).Seconds()/3, 78-75*math.Max(0, point.Value)/highest)
		}
	}
	return b.String()
}

var braces = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)

func legend(format string, labels map[string]string) string {
	if format == "" || format == "__auto" {
		var parts []string
		for name, value := range labels {
			parts = append(parts, name+"="+value)
		}
		slices.Sort(parts)
		return strings.Join(parts, " ")
	}
	return braces.ReplaceAllStringFunc(format, func(match string) string { return labels[braces.FindStringSubmatch(match)[1]] })
}
