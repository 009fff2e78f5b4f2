// Package proxy is the sidecar of the Linkerd stand-in: it gets a certificate from the identity service, sends the
// pod's outgoing connections to meshed peers as mutual TLS 1.3, and ends that TLS for incoming ones.
package proxy

import (
	"cmp"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"daybreak/lab/standins/internal/mesh"
)

// Config is read from the variables that Linkerd's injector sets.
type Config struct {
	Inbound, Outbound, Admin, Control string // addresses to listen on

	LocalName   string // the name in the proxy's own certificate
	TokenFile   string
	Anchors     *x509.CertPool
	Identity    Peer
	Destination Peer
	// Policy is the policy controller, which says who may call this pod; without an address the default holds for good.
	Policy Peer
	// Collector takes spans; without an address nobody does.
	Collector Peer
	// TraceService is the name that spans go by, and TraceAttributes what else is said of where they come from, as key and
	// value by turns.
	TraceService    string
	TraceAttributes []string
	// Namespace and Pod are the pod's own.
	Namespace, Pod string
	// DefaultPolicy is one of the built-in inbound policies.
	DefaultPolicy string
	// Patient proxies are ready only once the destination service answered too; the control plane's own are not.
	Patient bool
	// AnonymousTLS lets clients without a certificate in: the identity service's own, whom else nobody could reach first.
	AnonymousTLS bool

	OpaqueInbound mesh.Ports
	PodIPs        []string
	DetectTimeout time.Duration
	ShutdownGrace time.Duration
	AllowShutdown bool
}

// Peer is a control-plane service: its address and the name in its certificate.
type Peer struct {
	Address string // host:port; a trailing dot on the host keeps DNS from searching
	Name    string
}

// local tells that the service runs in this very pod, where there is nothing to encrypt.
func (p Peer) local() bool {
	host, _, _ := net.SplitHostPort(p.Address)
	return strings.TrimSuffix(host, ".") == "localhost"
}

// FromEnvironment reads LINKERD2_PROXY_*; it names every variable that is missing or wrong.
func FromEnvironment() (*Config, error) {
	var problems []error
	required := func(name string) string {
		value := os.Getenv("LINKERD2_PROXY_" + name)
		if value == "" {
			problems = append(problems, fmt.Errorf("LINKERD2_PROXY_%s is not set", name))
		}
		return value
	}
	duration := func(name string, fallback time.Duration) time.Duration {
		text := os.Getenv("LINKERD2_PROXY_" + name)
		if text == "" {
			return fallback
		}
		value, err := time.ParseDuration(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("LINKERD2_PROXY_%s: %w", name, err))
		}
		return value
	}
	c := &Config{
		Inbound:       required("INBOUND_LISTEN_ADDR"),
		Outbound:      required("OUTBOUND_LISTEN_ADDR"),
		Admin:         required("ADMIN_LISTEN_ADDR"),
		Control:       required("CONTROL_LISTEN_ADDR"),
		LocalName:     required("IDENTITY_LOCAL_NAME"),
		TokenFile:     required("IDENTITY_TOKEN_FILE"),
		Identity:      Peer{required("IDENTITY_SVC_ADDR"), required("IDENTITY_SVC_NAME")},
		Destination:   Peer{required("DESTINATION_SVC_ADDR"), required("DESTINATION_SVC_NAME")},
		Patient:       os.Getenv("LINKERD2_PROXY_CONTROL_PLANE") != "true",
		AnonymousTLS:  os.Getenv("LINKERD2_PROXY_INBOUND_ANONYMOUS_TLS") == "true",
		AllowShutdown: os.Getenv("LINKERD2_PROXY_SHUTDOWN_ENDPOINT_ENABLED") == "true",
		PodIPs:        strings.FieldsFunc(os.Getenv("LINKERD2_PROXY_INBOUND_IPS"), func(r rune) bool { return r == ',' || r == ' ' }),
		DetectTimeout: 10 * time.Second,
		ShutdownGrace: duration("SHUTDOWN_GRACE_PERIOD", 2*time.Minute),
		Anchors:       x509.NewCertPool(),
	}
	c.Collector = Peer{os.Getenv("LINKERD2_PROXY_TRACE_COLLECTOR_SVC_ADDR"), os.Getenv("LINKERD2_PROXY_TRACE_COLLECTOR_SVC_NAME")}
	c.TraceService = cmp.Or(os.Getenv("LINKERD2_PROXY_TRACE_SERVICE_NAME"), "linkerd-proxy")
	for line := range strings.Lines(os.Getenv("LINKERD2_PROXY_TRACE_EXTRA_ATTRIBUTES")) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			c.TraceAttributes = append(c.TraceAttributes, key, value)
		}
	}
	c.DefaultPolicy = cmp.Or(os.Getenv("LINKERD2_PROXY_INBOUND_DEFAULT_POLICY"), mesh.AllUnauthenticated)
	if c.Patient {
		c.Policy = Peer{required("POLICY_SVC_ADDR"), required("POLICY_SVC_NAME")}
		var workload struct{ NS, Pod string }
		if err := json.Unmarshal([]byte(required("POLICY_WORKLOAD")), &workload); err != nil {
			problems = append(problems, fmt.Errorf("LINKERD2_PROXY_POLICY_WORKLOAD: %w", err))
		}
		c.Namespace, c.Pod = workload.NS, workload.Pod
	}
	if !c.Anchors.AppendCertsFromPEM([]byte(required("IDENTITY_TRUST_ANCHORS"))) {
		problems = append(problems, errors.New("LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS holds no certificate"))
	}
	opaque, err := mesh.ParsePorts(os.Getenv("LINKERD2_PROXY_INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION"))
	if err != nil {
		problems = append(problems, err)
	}
	c.OpaqueInbound = opaque
	return c, errors.Join(problems...)
}
