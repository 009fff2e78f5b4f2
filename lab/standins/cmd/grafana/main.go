// Command grafana stands in for Grafana in the lab. It reads GF_SECURITY_ADMIN_USER, GF_SECURITY_ADMIN_PASSWORD,
// PROMETHEUS_URL (its one data source) and DASHBOARD_LABEL (of the ConfigMaps with dashboards, default grafana_dashboard=1).
package main

import (
	"context"
	"flag"
	"log"
	"net/url"
	"os"

	"daybreak/lab/standins/internal/grafana"
	"daybreak/lab/standins/internal/kube"
	"daybreak/lab/standins/internal/serve"
	"daybreak/lab/standins/internal/standin"
)

func main() {
	address := flag.String("listen", ":3000", "address to listen on")
	flag.Parse()
	ctx, stop := serve.Interrupted()
	defer stop()
	log.Print(standin.Notice("Grafana"))
	serve.Exit("grafana", run(ctx, *address))
}

func run(ctx context.Context, address string) error {
	dashboards := &grafana.FromConfigMaps{}
	label := os.Getenv("DASHBOARD_LABEL")
	if label == "" {
		label = "grafana_dashboard=1"
	}
	dashboards.Store = kube.NewStore("/api/v1/configmaps?labelSelector="+url.QueryEscape(label),
		func(c *kube.ConfigMap) kube.Metadata { return c.Metadata }, dashboards.Changed)
	site := &grafana.Server{
		User: os.Getenv("GF_SECURITY_ADMIN_USER"), Password: os.Getenv("GF_SECURITY_ADMIN_PASSWORD"),
		Prometheus: os.Getenv("PROMETHEUS_URL"), Dashboards: dashboards,
	}
	handler, err := site.Handler()
	if err != nil {
		return err
	}
	jobs := []func(context.Context) error{func(ctx context.Context) error { return serve.Until(ctx, address, handler, nil) }}
	if client, err := kube.InCluster(); err == nil {
		jobs = append(jobs, func(ctx context.Context) error { return dashboards.Store.Run(ctx, client) })
	} else {
		log.Printf("no dashboards: %v", err)
	}
	return serve.All(ctx, jobs...)
}
