package proxy

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// soOriginalDst is SO_ORIGINAL_DST of linux/netfilter_ipv4.h: where a redirected connection was going to.
const soOriginalDst = 80

// originalDestination asks the kernel where the client meant to connect to. It fails for connections that were not redirected.
func originalDestination(connection net.Conn) (netip.AddrPort, error) {
	tcp, ok := connection.(*net.TCPConn)
	if !ok {
		return netip.AddrPort{}, errors.New("not a TCP connection")
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return netip.AddrPort{}, err
	}
	var answer *syscall.IPv6Mreq
	var failure error
	// The 16 bytes of a sockaddr_in fit the first field of an IPv6Mreq, the only getter of this size in the standard library.
	err = raw.Control(func(fd uintptr) {
		answer, failure = syscall.GetsockoptIPv6Mreq(int(fd), syscall.IPPROTO_IP, soOriginalDst)
	})
	if err := errors.Join(err, failure); err != nil {
		return netip.AddrPort{}, err
	}
	address := answer.Multiaddr
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(address[4:8])), binary.BigEndian.Uint16(address[2:4])), nil
}
