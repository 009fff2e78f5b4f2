package redirect

import "testing"

func TestScript(t *testing.T) {
	got := Rules{InboundPort: 4143, OutboundPort: 4140, ProxyUID: 2102, SkipInbound: "4190,4567-4568", SkipOutbound: "443", SkipSubnets: "192.0.2.0/24"}.Script()
	want := `*nat
:DAYBREAK_INBOUND - [0:0]
:DAYBREAK_OUTBOUND - [0:0]
-F PREROUTING
-F OUTPUT
-A DAYBREAK_INBOUND -s 192.0.2.0/24 -j RETURN
-A DAYBREAK_OUTBOUND -d 192.0.2.0/24 -j RETURN
-A DAYBREAK_INBOUND -p tcp --dport 4190 -j RETURN
-A DAYBREAK_INBOUND -p tcp --dport 4567:4568 -j RETURN
-A DAYBREAK_INBOUND -p tcp -j REDIRECT --to-ports 4143
-A DAYBREAK_OUTBOUND -m owner --uid-owner 2102 -j RETURN
-A DAYBREAK_OUTBOUND -o lo -j RETURN
-A DAYBREAK_OUTBOUND -p tcp --dport 443 -j RETURN
-A DAYBREAK_OUTBOUND -p tcp -j REDIRECT --to-ports 4140
-A PREROUTING -j DAYBREAK_INBOUND
-A OUTPUT -j DAYBREAK_OUTBOUND
COMMIT
`
	if got != want {
		t.Errorf("got:\n%s", got)
	}
}

func TestUnknownModeIsRefused(t *testing.T) {
	if err := (Rules{}).Apply("other"); err == nil {
		t.Error("mode other was accepted")
	}
}
