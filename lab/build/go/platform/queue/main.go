// Command queue starts kube-network-policies on a kernel without nft's queue expression (CONFIG_NFT_QUEUE), such as
// many a virtual machine's: the agent's own rules are refused there, so this hands it the packets by iptables' target
// NFQUEUE instead. It is the lab's, the agent behind it is upstream's.
//
// The first packet of every connection goes to the agent, not only those of pods that a policy chooses, and the agent
// lets the others pass. While it does not run, packets pass, as upstream's --fail-open=true has it.
//
// The tunnel between the nodes, VXLAN, is left out as in upstream's own rules, which look at pods' addresses: nobody ever
// answers on it, so that each of its packets counts as a connection's first. What is inside was looked at before.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

const (
	agent = "/usr/bin/kube-network-policies"
	// The number is the agent's default.
	queue = "-m conntrack --ctstate NEW -j NFQUEUE --queue-num 100 --queue-bypass"
	// Flannel's VXLAN.
	tunnel = "-p udp --dport 8472"
)

// A chain of ours, where it is entered from, and what it holds.
type chain struct {
	name, from string
	rules      []string
}

var chains = []chain{
	// What the node's own daemons send, kubelet's probes among it, is never held.
	{"DAYBREAK-OUT", "POSTROUTING ! -o lo", []string{"-m owner --uid-owner 0 -j RETURN", tunnel + " -m addrtype --src-type LOCAL -j RETURN", queue}},
	// A pod that wants into the tunnel comes from the bridge, and is looked at.
	{"DAYBREAK-IN", "INPUT ! -i lo", []string{tunnel + " ! -i cni0 -j RETURN", queue}},
}

func main() {
	for _, chain := range chains {
		chain.install()
	}
	fail(agent, syscall.Exec(agent, append([]string{agent}, os.Args[1:]...), os.Environ()))
}

// Makes the chain, or fills the one of the last start anew.
func (chain chain) install() {
	_ = iptables("-N " + chain.name)
	must("-F " + chain.name)
	for _, rule := range chain.rules {
		must("-A " + chain.name + " " + rule)
	}
	jump := chain.from + " -j " + chain.name
	if iptables("-C "+jump) != nil {
		must("-A " + jump)
	}
}

func must(rule string) {
	if err := iptables(rule); err != nil {
		fail("iptables "+rule, err)
	}
}

func iptables(rule string) error {
	arguments := append([]string{"-w", "-t", "mangle"}, strings.Fields(rule)...)
	output, err := exec.Command("iptables", arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}

func fail(what string, err error) {
	fmt.Fprintf(os.Stderr, "queue: %s: %v\n", what, err)
	os.Exit(1)
}
