package expr

import (
	"encoding/binary"

	"github.com/google/nftables/binaryutil"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

type QueueFlag uint16

const (
	QueueFlagBypass QueueFlag = unix.NFT_QUEUE_FLAG_BYPASS
	QueueFlagFanout QueueFlag = unix.NFT_QUEUE_FLAG_CPU_FANOUT
)

// Queue hands packets to a program by way of iptables' target NFQUEUE, which nft runs through its compatibility layer.
type Queue struct {
	Num   uint16
	Total uint16
	Flag  QueueFlag
}

// The target's third revision, the first that knows both flags; their bits are those of nft.
const nfqueueRevision = 3

func (e *Queue) marshal(fam byte) ([]byte, error) {
	data, err := e.marshalData(fam)
	if err != nil {
		return nil, err
	}
	return netlink.MarshalAttributes([]netlink.Attribute{
		{Type: unix.NFTA_EXPR_NAME, Data: []byte("target\x00")},
		{Type: unix.NLA_F_NESTED | unix.NFTA_EXPR_DATA, Data: data},
	})
}

// struct xt_NFQ_info_v3, padded to the alignment of xtables.
func (e *Queue) marshalData(byte) ([]byte, error) {
	info := make([]byte, 8)
	binary.NativeEndian.PutUint16(info[0:], e.Num)
	binary.NativeEndian.PutUint16(info[2:], max(e.Total, 1))
	binary.NativeEndian.PutUint16(info[4:], uint16(e.Flag))
	return netlink.MarshalAttributes([]netlink.Attribute{
		{Type: unix.NFTA_TARGET_NAME, Data: []byte("NFQUEUE\x00")},
		{Type: unix.NFTA_TARGET_REV, Data: binaryutil.BigEndian.PutUint32(nfqueueRevision)},
		{Type: unix.NFTA_TARGET_INFO, Data: info},
	})
}

// The kernel never names this expression back: it was never given one.
func (e *Queue) unmarshal(byte, []byte) error { return nil }
