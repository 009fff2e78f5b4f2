package loki

import (
	"slices"
	"strings"

	"daybreak/lab/standins/internal/otlp"
	"daybreak/lab/standins/internal/protobuf"
)

// indexed are the resource attributes of which Loki makes labels unless it is told otherwise.
var indexed = []string{
	"service.name", "service.namespace", "service.instance.id", "k8s.namespace.name", "k8s.pod.name", "k8s.container.name",
	"container.name", "k8s.replicaset.name", "k8s.deployment.name", "k8s.statefulset.name", "k8s.daemonset.name",
}

// dropped are the attributes of lines that daybreak's configuration has Loki leave out.
var dropped = []string{"log.file.path", "log.file.name", "logtag"}

// Line is one entry of a stream.
type Line struct {
	// Time in nanoseconds since 1970.
	Time   uint64
	Text   string
	Labels map[string]string
	// Metadata is found in answers, and not by a selector.
	Metadata map[string]string
}

// label is the name that Loki gives an attribute.
func label(attribute string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, attribute)
}

// Decode reads an ExportLogsServiceRequest of OTLP.
func Decode(request []byte) ([]Line, error) {
	var lines []Line
	err := otlp.Messages(request, 1, func(resourceLogs []byte) error {
		labels, metadata := map[string]string{}, map[string]string{}
		if err := otlp.Messages(resourceLogs, 1, func(resource []byte) error {
			return otlp.Attributes(resource, 1, func(key, value string) {
				if slices.Contains(indexed, key) {
					labels[label(key)] = value
				} else {
					metadata[label(key)] = value
				}
			})
		}); err != nil {
			return err
		}
		discover(labels)
		return otlp.Messages(resourceLogs, 2, func(scopeLogs []byte) error {
			return otlp.Messages(scopeLogs, 2, func(record []byte) error {
				line, err := decodeRecord(record, metadata)
				line.Labels = labels
				lines = append(lines, line)
				return err
			})
		})
	})
	return lines, err
}

// discover names the service of a stream as Loki does where nobody has.
func discover(labels map[string]string) {
	if labels["service_name"] != "" {
		return
	}
	for _, name := range []string{"container_name", "k8s_container_name"} {
		if labels[name] != "" {
			labels["service_name"] = labels[name]
			return
		}
	}
	labels["service_name"] = "unknown_service"
}

func decodeRecord(record []byte, resource map[string]string) (Line, error) {
	line := Line{Metadata: map[string]string{}}
	for key, value := range resource {
		line.Metadata[key] = value
	}
	var observed uint64
	err := protobuf.Each(record, func(f protobuf.Field) error {
		switch f.Number {
		case 1:
			line.Time = f.Value
		case 11:
			observed = f.Value
		case 5:
			text, err := otlp.Value(f.Bytes)
			line.Text = text
			return err
		}
		return nil
	})
	if err != nil {
		return line, err
	}
	if line.Time == 0 {
		line.Time = observed
	}
	return line, otlp.Attributes(record, 6, func(key, value string) {
		if !slices.Contains(dropped, key) {
			line.Metadata[label(key)] = value
		}
	})
}
