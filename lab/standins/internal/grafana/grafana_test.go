package grafana

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

type fixed []Dashboard

func (f fixed) All() []Dashboard { return f }

const answer = `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"job":"a<b"},"values":[[1,"1"],[2,"3.5"]]}]}}`

func site(t *testing.T) (string, *[]string) {
	var asked []string
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+" "+r.Header.Get("Authorization"))
		io.WriteString(w, answer)
	}))
	t.Cleanup(source.Close)
	d, err := Parse([]byte(`{"uid":"core","title":"CoreDNS","panels":[{"title":"Requests","targets":[{"expr":"rate(x{job=\"$job\"}[$__rate_interval])","legendFormat":"{{job}}"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	handler, err := (&Server{User: "admin", Password: "secret", Prometheus: source.URL, Dashboards: fixed{d}}).Handler()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL, &asked
}

func request(t *testing.T, client *http.Client, url, user, password string) (*http.Response, string) {
	r, _ := http.NewRequest(http.MethodGet, url, nil)
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return response, string(body)
}

func noRedirect() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func TestStrangersAreSentToTheLogin(t *testing.T) {
	base, _ := site(t)
	response, _ := request(t, noRedirect(), base+"/", "", "")
	if response.StatusCode != 302 || response.Header.Get("Location") != "/login" {
		t.Errorf("%s %s", response.Status, response.Header.Get("Location"))
	}
	if _, body := request(t, noRedirect(), base+"/login", "", ""); !strings.Contains(body, "lab stand-in, not Grafana") {
		t.Error(body)
	}
	for user, password := range map[string]string{"": "", "admin": "wrong"} {
		if response, _ := request(t, noRedirect(), base+"/api/datasources", user, password); response.StatusCode != 401 {
			t.Errorf("%q: %s", user, response.Status)
		}
	}
	if response, _ := request(t, noRedirect(), base+"/api/health", "", ""); response.StatusCode != 200 {
		t.Error(response.Status)
	}
}

func TestLogin(t *testing.T) {
	base, _ := site(t)
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar}
	response, err := client.PostForm(base+"/login", url.Values{"user": {"admin"}, "password": {"wrong"}})
	if err != nil || response.StatusCode != 401 {
		t.Fatalf("%v %v", response, err)
	}
	response, err = client.PostForm(base+"/login", url.Values{"user": {"admin"}, "password": {"secret"}})
	if err != nil || response.Request.URL.Path != "/" {
		t.Fatalf("%v %v", response, err)
	}
	_, body := request(t, client, base+"/d/core", "", "")
	if !strings.Contains(body, "Requests") || !strings.Contains(body, "a&lt;b <b>3.5</b>") {
		t.Error(body)
	}
	if _, body = request(t, client, base+"/logout", "", ""); !strings.Contains(body, "Log in") {
		t.Error(body)
	}
	if response, err = http.Post(base+"/login", "application/json", strings.NewReader(`{"user":"admin","password":"secret"}`)); err != nil || response.StatusCode != 200 {
		t.Errorf("%v %v", response, err)
	}
}

func TestDataSourceIsProxiedWithoutCredentials(t *testing.T) {
	base, asked := site(t)
	response, body := request(t, http.DefaultClient, base+"/api/datasources/proxy/uid/prometheus/api/v1/query?query=up", "admin", "secret")
	if response.StatusCode != 200 || body != answer || (*asked)[0] != "/api/v1/query " {
		t.Errorf("%s %s %q", response.Status, body, *asked)
	}
	if _, body = request(t, http.DefaultClient, base+"/api/search?query=core", "admin", "secret"); !strings.Contains(body, `"uid":"core"`) {
		t.Error(body)
	}
	if _, body = request(t, http.DefaultClient, base+"/api/dashboards/uid/core", "admin", "secret"); !strings.Contains(body, `"panels"`) {
		t.Error(body)
	}
}

type fixedSources []Source

func (f fixedSources) All() []Source { return f }

func TestFurtherDataSourcesAreThoseOfConfigMaps(t *testing.T) {
	loki := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "asked "+r.URL.RequestURI()+r.Header.Get("Authorization"))
	}))
	defer loki.Close()
	file := "apiVersion: 1\nprune: true\ndatasources:\n  - name: Loki\n    type: loki\n    uid: loki\n    access: proxy\n    url: " + loki.URL + "\n    isDefault: false\n"
	source, ok := ParseSource(file)
	if !ok || source != (Source{"Loki", "loki", "loki", loki.URL}) {
		t.Fatalf("%v %v", source, ok)
	}
	if _, ok := ParseSource("apiVersion: 1\ndatasources: []\n"); ok {
		t.Error("a file without a data source has one")
	}
	handler, err := (&Server{User: "admin", Password: "secret", Dashboards: fixed{}, Sources: fixedSources{source}}).Handler()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	if _, body := request(t, http.DefaultClient, server.URL+"/api/datasources", "admin", "secret"); !strings.Contains(body, `"uid":"loki"`) {
		t.Error(body)
	}
	if _, body := request(t, http.DefaultClient, server.URL+"/api/datasources/proxy/uid/loki/loki/api/v1/labels?since=1h", "admin", "secret"); body != "asked /loki/api/v1/labels?since=1h" {
		t.Error(body)
	}
	if response, _ := request(t, http.DefaultClient, server.URL+"/api/datasources/proxy/uid/jaeger/api", "admin", "secret"); response.StatusCode != 404 {
		t.Error(response.Status)
	}
	if response, _ := request(t, http.DefaultClient, server.URL+"/api/datasources/proxy/uid/loki/ready", "", ""); response.StatusCode != 401 {
		t.Error(response.Status)
	}
}

func TestVariablesAreExpanded(t *testing.T) {
	for given, want := range map[string]string{
		`rate(x{a="$a",b=~"${b:regex}"}[$__rate_interval])`: `rate(x{a=~".*",b=~".*"}[1m])`,
		`up{job="fixed"}`: `up{job="fixed"}`,
	} {
		if got := expand(given); got != want {
			t.Errorf("%s became %s, not %s", given, got, want)
		}
	}
}
