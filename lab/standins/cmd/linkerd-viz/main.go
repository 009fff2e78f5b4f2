// Command linkerd-viz stands in for Linkerd's viz extension: linkerd-viz metrics-api|web|tap|tap-injector.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"

	"daybreak/lab/standins/internal/admission"
	"daybreak/lab/standins/internal/kube"
	"daybreak/lab/standins/internal/prometheus"
	"daybreak/lab/standins/internal/serve"
	"daybreak/lab/standins/internal/standin"
	"daybreak/lab/standins/internal/viz"
)

func main() {
	flags := flag.NewFlagSet("linkerd-viz", flag.ExitOnError)
	address := flags.String("listen", ":8085", "address to listen on")
	admin := flags.String("admin", ":9995", "address of the admin server")
	source := flags.String("prometheus-url", "", "base URL of Prometheus")
	metricsAPI := flags.String("metrics-api", "metrics-api.linkerd-viz.svc.cluster.local:8085", "host and port of the metrics API")
	keys := flags.String("tls", "/var/run/linkerd/tls", "folder of tls.crt and tls.key")
	if len(os.Args) < 2 {
		serve.Exit("linkerd-viz", fmt.Errorf("say what to run: metrics-api, web, tap or tap-injector"))
	}
	_ = flags.Parse(os.Args[2:])
	ctx, stop := serve.Interrupted()
	defer stop()
	log.Print(standin.Notice("Linkerd viz"))
	jobs := []func(context.Context) error{listen(*admin, health(), nil)}
	switch os.Args[1] {
	case "metrics-api":
		client, err := kube.InCluster()
		if err != nil {
			serve.Exit("metrics-api", err)
		}
		pods := kube.NewStore("/api/v1/pods", func(p *kube.Pod) kube.Metadata { return p.Metadata }, func() {})
		jobs = append(jobs,
			func(ctx context.Context) error { return pods.Run(ctx, client) },
			listen(*address, &viz.MetricsAPI{Prometheus: prometheus.New(*source), Pods: pods}, nil))
	case "web":
		jobs = append(jobs, listen(*address, viz.Web(*metricsAPI), nil))
	case "tap":
		// The stand-in looks into nobody's requests; it only is there.
		jobs = append(jobs, listen(*address, http.NotFoundHandler(), nil))
	case "tap-injector":
		pair, err := tls.LoadX509KeyPair(*keys+"/tls.crt", *keys+"/tls.key")
		if err != nil {
			serve.Exit("tap-injector", err)
		}
		jobs = append(jobs, listen(*address, admission.Handler(admission.Allow), &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}))
	default:
		serve.Exit("linkerd-viz", fmt.Errorf("no component %q", os.Args[1]))
	}
	serve.Exit(os.Args[1], serve.All(ctx, jobs...))
}

func listen(address string, handler http.Handler, config *tls.Config) func(context.Context) error {
	return func(ctx context.Context) error {
		return serve.Until(ctx, address, standin.Label("Linkerd viz", handler), config)
	}
}

func health() http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/ping", "/ready"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	}
	return mux
}
