package mesh

import "time"

// Route is what an HTTPRoute says about the requests to a service: where each goes, how long it may take, and when it is tried again.
type Route struct {
	// Group, Kind and Name are the route's own, for the metric labels.
	Group string `json:"group"`
	Name  string `json:"name"`
	// Parent is the name and Port the port of the service that the route is for.
	ParentNamespace string `json:"parentNamespace"`
	Parent          string `json:"parent"`
	Port            uint16 `json:"port"`

	Backends []Backend `json:"backends"`
	// Timeout bounds a request with all its tries; 0 is no bound.
	Timeout time.Duration `json:"timeout,omitempty"`
	Retry   *Retry        `json:"retry,omitempty"`
}

// Backend is a service that gets its weight's share of a route's requests.
type Backend struct {
	Service   string     `json:"service"`
	Port      uint16     `json:"port"`
	Weight    uint32     `json:"weight"`
	Endpoints []Endpoint `json:"endpoints,omitempty"`
}

// Retry says which answers are not handed on while there are tries left.
type Retry struct {
	// Statuses are ranges of HTTP status codes, both ends included.
	Statuses [][2]int `json:"statuses"`
	// Limit is the number of tries after the first.
	Limit int `json:"limit"`
}

// Covers tells whether an answer with this status is tried again.
func (r *Retry) Covers(status int) bool {
	for _, span := range r.Statuses {
		if span[0] <= status && status <= span[1] {
			return true
		}
	}
	return false
}
