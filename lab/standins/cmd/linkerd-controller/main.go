// Command linkerd-controller is the control plane of the Linkerd stand-in:
// linkerd-controller identity|destination|proxy-injector|sp-validator|policy.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"daybreak/lab/standins/internal/admission"
	"daybreak/lab/standins/internal/destination"
	"daybreak/lab/standins/internal/identity"
	"daybreak/lab/standins/internal/inject"
	"daybreak/lab/standins/internal/kube"
	"daybreak/lab/standins/internal/mesh"
	"daybreak/lab/standins/internal/policy"
	"daybreak/lab/standins/internal/serve"
	"daybreak/lab/standins/internal/standin"
)

func main() {
	log.SetFlags(log.LstdFlags | log.LUTC | log.Lmsgprefix)
	if len(os.Args) < 2 {
		serve.Exit("linkerd-controller", fmt.Errorf("say what to run: identity, destination, proxy-injector, sp-validator or policy"))
	}
	jobs := map[string]func(context.Context, []string) error{
		"identity": runIdentity, "destination": runDestination, "proxy-injector": runInjector, "sp-validator": runValidator, "policy": runPolicy,
	}
	job, ok := jobs[os.Args[1]]
	if !ok {
		serve.Exit("linkerd-controller", fmt.Errorf("no component %q", os.Args[1]))
	}
	ctx, stop := serve.Interrupted()
	defer stop()
	log.SetPrefix(os.Args[1] + ": ")
	log.Print(standin.Notice("Linkerd"))
	serve.Exit(os.Args[1], job(ctx, os.Args[2:]))
}

// figure is a number that a component tells besides its start.
type figure struct {
	name  string
	value func() float64
}

// admin answers /ping, /ready and /metrics on a component's admin port.
func admin(address string, ready func() bool, figures ...figure) func(context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ping", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "pong") })
	mux.HandleFunc("GET /live", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "live") })
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) {
		if !ready() {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds %d\n", started.Unix())
		for _, f := range figures {
			fmt.Fprintf(w, "# TYPE %s gauge\n%s %g\n", f.name, f.name, f.value())
		}
	})
	return func(ctx context.Context) error {
		return serve.Until(ctx, address, standin.Label("Linkerd", mux), nil)
	}
}

var started = time.Now()

func always() bool { return true }

func listen(address string, handler http.Handler, tlsConfig *tls.Config) func(context.Context) error {
	return func(ctx context.Context) error {
		return serve.Until(ctx, address, standin.Label("Linkerd", handler), tlsConfig)
	}
}

func runIdentity(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("identity", flag.ContinueOnError)
	namespace := flags.String("controller-namespace", "linkerd", "namespace of the control plane")
	trustDomain := flags.String("identity-trust-domain", "cluster.local", "trust domain")
	lifetime := flags.Duration("identity-issuance-lifetime", 24*time.Hour, "life of a certificate")
	skew := flags.Duration("identity-clock-skew-allowance", 20*time.Second, "how far a clock may be behind")
	issuer := flags.String("issuer", "/var/run/linkerd/identity/issuer", "folder of tls.crt and tls.key (or crt.pem and key.pem)")
	anchors := flags.String("trust-anchors", "/var/run/linkerd/identity/trust-roots/ca-bundle.crt", "file of the trust anchors")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	authority, err := loadAuthority(*issuer, *anchors)
	if err != nil {
		return err
	}
	authority.Lifetime, authority.Skew = *lifetime, *skew
	client, err := kube.InCluster()
	if err != nil {
		return err
	}
	service := &identity.Service{Authority: authority, Review: identity.TokenReview(client), ControlPlane: *namespace, TrustDomain: *trustDomain}
	left := func() float64 { return time.Until(authority.Ends()).Seconds() }
	return serve.All(ctx, listen(":8080", service, nil), admin(":9990", always, figure{"issuer_cert_ttl_seconds", left}))
}

