package loki

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"daybreak/lab/standins/internal/protobuf"
)

func text(value string) protobuf.Message { return protobuf.Message{}.Text(1, value) }

func pair(key, value string) protobuf.Message {
	return protobuf.Message{}.Text(1, key).Bytes(2, text(value))
}

func record(nanoseconds uint64, line string) protobuf.Message {
	return protobuf.Message{}.Fixed(1, nanoseconds).Bytes(5, text(line)).
		Bytes(6, pair("log.iostream", "stdout")).Bytes(6, pair("log.file.path", "/var/log/pods/a"))
}

// request holds one container's lines, as a collector sends them.
func request(namespace, container string, records ...protobuf.Message) []byte {
	resource := protobuf.Message{}.Bytes(1, pair("k8s.namespace.name", namespace)).
		Bytes(1, pair("k8s.container.name", container)).Bytes(1, pair("k8s.node.name", "worker-1"))
	var scope protobuf.Message
	for _, one := range records {
		scope = scope.Bytes(2, one)
	}
	return protobuf.Message{}.Bytes(1, protobuf.Message{}.Bytes(1, resource).Bytes(2, scope))
}

func push(t *testing.T, base string, body []byte) *http.Response {
	var zipped bytes.Buffer
	writer := gzip.NewWriter(&zipped)
	writer.Write(body)
	writer.Close()
	r, _ := http.NewRequest(http.MethodPost, base+"/otlp/v1/logs", &zipped)
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("Content-Encoding", "gzip")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response
}

func ask(t *testing.T, base, path string, parameters url.Values) (int, string) {
	response, err := http.Get(base + path + "?" + parameters.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(body)
}

type answered struct {
	Data struct {
		Result []stream `json:"result"`
	} `json:"data"`
}

func TestLinesAreFoundByTheirLabelsAndTheirText(t *testing.T) {
	server := httptest.NewServer((&Server{}).Handler())
	defer server.Close()
	if response := push(t, server.URL, request("bookinfo", "details", record(3e18, "second"), record(2e18, "first"))); response.StatusCode != 204 {
		t.Fatal(response.Status)
	}
	push(t, server.URL, request("traffic", "fortio", record(2e18, "first of another")))

	all := url.Values{"start": {"1000000000"}, "end": {"4000000000000000000"}}
	for query, want := range map[string][]string{
		`{k8s_namespace_name="bookinfo"}`:                       {"second", "first"},
		`{k8s_namespace_name=~"book.*",k8s_container_name="x"}`: nil,
		`{k8s_namespace_name=~"book"}`:                          nil,
		"{k8s_namespace_name=~\".+\"} |= `first`":               {"first of another", "first"},
		`{service_name="details"} |~ "(?i)SEC" != "third"`:      {"second"},
		`{k8s_container_name!="fortio", service_name!~"a|b"}`:   {"second", "first"},
		`{k8s_namespace_name="bookinfo"} !~ "first|second"`:     nil,
		`{k8s_node_name="worker-1"}`:                            nil,
	} {
		all.Set("query", query)
		status, body := ask(t, server.URL, "/loki/api/v1/query_range", all)
		var found answered
		if err := json.Unmarshal([]byte(body), &found); status != 200 || err != nil {
			t.Errorf("%s: %d %s", query, status, body)
		}
		var lines []string
		for _, one := range found.Data.Result {
			for _, value := range one.Values {
				lines = append(lines, value[1])
			}
		}
		if strings.Join(lines, ",") != strings.Join(want, ",") {
			t.Errorf("%s found %q, not %q", query, lines, want)
		}
	}
	if _, body := ask(t, server.URL, "/loki/api/v1/label/k8s_namespace_name/values", nil); !strings.Contains(body, `["bookinfo","traffic"]`) {
		t.Error(body)
	}
	if _, body := ask(t, server.URL, "/metrics", nil); !strings.Contains(body, `loki_distributor_lines_received_total{tenant="fake"} 3`) {
		t.Error(body)
	}
}

func TestAnswersSayWhereALineComesFrom(t *testing.T) {
	server := httptest.NewServer((&Server{}).Handler())
	defer server.Close()
	push(t, server.URL, request("bookinfo", "details", record(2e18, "line")))
	_, body := ask(t, server.URL, "/loki/api/v1/query_range",
		url.Values{"query": {`{k8s_namespace_name="bookinfo"}`}, "start": {"1000000000"}, "end": {"4000000000000000000"}})
	for _, want := range []string{`"k8s_node_name":"worker-1"`, `"log_iostream":"stdout"`, `["2000000000000000000","line"]`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	if strings.Contains(body, "log_file_path") {
		t.Error(body)
	}
}

func TestWhatIsNoQueryAndNoProtobufIsRefused(t *testing.T) {
	server := httptest.NewServer((&Server{}).Handler())
	defer server.Close()
	for _, query := range []string{"", `sum(count_over_time({a="b"}[1m]))`, `{a="b"`, `{a}`, `{a="b"} | json`} {
		if status, body := ask(t, server.URL, "/loki/api/v1/query_range", url.Values{"query": {query}}); status != 400 {
			t.Errorf("%q: %d %s", query, status, body)
		}
	}
	for _, body := range []string{"\xff\xff", "\x0a\xff\x01a"} {
		if response := push(t, server.URL, []byte(body)); response.StatusCode != 400 {
			t.Errorf("%q: %s", body, response.Status)
		}
	}
}

func TestTheOldestLinesGoWhenThereAreTooMany(t *testing.T) {
	s := &Server{}
	s.keep([]Line{{Time: 1, Text: strings.Repeat("a", most)}})
	s.keep([]Line{{Time: 2, Text: "b"}})
	if len(s.lines) != 1 || s.lines[0].Text != "b" || s.size != 1 {
		t.Errorf("%d lines, %d bytes", len(s.lines), s.size)
	}
}
