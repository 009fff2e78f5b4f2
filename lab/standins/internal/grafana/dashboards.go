package grafana

import (
	"cmp"
	"encoding/json"
	"log"
	"slices"
	"strings"
	"sync"

	"daybreak/lab/standins/internal/kube"
)

// Dashboard is what the stand-in reads of a dashboard; Raw is all of it.
type Dashboard struct {
	UID    string   `json:"uid"`
	Title  string   `json:"title"`
	Tags   []string `json:"tags"`
	Panels []Panel  `json:"panels"`
	Raw    json.RawMessage
}

// Panel is one picture, or a row of more.
type Panel struct {
	Title   string   `json:"title"`
	Type    string   `json:"type"`
	Targets []Target `json:"targets"`
	Panels  []Panel  `json:"panels"`
}

// Target is one question to the data source.
type Target struct {
	Expression string `json:"expr"`
	Legend     string `json:"legendFormat"`
}

// Dashboards tells what dashboards there are now, sorted by title.
type Dashboards interface{ All() []Dashboard }

// Parse reads a dashboard. One without a uid gets its title as one.
func Parse(text []byte) (Dashboard, error) {
	var d Dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		return d, err
	}
	if d.UID == "" {
		d.UID = strings.ReplaceAll(strings.ToLower(d.Title), " ", "-")
	}
	d.Raw = text
	return d, nil
}

// FromConfigMaps reads the dashboards of every ConfigMap of a store; it parses anew only after a change.
type FromConfigMaps struct {
	Store *kube.Store[kube.ConfigMap]
	mutex sync.Mutex
	all   []Dashboard
}

// Changed reads the store again.
func (f *FromConfigMaps) Changed() {
	var all []Dashboard
	f.Store.Each(func(c *kube.ConfigMap) bool {
		for key, text := range c.Data {
			d, err := Parse([]byte(text))
			if err != nil {
				log.Printf("dashboard %s of ConfigMap %s/%s: %v", key, c.Metadata.Namespace, c.Metadata.Name, err)
				continue
			}
			all = append(all, d)
		}
		return true
	})
	slices.SortFunc(all, func(a, b Dashboard) int { return cmp.Compare(a.Title, b.Title) })
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.all = all
}

// All is what was last read.
func (f *FromConfigMaps) All() []Dashboard {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.all
}
