// Command jaeger stands in for Jaeger 2 in the lab. It takes Jaeger's flag for a configuration and reads none: it listens on
// the ports that daybreak gives Jaeger.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"

	"daybreak/lab/standins/internal/jaeger"
	"daybreak/lab/standins/internal/otlp"
	"daybreak/lab/standins/internal/serve"
	"daybreak/lab/standins/internal/standin"
)

func main() {
	flag.String("config", "", "as Jaeger has it; not read")
	flag.Parse()
	ctx, stop := serve.Interrupted()
	defer stop()
	log.Print(standin.Notice("Jaeger"))
	server := &jaeger.Server{}
	spans := http.NewServeMux()
	spans.HandleFunc("POST "+otlp.TracesPath, otlp.Handler(server.Receive))
	at := func(address string, handler http.Handler) func(context.Context) error {
		return func(ctx context.Context) error { return serve.Until(ctx, address, handler, nil) }
	}
	serve.Exit("jaeger", serve.All(ctx,
		func(ctx context.Context) error { return serve.UntilHTTP2(ctx, ":4317", spans) },
		at(":16686", server.Handler()),
		at(":13133", http.HandlerFunc(jaeger.Health)),
		at(":8888", http.HandlerFunc(server.Metrics)),
	))
}
