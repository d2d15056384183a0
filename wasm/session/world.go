package session

import (
	"encoding/binary"

	"skep/vm/helper"
	"skep/wasm/protocol"
)

// surroundings are those of a run over packets: two interfaces, a default route and one
// task, enough for the helpers that packet programs use.
func surroundings(o protocol.RunOptions) *helper.World {
	ifindex := max(o.IfIndex, 1)
	return &helper.World{
		CPUs: o.CPUs,
		Task: helper.Task{PID: 1000, TGID: 1000, UID: 1000, GID: 1000, Comm: "skep"},
		Links: []helper.Link{
			{Index: ifindex, MTU: 1500, MAC: [6]byte{2, 0, 0, 0, 0, byte(ifindex)}},
			{Index: ifindex + 1, MTU: 1500, MAC: [6]byte{2, 0, 0, 0, 0, byte(ifindex + 1)}},
		},
		Routes: []helper.Route{{
			Link: ifindex + 1, Gateway: [16]byte{192, 0, 2, 254}, HasGate: true,
			SrcMAC: [6]byte{2, 0, 0, 0, 0, byte(ifindex + 1)}, DstMAC: [6]byte{2, 0, 0, 0, 0, 254},
		}},
	}
}

func le32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
func le64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }
