// Package prometheus asks a Prometheus server.
package prometheus

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Point is a value at a time.
type Point struct {
	Time  time.Time
	Value float64
}

// Series is a set of labels with its points, oldest first.
type Series struct {
	Labels map[string]string
	Points []Point
}

// Last is the newest value.
func (s Series) Last() float64 { return s.Points[len(s.Points)-1].Value }

// Server is a Prometheus at a base URL.
type Server struct {
	Base   string
	client http.Client
}

// New makes a server; each question may take 10 s.
func New(base string) *Server {
	return &Server{Base: strings.TrimSuffix(base, "/"), client: http.Client{Timeout: 10 * time.Second}}
}

// Query evaluates an expression now.
func (s *Server) Query(ctx context.Context, expression string) ([]Series, error) {
	return s.ask(ctx, "query", url.Values{"query": {expression}})
}

// Range evaluates an expression over the span before now, in steps.
func (s *Server) Range(ctx context.Context, expression string, span, step time.Duration) ([]Series, error) {
	now := time.Now()
	return s.ask(ctx, "query_range", url.Values{
		"query": {expression}, "step": {strconv.Itoa(int(step.Seconds()))},
		"start": {strconv.FormatInt(now.Add(-span).Unix(), 10)}, "end": {strconv.FormatInt(now.Unix(), 10)},
	})
}

func (s *Server) ask(ctx context.Context, path string, values url.Values) ([]Series, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Base+"/api/v1/"+path, strings.NewReader(values.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answer struct {
		Error string
		Data  struct {
			ResultType string
			Result     json.RawMessage
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("Prometheus answered %s: %w", response.Status, err)
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("Prometheus: %s", answer.Error)
	}
	if answer.Data.ResultType == "scalar" {
		var one pair
		err := json.Unmarshal(answer.Data.Result, &one)
		return []Series{{Points: []Point{Point(one)}}}, err
	}
	var results []struct {
		Metric map[string]string
		Value  *pair
		Values []pair
	}
	if err := json.Unmarshal(answer.Data.Result, &results); err != nil {
		return nil, err
	}
	var all []Series
	for _, result := range results {
		one := Series{Labels: result.Metric}
		if result.Value != nil {
			one.Points = []Point{Point(*result.Value)}
		}
		for _, value := range result.Values {
			one.Points = append(one.Points, Point(value))
		}
		if len(one.Points) > 0 {
			all = append(all, one)
		}
	}
	return all, nil
}

// pair is Prometheus' [seconds, "value"].
type pair Point

func (p *pair) UnmarshalJSON(text []byte) error {
	var seconds float64
	var value string
	if err := json.Unmarshal(text, &[]any{&seconds, &value}); err != nil {
		return err
	}
	number, err := strconv.ParseFloat(value, 64)
	*p = pair{time.UnixMilli(int64(seconds * 1000)), number}
	return err
}
