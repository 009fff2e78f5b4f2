// Command loki stands in for Loki in the lab. It takes Loki's own flags and obeys none: it listens on Loki's port and keeps
// what fits its memory.
package main

import (
	"flag"
	"log"

	"daybreak/lab/standins/internal/loki"
	"daybreak/lab/standins/internal/serve"
	"daybreak/lab/standins/internal/standin"
)

func main() {
	address := flag.String("listen", ":3100", "address to listen on")
	flag.String("target", "all", "as Loki has it; there is one target")
	flag.String("config.file", "", "as Loki has it; not read")
	flag.Parse()
	ctx, stop := serve.Interrupted()
	defer stop()
	log.Print(standin.Notice("Loki"))
	serve.Exit("loki", serve.Until(ctx, *address, (&loki.Server{}).Handler(), nil))
}
