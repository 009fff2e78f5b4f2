// Command bookinfo stands in for the services of Istio's Bookinfo sample in the lab:
// bookinfo details|ratings|reviews|productpage [v1|v2|v3]. Each listens on port 9080.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"

	"daybreak/lab/standins/internal/bookinfo"
	"daybreak/lab/standins/internal/serve"
	"daybreak/lab/standins/internal/standin"
)

func main() {
	port := flag.Int("port", 9080, "port to listen on")
	flag.Parse()
	handler, err := service(flag.Arg(0), flag.Arg(1))
	if err != nil {
		serve.Exit("bookinfo", err)
	}
	fault, err := bookinfo.FaultFrom(os.Getenv)
	if err != nil {
		serve.Exit("bookinfo", err)
	}
	ctx, stop := serve.Interrupted()
	defer stop()
	fmt.Printf("%s %s on port %d (%s)\n", flag.Arg(0), flag.Arg(1), *port, standin.Notice("Bookinfo"))
	serve.Exit("bookinfo", listen(ctx, *port, fault.In(handler)))
}

func listen(ctx context.Context, port int, handler http.Handler) error {
	return serve.Until(ctx, fmt.Sprintf(":%d", port), standin.Label("Bookinfo", handler), nil)
}

func service(name, version string) (http.Handler, error) {
	backends := bookinfo.BackendsFrom(os.Getenv)
	switch name {
	case "details":
		return bookinfo.Details(), nil
	case "ratings":
		return bookinfo.Ratings(), nil
	case "reviews":
		return bookinfo.Reviews(version, backends)
	case "productpage":
		return bookinfo.ProductPage(backends), nil
	}
	return nil, fmt.Errorf("no service %q: one of details, ratings, reviews, productpage", name)
}
