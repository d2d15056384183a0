package session

import (
	"encoding/binary"
	"strconv"

	"skep/vm/maps"
	"skep/wasm/protocol"
)

// Bounds of what a view shows of the inside of a map.
const (
	shownNodes  = 256
	shownBits   = 4 << 10 // bytes
	shownTimers = 64
)

// insides fills in what is particular to a type of map: a trie's tree, a
// ring's positions, the order of an LRU map. The entries are there already, or
// come later.
func (s *Session) insides(v *protocol.MapView, mp maps.Map) {
	switch m := mp.(type) {
	case maps.Trie:
		s.trie(v, m)
	case maps.Ring:
		r := &protocol.RingView{Size: mp.MaxEntries(), Consumer: m.Query(maps.RingConsPos), Producer: m.Query(maps.RingProdPos)}
		for i, rec := range m.Records() {
			if i == shownNodes {
				break
			}
			r.Slots = append(r.Slots, protocol.RingSlot{Pos: rec.Pos, Length: uint32(len(rec.Data)), State: recordState(&rec)})
		}
		v.Ring = r
	case maps.LRU:
		for i, e := range m.Order() {
			if i == shownNodes {
				break
			}
			v.Order = append(v.Order, protocol.LRUSlot{KeyText: s.keyText(mp.Index(), e.Key), List: e.List, CPU: e.CPU, Used: e.Ref})
		}
	case maps.Bloom:
		v.Bits, v.Hashes = m.Bits(shownBits)
	}
}

func recordState(r *maps.RingRecord) protocol.RecordState {
	switch {
	case r.Busy:
		return protocol.RecordStateReserved
	case r.Discarded:
		return protocol.RecordStateDiscarded
	}
	return protocol.RecordStateSubmitted
}

// trie is the tree; its nodes with a value point into the entries shown, which
// are in another order.
func (s *Session) trie(v *protocol.MapView, m maps.Trie) {
	entry := make(map[string]int32, shownEntries)
	n := int32(0)
	maps.Elements(m, func(key []byte, _ uint64) bool {
		entry[string(key)] = n
		n++
		return n < shownEntries
	})
	for _, node := range m.Nodes(shownNodes) {
		t := protocol.TrieNode{
			Bits: node.Bits, Prefix: node.Data, Text: prefixText(node.Bits, node.Data),
			Left: int32(node.Left), Right: int32(node.Right), Entry: -1, Middle: node.Middle,
		}
		key := append(binary.LittleEndian.AppendUint32(nil, node.Bits), node.Data...)
		if i, ok := entry[string(key)]; ok && !node.Middle {
			t.Entry = i
		}
		v.Trie = append(v.Trie, t)
	}
}

// prefixText is 10.0.0.0/8 for data of 4 bytes, 2001:db8:0:0:0:0:0:0/32 for 16,
// else hex.
func prefixText(bits uint32, data []byte) string {
	var b []byte
	switch len(data) {
	case 4:
		for i, c := range data {
			if i > 0 {
				b = append(b, '.')
			}
			b = strconv.AppendUint(b, uint64(c), 10)
		}
	case 16:
		for i := 0; i < len(data); i += 2 {
			if i > 0 {
				b = append(b, ':')
			}
			b = strconv.AppendUint(b, uint64(binary.BigEndian.Uint16(data[i:])), 16)
		}
	default:
		for _, c := range data {
			b = append(b, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		}
	}
	return string(strconv.AppendUint(append(b, '/'), uint64(bits), 10))
}

// timers adds the timers that programs have initialised to the views of their
// maps.
func (s *Session) timers(views []protocol.MapView) {
	for i, t := range s.machine.Timers() {
		if i == shownTimers {
			return
		}
		v := protocol.TimerView{KeyText: s.keyText(t.Map, t.Key), Armed: t.Armed, Expires: t.Expires, Work: t.Work, CPU: t.CPU}
		if t.Prog >= 0 {
			v.Callback = s.machine.Program(t.Prog).FuncAt(t.PC).Name
		}
		views[t.Map].Timers = append(views[t.Map].Timers, v)
	}
}
