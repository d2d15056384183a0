package session

import (
	"skep/vm/packet"
	"skep/wasm/protocol"
)

// maxListed is how many packets a decoded list shows: enough for a pane, and
// a bound for the reply. A run takes all of them.
const maxListed = 2000

// read turns an input into packets. Packets without data are left out by the
// parsers, an input without packets is a problem.
func read(in protocol.WireInput) ([]packet.Packet, []protocol.Problem) {
	var pkts []packet.Packet
	var errs []packet.Error
	switch in.Kind {
	case protocol.InputKindText:
		pkts, errs = packet.Parse(in.Text)
	case protocol.InputKindHex:
		pkts, errs = packet.ParseHex(in.Text)
	case protocol.InputKindPcap:
		var err error
		pkts, err = packet.ReadPcap(in.Bytes)
		if err != nil && len(pkts) == 0 {
			return nil, problems(protocol.WhereInput, err.Error(), "a pcap or pcapng file of Ethernet packets is needed")
		}
		if err != nil {
			p := problem(protocol.WhereInput, err.Error(), "the packets before that place are used")
			p.Severity = protocol.SeverityWarning
			return pkts, []protocol.Problem{p}
		}
	}
	if len(errs) > 0 {
		return nil, packetProblems(in.Text, errs)
	}
	if len(pkts) == 0 {
		return nil, problems(protocol.WhereInput, "there is no packet in the input", "one packet a line, for example: eth / ipv4 / icmp")
	}
	return pkts, nil
}

// Packets decodes an input without running it.
func Packets(in protocol.WireInput) *protocol.PacketList {
	pkts, probs := read(in)
	out := &protocol.PacketList{OK: pkts != nil, Problems: probs}
	if len(pkts) > maxListed {
		p := problem(protocol.WhereInput, "only the first 2000 packets are listed", "a run takes all of them")
		p.Severity = protocol.SeverityWarning
		out.Problems = append(out.Problems, p)
		pkts = pkts[:maxListed]
	}
	for i := range pkts {
		out.Packets = append(out.Packets, protocol.Packet{
			Bytes:   pkts[i].Data,
			Time:    since(pkts, i),
			Summary: packet.Summary(pkts[i].Data),
			Fields:  fields(pkts[i].Data),
		})
	}
	return out
}

// since is the time of packet i after the first one; a file whose clock went
// backwards gives 0.
func since(pkts []packet.Packet, i int) uint64 {
	return uint64(max(0, pkts[i].Time-pkts[0].Time))
}

// fields decodes a packet for the packet pane: a row for each layer, then its
// fields under it.
func fields(b []byte) []protocol.PacketField {
	decoded := packet.Decode(b)
	out := make([]protocol.PacketField, 0, len(decoded)+4)
	layer, depth := -1, -1
	for _, f := range decoded {
		if f.Depth != depth {
			depth = f.Depth
			layer = len(out)
			out = append(out, protocol.PacketField{Name: f.Layer, Offset: uint32(f.Off)})
		}
		if end := uint32(f.Off + f.Len); end > out[layer].Offset+out[layer].Length {
			out[layer].Length = end - out[layer].Offset
		}
		out = append(out, protocol.PacketField{
			Depth: 1, Name: f.Layer + "." + f.Name, Offset: uint32(f.Off), Length: uint32(f.Len),
			BitOffset: f.Bit, BitLength: f.Bits, Value: f.Value, Note: f.Note,
		})
	}
	return out
}
