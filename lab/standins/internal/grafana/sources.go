package grafana

import (
	"cmp"
	"log"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"daybreak/lab/standins/internal/kube"
)

// Source is a data source beside the one that the chart brings.
type Source struct{ Name, Type, UID, URL string }

// Sources tells what further data sources there are now, sorted by name.
type Sources interface{ All() []Source }

// setting is a line of a provisioning file with one of the settings that the stand-in reads.
var setting = regexp.MustCompile(`^\s+(?:- )?(name|type|uid|url): *"?([^"]*?)"?\s*$`)

// ParseSource reads a provisioning file with one data source. It is no reader of YAML: it knows the form in which
// daybreak writes one, a setting a line.
func ParseSource(text string) (Source, bool) {
	var s Source
	for line := range strings.Lines(text) {
		found := setting.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		switch found[1] {
		case "name":
			s.Name = found[2]
		case "type":
			s.Type = found[2]
		case "uid":
			s.UID = found[2]
		case "url":
			s.URL = found[2]
		}
	}
	return s, s.Name != "" && s.Type != "" && s.UID != "" && s.URL != ""
}

// SourcesFromConfigMaps reads the data sources of every ConfigMap of a store.
type SourcesFromConfigMaps struct {
	Store *kube.Store[kube.ConfigMap]
	mutex sync.Mutex
	all   []Source
}

// Changed reads the store again.
func (f *SourcesFromConfigMaps) Changed() {
	var all []Source
	f.Store.Each(func(c *kube.ConfigMap) bool {
		for key, text := range c.Data {
			if s, ok := ParseSource(text); ok {
				all = append(all, s)
			} else {
				log.Printf("data source %s of ConfigMap %s/%s: not of the form that is understood", key, c.Metadata.Namespace, c.Metadata.Name)
			}
		}
		return true
	})
	slices.SortFunc(all, func(a, b Source) int { return cmp.Compare(a.Name, b.Name) })
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.all = all
}

// All is what was last read.
func (f *SourcesFromConfigMaps) All() []Source {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.all
}

func (s *Server) furtherSources() []Source {
	if s.Sources == nil {
		return nil
	}
	return s.Sources.All()
}

func (s *Server) dataSources(w http.ResponseWriter, _ *http.Request) {
	all := []any{s.dataSource()}
	for i, one := range s.furtherSources() {
		all = append(all, map[string]any{
			"id": i + 2, "uid": one.UID, "orgId": 1, "name": one.Name, "type": one.Type, "access": "proxy",
			"url": one.URL, "isDefault": false, "basicAuth": false, "readOnly": true,
		})
	}
	writeJSON(w, http.StatusOK, all)
}

// throughSource hands requests on to the data source that the path names.
func (s *Server) throughSource(w http.ResponseWriter, r *http.Request) {
	uid := r.PathValue("uid")
	all := s.furtherSources()
	i := slices.IndexFunc(all, func(one Source) bool { return one.UID == uid })
	if i < 0 {
		writeJSON(w, http.StatusNotFound, map[string]string{"message": "Data source not found"})
		return
	}
	upstream, err := url.Parse(all[i].URL)
	if err != nil {
		writeJSON(w, http.StatusInternalServerError, map[string]string{"message": err.Error()})
		return
	}
	through(upstream, "/api/datasources/proxy/uid/"+uid)(w, r)
}
