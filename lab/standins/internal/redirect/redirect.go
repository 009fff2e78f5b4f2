// Package redirect is the linkerd-init of the stand-in: it sends a pod's TCP connections through its proxy.
package redirect

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Rules says what to redirect.
type Rules struct {
	InboundPort, OutboundPort int
	ProxyUID                  int
	SkipInbound, SkipOutbound string // "25,8000-8010"
	SkipSubnets               string // "10.0.0.0/8,…": not redirected in either direction
}

// Script is the input of iptables-restore. It replaces the rules of the pod's two nat chains, so that a second run
// ends the same. The proxy's own connections, those over the loopback device and the skipped ones pass.
func (r Rules) Script() string {
	var b strings.Builder
	line := func(format string, arguments ...any) { fmt.Fprintf(&b, format+"\n", arguments...) }
	line("*nat")
	line(":DAYBREAK_INBOUND - [0:0]")
	line(":DAYBREAK_OUTBOUND - [0:0]")
	line("-F PREROUTING")
	line("-F OUTPUT")
	for _, subnet := range list(r.SkipSubnets) {
		line("-A DAYBREAK_INBOUND -s %s -j RETURN", subnet)
		line("-A DAYBREAK_OUTBOUND -d %s -j RETURN", subnet)
	}
	for _, port := range list(r.SkipInbound) {
		line("-A DAYBREAK_INBOUND -p tcp --dport %s -j RETURN", strings.Replace(port, "-", ":", 1))
	}
	line("-A DAYBREAK_INBOUND -p tcp -j REDIRECT --to-ports %d", r.InboundPort)
	line("-A DAYBREAK_OUTBOUND -m owner --uid-owner %d -j RETURN", r.ProxyUID)
	line("-A DAYBREAK_OUTBOUND -o lo -j RETURN")
	for _, port := range list(r.SkipOutbound) {
		line("-A DAYBREAK_OUTBOUND -p tcp --dport %s -j RETURN", strings.Replace(port, "-", ":", 1))
	}
	line("-A DAYBREAK_OUTBOUND -p tcp -j REDIRECT --to-ports %d", r.OutboundPort)
	line("-A PREROUTING -j DAYBREAK_INBOUND")
	line("-A OUTPUT -j DAYBREAK_OUTBOUND")
	line("COMMIT")
	return b.String()
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// Apply runs iptables-restore of the given mode: legacy, nft or plain. It fails with what the program said.
func (r Rules) Apply(mode string) error {
	program := map[string]string{"legacy": "iptables-legacy-restore", "nft": "iptables-nft-restore", "plain": "iptables-restore"}[mode]
	if program == "" {
		return fmt.Errorf("no iptables mode %q: one of legacy, nft, plain", mode)
	}
	script := r.Script()
	fmt.Fprintf(os.Stderr, "%s --noflush:\n%s", program, script)
	command := exec.Command(program, "--noflush", "--wait", "5")
	command.Stdin = strings.NewReader(script)
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, strings.TrimSpace(string(output)))
	}
	return nil
}
