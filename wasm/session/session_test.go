package session

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skep/vm/packet"
	"skep/wasm/protocol"
)

const countSource = `.prog xdp
.license GPL
.map counts array key=4 value=8 entries=4
count:
    r2 = *(u32 *)(r1 + 4)
    r1 = *(u32 *)(r1 + 0)
    r3 = r1
    r3 += 14
    if r3 > r2 goto out
    r6 = *(u8 *)(r1 + 12)
    *(u32 *)(r10 - 4) = 0
    r2 = r10
    r2 += -4
    r1 = map[counts]
    call bpf_map_lookup_elem
    if r0 == 0 goto out
    r1 = 1
    lock *(u64 *)(r0 + 0) += r1
out:
    r0 = 2
    exit
`

const three = "ipv4 / icmp\nraw(000102)\nipv4 / udp / \"hello\""

func start(t testing.TB, source, input string, opts ...func(*protocol.RunOptions)) (*Session, *protocol.View) {
	t.Helper()
	s := New()
	l := s.Load(protocol.WireSource{Text: source})
	if l.Listing == nil {
		t.Fatalf("load: %+v", l.Problems)
	}
	o := DefaultOptions()
	for _, f := range opts {
		f(&o)
	}
	st := s.Start(protocol.WireInput{Text: input}, o, nil)
	if st.View == nil {
		t.Fatalf("start: %+v", st.Problems)
	}
	return s, st.View
}

// walk does a whole movement.
func walk(t testing.TB, s *Session, how protocol.Movement, n uint32, w ...protocol.WireWatch) *protocol.View {
	t.Helper()
	w = append(w, protocol.WireWatch{})
	m := s.Move(how, n, w[0], 1000)
	for i := 0; m.View == nil; i++ {
		if i > 1_000_000 {
			t.Fatal("the movement does not end")
		}
		m = s.Continue(1000)
	}
	return m.View
}

// TestStory holds the whole telling of a run.
func TestStory(t *testing.T) {
	s, v := start(t, countSource, "ipv4 / icmp\nraw(000102)")
	var got strings.Builder
	for v.Stop != protocol.StopReasonEnd {
		got.WriteString(v.Narration.Did + " " + v.Narration.Next + "\n")
		v = walk(t, s, protocol.MovementStep, 1)
	}
	want := `Packet 1 of 2 arrived: IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 1, length 8. Next: read 4 bytes at context + 4 into r2.
r2 became end of packet, read from context + 4 (4 bytes). Next: read 4 bytes at context + 0 into r1.
r1 became packet + 0, read from context + 0 (4 bytes). Next: copy r1 (packet + 0) to r3.
r3 is now a copy of r1: packet + 0. Next: make r3 packet + 0 plus 14.
r3 became packet + 14 (packet + 0 plus 14). Next: go to 15 if r3 (packet + 14) is greater than r2 (end of packet).
r3 (packet + 14) is not greater than r2 (end of packet): no jump. Next: read 1 byte at packet + 12 into r6.
r6 became 8, read from packet + 12 (1 byte). Next: write 0 to 4 bytes at fp-4.
4 bytes at fp-4 became 0. Next: copy r10 (fp) to r2.
r2 is now a copy of r10: fp. Next: make r2 fp plus -4.
r2 became fp-4 (fp plus -4). Next: set r1 to map counts.
r1 became map counts. Next: call bpf_map_lookup_elem(map counts, fp-4: 0).
bpf_map_lookup_elem returned value of counts[0] + 0. Next: go to 15 if r0 (value of counts[0] + 0) is equal to 0.
r0 (value of counts[0] + 0) is not equal to 0: no jump. Next: set r1 to 1.
r1 became 1. Next: add r1 (1) to 8 bytes at value of counts[0] + 0, in one indivisible step.
8 bytes at value of counts[0] + 0 became 1 (0 plus 1), in one indivisible step. Next: set r0 to 2.
r0 became 2. Next: end the program with 2 (XDP_PASS).
The program returned 2 (XDP_PASS). Next: packet 2 of 2 arrives.
Packet 2 of 2 arrived: cut short: 3 bytes. Next: read 4 bytes at context + 4 into r2.
r2 became end of packet, read from context + 4 (4 bytes). Next: read 4 bytes at context + 0 into r1.
r1 became packet + 0, read from context + 0 (4 bytes). Next: copy r1 (packet + 0) to r3.
r3 is now a copy of r1: packet + 0. Next: make r3 packet + 0 plus 14.
r3 became packet + 14 (packet + 0 plus 14). Next: go to 15 if r3 (packet + 14) is greater than r2 (end of packet).
r3 (packet + 14) is greater than r2 (end of packet): jumped to 15. Next: set r0 to 2.
r0 became 2. Next: end the program with 2 (XDP_PASS).
The program returned 2 (XDP_PASS). This was the last packet: the run ends here.
`
	if d := cmp.Diff(want, got.String()); d != "" {
		t.Error(d)
	}
}

