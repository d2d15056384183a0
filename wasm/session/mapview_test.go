package session

import (
	"testing"

	"skep/vm/maps"
	"skep/wasm/protocol"
)

// The inside of each type of map that has one.
func TestMapInsides(t *testing.T) {
	s, _ := start(t, `.prog xdp
.map routes lpm_trie key=8 value=4 entries=8 flags=1
.map recent lru_hash key=4 value=4 entries=4
.map ring ringbuf entries=4096
.map jobs queue key=0 value=4 entries=4
.map last stack key=0 value=4 entries=4
.map seen bloom_filter key=0 value=4 entries=100
    r1 = map[ring]
    r2 = 12
    r3 = 0
    call bpf_ringbuf_reserve
    r6 = r0
    r1 = map[ring]
    r2 = 20
    r3 = 0
    call bpf_ringbuf_reserve
    r1 = r0
    r2 = 0
    call bpf_ringbuf_discard
    r0 = 2
    exit
`, "ipv4 / icmp")
	set := func(name string, key, value []byte) {
		t.Helper()
		if e := s.machine.Maps().ByName(name).Set(key, value, maps.Any); e != 0 {
			t.Fatalf("%s: %v", name, e)
		}
	}
	set("routes", []byte{8, 0, 0, 0, 10, 0, 0, 0}, le32(1))
	set("routes", []byte{24, 0, 0, 0, 192, 168, 1, 0}, le32(2))
	set("recent", le32(1), le32(1))
	set("recent", le32(2), le32(1))
	for _, n := range []uint32{7, 8} {
		set("jobs", nil, le32(n))
		set("last", nil, le32(n))
		set("seen", nil, le32(n))
	}
	s.machine.Touched()
	views := walk(t, s, protocol.MovementRun, 0).Maps

	trie := views[0].Trie
	if len(trie) != 3 || !trie[0].Middle || trie[0].Entry != -1 || trie[0].Left != 1 || trie[0].Right != 2 ||
		trie[1].Text != "10.0.0.0/8" || trie[2].Text != "192.168.1.0/24" || trie[1].Left != -1 {
		t.Errorf("trie: %+v", trie)
	}
	for _, n := range trie[1:] {
		if e := views[0].Entries[n.Entry]; string(e.Key[4:]) != string(n.Prefix) || e.Regions[0] == 0 {
			t.Errorf("entry of %s: %+v", n.Text, e)
		}
	}
	if o := views[1].Order; len(o) != 2 || o[0].KeyText != "2" || o[0].List != "pending" {
		t.Errorf("order: %+v", o)
	}
	r := views[2].Ring
	if r == nil || r.Size != 4096 || r.Consumer != 0 || r.Producer != 24+32 || len(r.Slots) != 2 ||
		r.Slots[0] != (protocol.RingSlot{Length: 12}) || r.Slots[1] != (protocol.RingSlot{Pos: 24, Length: 20, State: protocol.RecordStateDiscarded}) {
		t.Errorf("ring: %+v", r)
	}
	for i, want := range []string{"7", "8"} {
		if e := views[3].Entries; len(e) != 2 || e[i].ValueTexts[0] != want {
			t.Errorf("queue: %+v", e)
		}
		if e := views[4].Entries; len(e) != 2 || e[1-i].ValueTexts[0] != want {
			t.Errorf("stack: %+v", e)
		}
	}
	if v := views[5]; v.Hashes != 5 || len(v.Bits) != 128 {
		t.Errorf("bloom: %d hashes, %d bytes", v.Hashes, len(v.Bits))
	}
}

func TestPrefixText(t *testing.T) {
	for _, c := range []struct {
		bits uint32
		data []byte
		want string
	}{
		{9, []byte{10, 128, 0, 0}, "10.128.0.0/9"},
		{32, append([]byte{0x20, 1, 0xd, 0xb8}, make([]byte, 12)...), "2001:db8:0:0:0:0:0:0/32"},
		{3, []byte{0xe0, 1}, "e001/3"},
	} {
		if got := prefixText(c.bits, c.data); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}
