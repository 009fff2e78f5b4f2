// Command grafana stands in for Grafana in the lab. It reads GF_SECURITY_ADMIN_USER, GF_SECURITY_ADMIN_PASSWORD,
// PROMETHEUS_URL (its own data source), DASHBOARD_LABEL and DATASOURCE_LABEL (of the ConfigMaps with dashboards and with
// further data sources, default grafana_dashboard=1 and grafana_datasource=1).
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
	dashboards.Store = configMaps("DASHBOARD_LABEL", "grafana_dashboard=1", "/api/v1", dashboards.Changed)
	sources := &grafana.SourcesFromConfigMaps{}
	// As the chart has it: dashboards of every namespace, data sources of its own only.
	sources.Store = configMaps("DATASOURCE_LABEL", "grafana_datasource=1", "/api/v1/namespaces/"+kube.Namespace(), sources.Changed)
	site := &grafana.Server{
		User: os.Getenv("GF_SECURITY_ADMIN_USER"), Password: os.Getenv("GF_SECURITY_ADMIN_PASSWORD"),
		Prometheus: os.Getenv("PROMETHEUS_URL"), Dashboards: dashboards, Sources: sources,
	}
	handler, err := site.Handler()
	if err != nil {
		return err
	}
	jobs := []func(context.Context) error{func(ctx context.Context) error { return serve.Until(ctx, address, handler, nil) }}
	if client, err := kube.InCluster(); err == nil {
		jobs = append(jobs,
			func(ctx context.Context) error { return dashboards.Store.Run(ctx, client) },
			func(ctx context.Context) error { return sources.Store.Run(ctx, client) })
	} else {
		log.Printf("no dashboards: %v", err)
	}
	return serve.All(ctx, jobs...)
}

// configMaps watches the ConfigMaps below path with the label that a variable names.
func configMaps(variable, otherwise, path string, changed func()) *kube.Store[kube.ConfigMap] {
	label := os.Getenv(variable)
	if label == "" {
		label = otherwise
	}
	return kube.NewStore(path+"/configmaps?labelSelector="+url.QueryEscape(label),
		func(c *kube.ConfigMap) kube.Metadata { return c.Metadata }, changed)
}