func loadAuthority(folder, anchors string) (*identity.Authority, error) {
	roots, err := os.ReadFile(anchors)
	if err != nil {
		return nil, err
	}
	// kubernetes.io/tls Secrets have the first pair of names, Linkerd's own the second.
	for _, names := range [][2]string{{"tls.crt", "tls.key"}, {"crt.pem", "key.pem"}} {
		crt, err := os.ReadFile(folder + "/" + names[0])
		if os.IsNotExist(err) {
			continue
		}
		key, keyErr := os.ReadFile(folder + "/" + names[1])
		if err != nil || keyErr != nil {
			return nil, fmt.Errorf("issuer in %s: %v %v", folder, err, keyErr)
		}
		return identity.NewAuthority(crt, key, roots)
	}
	return nil, fmt.Errorf("no issuer certificate in %s", folder)
}

func runDestination(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("destination", flag.ContinueOnError)
	namespace := flags.String("controller-namespace", "linkerd", "namespace of the control plane")
	trustDomain := flags.String("identity-trust-domain", "cluster.local", "trust domain")
	clusterDomain := flags.String("cluster-domain", "cluster.local", "domain of the cluster's DNS")
	opaque := flags.String("default-opaque-ports", "", "ports that are not read as HTTP")
	skipped := flags.String("inbound-ports-to-ignore", "", "ports that pods' init containers don't redirect")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	settings := destination.Settings{ControlPlane: *namespace, TrustDomain: *trustDomain, ClusterDomain: *clusterDomain}
	var err error
	if settings.OpaquePorts, err = mesh.ParsePorts(*opaque); err != nil {
		return err
	}
	if settings.SkipInbound, err = mesh.ParsePorts(*skipped); err != nil {
		return err
	}
	client, err := kube.InCluster()
	if err != nil {
		return err
	}
	directory := destination.New(settings)
	return serve.All(ctx, listen(":8086", directory, nil), admin(":9996", directory.Synced),
		func(ctx context.Context) error { return directory.Run(ctx, client) })
}

func runInjector(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("proxy-injector", flag.ContinueOnError)
	config := flags.String("template", "/var/run/linkerd/config/inject.json", "what to add to a pod")
	keys := flags.String("tls", "/var/run/linkerd/tls", "folder of tls.crt and tls.key")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	text, err := os.ReadFile(*config)
	if err != nil {
		return err
	}
	template := new(inject.Template)
	if err := json.Unmarshal(text, template); err != nil {
		return fmt.Errorf("%s: %w", *config, err)
	}
	client, err := kube.InCluster()
	if err != nil {
		return err
	}
	return webhook(ctx, ":8443", ":9995", *keys, inject.Decide(template, inject.FromAPI(client)))
}

// runValidator lets every object pass: the stand-in takes the mesh's resources without reading them.
func runValidator(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("validator", flag.ContinueOnError)
	keys := flags.String("tls", "/var/run/linkerd/tls", "folder of tls.crt and tls.key")
	address := flags.String("listen", ":8443", "address of the webhook")
	adminAddress := flags.String("admin", ":9997", "address of the admin server")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	return webhook(ctx, *address, *adminAddress, *keys, admission.Allow)
}

// runPolicy tells proxies who may call their pods; like sp-validator it lets every object pass.
func runPolicy(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("policy", flag.ContinueOnError)
	namespace := flags.String("controller-namespace", "linkerd", "namespace of the control plane")
	trustDomain := flags.String("identity-trust-domain", "cluster.local", "trust domain")
	keys := flags.String("tls", "/var/run/linkerd/tls", "folder of tls.crt and tls.key")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	validator, err := webhookTLS(*keys)
	if err != nil {
		return err
	}
	client, err := kube.InCluster()
	if err != nil {
		return err
	}
	index := policy.New(policy.Settings{ControlPlane: *namespace, TrustDomain: *trustDomain})
	return serve.All(ctx, listen(":8090", index, nil), admin(":9990", index.Synced), listen(":9443", admission.Handler(admission.Allow), validator),
		func(ctx context.Context) error { return index.Run(ctx, client) })
}

func webhookTLS(keys string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(keys+"/tls.crt", keys+"/tls.key")
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, err
}

func webhook(ctx context.Context, address, adminAddress, keys string, decide admission.Decision) error {
	config, err := webhookTLS(keys)
	if err != nil {
		return err
	}
	return serve.All(ctx, listen(address, admission.Handler(decide), config), admin(adminAddress, always))
}
