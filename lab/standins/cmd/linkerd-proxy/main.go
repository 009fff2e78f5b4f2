// Command linkerd-proxy is the sidecar of the Linkerd stand-in, with what goes with it:
//
//	linkerd-proxy run      the proxy itself, set up by LINKERD2_PROXY_*
//	linkerd-proxy init     the init container: redirects the pod's TCP through the proxy
//	linkerd-proxy await    a postStart hook: waits until the proxy is ready
package main

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"daybreak/lab/standins/internal/mesh"
	"daybreak/lab/standins/internal/proxy"
	"daybreak/lab/standins/internal/redirect"
	"daybreak/lab/standins/internal/serve"
)

func main() {
	command := "run"
	arguments := os.Args[1:]
	if len(arguments) > 0 && !strings.HasPrefix(arguments[0], "-") {
		command, arguments = arguments[0], arguments[1:]
	}
	jobs := map[string]func([]string) error{"run": run, "init": initialize, "await": await}
	job, ok := jobs[command]
	if !ok {
		serve.Exit("linkerd-proxy", fmt.Errorf("no command %q: one of run, init, await", command))
	}
	serve.Exit("linkerd-proxy", job(arguments))
}

func run([]string) error {
	config, err := proxy.FromEnvironment()
	if err != nil {
		return err
	}
	p, err := proxy.New(config, os.Getenv("LINKERD2_PROXY_VERSION"))
	if err != nil {
		return err
	}
	ctx, stop := serve.Interrupted()
	defer stop()
	return p.Run(ctx)
}

// ports is a flag that may be given more than once.
type ports []string

func (p *ports) String() string { return strings.Join(*p, ",") }

func (p *ports) Set(value string) error {
	if _, err := mesh.ParsePorts(value); err != nil {
		return err
	}
	if value != "" {
		*p = append(*p, value)
	}
	return nil
}

func initialize(arguments []string) error {
	flags := flag.NewFlagSet("init", flag.ContinueOnError)
	var inbound, outbound ports
	var rules redirect.Rules
	flags.IntVar(&rules.InboundPort, "incoming-proxy-port", mesh.InboundPort, "port that incoming connections go to")
	flags.IntVar(&rules.OutboundPort, "outgoing-proxy-port", mesh.OutboundPort, "port that outgoing connections go to")
	flags.IntVar(&rules.ProxyUID, "proxy-uid", 2102, "user of the proxy, whose own connections pass")
	flags.Var(&inbound, "inbound-ports-to-ignore", "incoming ports that pass, e.g. 25,8000-8010; may be repeated")
	flags.Var(&outbound, "outbound-ports-to-ignore", "outgoing ports that pass; may be repeated")
	flags.StringVar(&rules.SkipSubnets, "subnets-to-ignore", "", "networks that pass")
	mode := flags.String("iptables-mode", "nft", "legacy, nft or plain")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	rules.SkipInbound, rules.SkipOutbound = inbound.String(), outbound.String()
	return rules.Apply(*mode)
}

func await(arguments []string) error {
	flags := flag.NewFlagSet("await", flag.ContinueOnError)
	port := flags.Int("port", mesh.AdminPort, "the proxy's admin port")
	timeout := flags.Duration("timeout", 2*time.Minute, "how long to wait")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	client := &http.Client{Timeout: time.Second}
	for deadline := time.Now().Add(*timeout); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		response, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/ready", *port))
		if err != nil {
			continue
		}
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return nil
		}
	}
	return errors.New("failed to become ready within " + fmt.Sprint(timeout.Seconds()) + "s timeout")
}
