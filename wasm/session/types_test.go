package session

import (
	"os"
	"testing"

	"skep/wasm/protocol"
)

// The types of an object and of the kernel: listed, filtered, a page at a
// time, and defined.
func TestTypes(t *testing.T) {
	s := New()
	if l := s.ListTypes(&protocol.ListTypes{Count: 10}); l.Total != 0 {
		t.Errorf("before a program is loaded there are %d", l.Total)
	}
	b, err := os.ReadFile("../../vm/object/testdata/counter.o")
	if err != nil {
		t.Fatal(err)
	}
	if l := s.Load(protocol.WireSource{Kind: protocol.SourceKindObject, Bytes: b}); l.Listing == nil {
		t.Fatal(l.Problems)
	}
	all := s.ListTypes(&protocol.ListTypes{Count: 1 << 31})
	if int(all.Total) != len(all.Types) || all.Total != 47 {
		t.Fatalf("%d types, %d rows", all.Total, len(all.Types))
	}
	if got, want := all.Types[9], (protocol.TypeRow{ID: 10, Kind: "ptr", Text: "struct pair *", Size: 8}); got != want {
		t.Errorf("row %+v, want %+v", got, want)
	}
	part := s.ListTypes(&protocol.ListTypes{Filter: "pa", From: 1, Count: 1})
	if part.Total != 2 || len(part.Types) != 1 || part.Types[0].Text != "int count_packets(struct xdp_md *ctx)" {
		t.Errorf("filtered: %+v", part)
	}
	const pair = "struct pair {\n\t__u64 packets; /* off 0, size 8 */\n\t__u64 bytes; /* off 8, size 8 */\n}; /* size 16 */"
	if d := s.DefineType(&protocol.DefineType{Type: 11}); len(d.Texts) != 1 || d.Texts[0] != pair {
		t.Errorf("%q", d.Texts)
	}
	for _, id := range []uint32{0, 48, 1<<32 - 1} {
		if d := s.DefineType(&protocol.DefineType{Type: id}); len(d.Texts) != 0 {
			t.Errorf("type %d: %q", id, d.Texts)
		}
	}
	k := s.ListTypes(&protocol.ListTypes{Kernel: true, Filter: "task_struct", Count: 1})
	if len(k.Types) != 1 || k.Types[0].Size != 9792 {
		t.Errorf("kernel: %+v", k)
	}
}