func TestFrames(t *testing.T) {
	s, _ := start(t, programs[1].source, "arp")
	v := walk(t, s, protocol.MovementStep, 4)
	if len(v.Frames) != 2 || v.Frames[1].Func != 1 || v.Frames[0].PC != 3 || len(v.Frames[0].Saved) != 4 {
		t.Fatalf("frames %+v", v.Frames)
	}
	if got := v.Frames[0].Saved[1].Text; got != "5" {
		t.Errorf("saved r7 %q", got)
	}
	if got := v.Frames[0].Saved[0].Text; got != "context + 0" {
		t.Errorf("saved r6 %q", got)
	}
	if v.Regs[6].Kind != protocol.RegKindUnset {
		t.Errorf("r6 of the callee is %+v", v.Regs[6])
	}
	if v = walk(t, s, protocol.MovementStepOut, 0); v.PC != 4 || v.Regs[0].Text != "25" || v.Regs[6].Text != "context + 0" {
		t.Errorf("after step out: pc %d, r0 %s, r6 %s", v.PC, v.Regs[0].Text, v.Regs[6].Text)
	}
	if v.Narration.Did != "square returned 25 to main." {
		t.Errorf("narration %q", v.Narration.Did)
	}
	walk(t, s, protocol.MovementSeek, 3)
	if v = walk(t, s, protocol.MovementStepOver, 0); v.PC != 4 {
		t.Errorf("after step over: pc %d", v.PC)
	}
}

func TestWritten(t *testing.T) {
	s, _ := start(t, countSource, "ipv4 / icmp")
	v := walk(t, s, protocol.MovementStep, 7)
	for i := range 512 {
		if got := v.Frames[0].Written[i/8]>>(i%8)&1 != 0; got != (i >= 508) {
			t.Fatalf("stack byte %d written: %v", i, got)
		}
	}
	if len(v.Writes) != 1 || v.Writes[0] != (protocol.Range{Region: v.Frames[0].Region, Offset: 508, Length: 4}) {
		t.Errorf("writes %+v", v.Writes)
	}
}

func TestRing(t *testing.T) {
	s, _ := start(t, programs[3].source, three)
	v := walk(t, s, protocol.MovementRun, 0)
	m := v.Maps[0]
	if m.RecordCount != 3 || len(m.Records) != 3 || m.Records[2].State != protocol.RecordStateSubmitted || m.Records[2].Bytes[0] != 7 {
		t.Fatalf("ring %+v", m)
	}
	for i, r := range m.Records {
		if r.Step != uint32(15*i+4) {
			t.Errorf("record %d at step %d", i, r.Step)
		}
	}
	if string(m.Records[0].Bytes) == string(m.Records[1].Bytes) {
		t.Error("two packets have the same random number")
	}
	if v = walk(t, s, protocol.MovementSeek, 4); v.Maps[0].Records[0].State != protocol.RecordStateReserved {
		t.Errorf("record %+v", v.Maps[0].Records)
	}
}

func TestHead(t *testing.T) {
	s, v := start(t, programs[4].source, "ipv4 / icmp")
	if v.Packet.Start != 0 {
		t.Fatalf("start %d", v.Packet.Start)
	}
	before := len(v.Packet.Bytes)
	v = walk(t, s, protocol.MovementRun, 0)
	if v.Packet.Start != 14 || len(v.Packet.Bytes) != before-14 || v.Packet.Bytes[0] != 0x46 {
		t.Errorf("packet start %d, % x", v.Packet.Start, v.Packet.Bytes)
	}
	pkts, err := packet.ReadPcap(s.OutputPcap(false))
	if err != nil || len(pkts) != 1 || string(pkts[0].Data) != string(v.Packet.Bytes) {
		t.Errorf("pcap: %v, %+v", err, pkts)
	}
}

func TestPrint(t *testing.T) {
	s, _ := start(t, programs[6].source, three)
	v := walk(t, s, protocol.MovementRun, 0)
	if len(v.Trace) != 3 || v.Trace[1].Text != "=42" && !strings.Contains(v.Trace[1].Text, "42") || v.Trace[1].Event != 1 {
		t.Errorf("trace %+v", v.Trace)
	}
}

func TestFault(t *testing.T) {
	s, _ := start(t, programs[5].source, three)
	v := walk(t, s, protocol.MovementRun, 0)
	if v.State != protocol.StateFaulted || v.Fault == nil || v.Step != 2 || v.Fault.Access.Region == 0 || v.Fault.Hint == "" || !v.TotalKnown {
		t.Fatalf("%+v", v.Fault)
	}
	if v = walk(t, s, protocol.MovementStep, 1); v.Stop != protocol.StopReasonFault || v.Step != 2 {
		t.Errorf("stepping on: %d at %d", v.Stop, v.Step)
	}
}
