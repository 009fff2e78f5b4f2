package loki

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Query chooses lines: by their labels, and by what is in them.
type Query struct {
	labels  []matcher
	filters []matcher
}

// matcher compares a label, or a whole line, with a text or a regular expression.
type matcher struct {
	name    string
	negated bool
	equals  string
	pattern *regexp.Regexp
}

func (m matcher) matches(value string) bool {
	if m.pattern != nil {
		return m.pattern.MatchString(value) != m.negated
	}
	return (value == m.equals) != m.negated
}

// contains is for lines, where `|=` asks for a part.
func (m matcher) contains(line string) bool {
	if m.pattern != nil {
		return m.pattern.MatchString(line) != m.negated
	}
	return strings.Contains(line, m.equals) != m.negated
}

// Matches tells whether a line is among those that are asked for.
func (q Query) Matches(line Line) bool {
	for _, m := range q.labels {
		if !m.matches(line.Labels[m.name]) {
			return false
		}
	}
	for _, m := range q.filters {
		if !m.contains(line.Text) {
			return false
		}
	}
	return true
}

const quoted = "(\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`)"

var (
	one    = regexp.MustCompile(`^\s*([A-Za-z_]\w*)\s*(=~|!~|!=|=)\s*` + quoted + `\s*`)
	filter = regexp.MustCompile(`^\s*(\|=|!=|\|~|!~)\s*` + quoted + `\s*`)
)

// Parse reads a selector with filters of lines, the part of LogQL that shows lines. It computes nothing.
func Parse(text string) (Query, error) {
	var q Query
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "{")
	if !ok {
		return q, fmt.Errorf("this stand-in shows lines and computes nothing: a query begins with {, not %q", text)
	}
	for {
		found := one.FindStringSubmatch(rest)
		if found == nil {
			return q, fmt.Errorf("no label matcher at %q", rest)
		}
		m, err := newMatcher(found[2], found[3], true)
		if err != nil {
			return q, err
		}
		m.name = found[1]
		q.labels = append(q.labels, m)
		rest = rest[len(found[0]):]
		if after, more := strings.CutPrefix(rest, ","); more {
			rest = after
			continue
		}
		break
	}
	rest, ok = strings.CutPrefix(rest, "}")
	if !ok {
		return q, fmt.Errorf("no } at %q", rest)
	}
	for strings.TrimSpace(rest) != "" {
		found := filter.FindStringSubmatch(rest)
		if found == nil {
			return q, fmt.Errorf("this stand-in knows filters of lines only, not %q", rest)
		}
		m, err := newMatcher(found[1], found[2], false)
		if err != nil {
			return q, err
		}
		q.filters = append(q.filters, m)
		rest = rest[len(found[0]):]
	}
	return q, nil
}

// newMatcher: regular expressions have to match the whole of a label, or any part of a line.
func newMatcher(operator, quoted string, whole bool) (matcher, error) {
	value, err := strconv.Unquote(quoted)
	if err != nil {
		return matcher{}, err
	}
	m := matcher{negated: strings.HasPrefix(operator, "!"), equals: value}
	if strings.HasSuffix(operator, "~") {
		if whole {
			value = "^(?:" + value + ")$"
		}
		m.pattern, err = regexp.Compile(value)
	}
	return m, err
}
