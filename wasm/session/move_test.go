package session

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"skep/wasm/protocol"
)

// encoded is a view as it is sent, but for how one got there and how much of
// the run was known by then.
func encoded(v *protocol.View) string {
	c := *v
	c.Stop, c.Total, c.TotalKnown = 0, 0, false
	c.Events = 0 // of a run over events it grows as they are found out
	return string(protocol.Pack(nil, 0, &protocol.Moved{View: &c}))
}

// still compares the same by fields.
var still = cmp.Options{
	cmpopts.IgnoreFields(protocol.View{}, "Stop", "Total", "TotalKnown"),
	cmpopts.EquateEmpty(),
}

// programs are small ones that between them do everything a view shows.
var programs = []struct{ name, source string }{
	{"count", countSource},
	{"calls", `.prog xdp
main:
    r6 = r1
    r7 = 5
    r1 = r7
    call square
    r7 += r0
    r0 = r7
    exit
square:
    r6 = r1
    *(u64 *)(r10 - 8) = r1
    r2 = *(u64 *)(r10 - 8)
    r6 *= r2
    r0 = r6
    exit
`},
	{"hash", `.prog xdp
.map seen hash key=4 value=8 entries=2
    r2 = *(u32 *)(r1 + 4)
    r1 = *(u32 *)(r1 + 0)
    r3 = r1
    r3 += 34
    if r3 > r2 goto out
    r4 = *(u32 *)(r1 + 26)
    *(u32 *)(r10 - 4) = r4
    *(u64 *)(r10 - 16) = r1
    r5 = *(u64 *)(r10 - 16)
    r1 = map[seen]
    r2 = r10
    r2 += -4
    r3 = r10
    r3 += -16
    r4 = 0
    call bpf_map_update_elem
    r1 = map[seen]
    r2 = r10
    r2 += -4
    call bpf_map_delete_elem
out:
    r0 = 1
    exit
`},
	{"ring", `.prog xdp
.map events ringbuf entries=4096
    r1 = map[events]
    r2 = 16
    r3 = 0
    call bpf_ringbuf_reserve
    if r0 == 0 goto out
    *(u64 *)(r0 + 0) = 7
    r6 = r0
    call bpf_get_prandom_u32
    *(u64 *)(r6 + 8) = r0
    r1 = r6
    r2 = 0
    call bpf_ringbuf_submit
out:
    r0 = 2
    exit
`},
	{"head", `.prog xdp
    r6 = r1
    r2 = 14
    call bpf_xdp_adjust_head
    r2 = *(u32 *)(r6 + 4)
    r3 = *(u32 *)(r6 + 0)
    r4 = r3
    r4 += 1
    if r4 > r2 goto out
    *(u8 *)(r3 + 0) = 0x46
out:
    r0 = 3
    exit
`},
	{"fault", `.prog xdp
    r1 = *(u32 *)(r1 + 0)
    r0 = *(u64 *)(r1 + 4096)
    exit
`},
	{"print", `.prog xdp
    *(u32 *)(r10 - 8) = 0x2064253d
    *(u32 *)(r10 - 4) = 10
    r1 = r10
    r1 += -8
    r2 = 8
    r3 = 42
    call bpf_trace_printk
    r0 = 2
    exit
`},
	{"loop", `.prog xdp
    r1 = 0
again:
    r1 += 1
    *(u64 *)(r10 - 8) = r1
    if r1 < 60 goto again
    r0 = 2
    exit
`},
}

// TestBothWays: a step looks the same however it was reached, one by one
// forwards and backwards and by random jumps.
func TestBothWays(t *testing.T) {
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			s, v := start(t, p.source, three)
			forth := []*protocol.View{v}
			for {
				v = walk(t, s, protocol.MovementStep, 1)
				if v.Stop != protocol.StopReasonMoved {
					break
				}
				forth = append(forth, v)
			}
			last := len(forth) - 1
			if !v.TotalKnown || int(v.Total) != last {
				t.Fatalf("total %d (known %v), want %d", v.Total, v.TotalKnown, last)
			}
			want := make([]string, len(forth))
			for i, v := range forth {
				want[i] = encoded(v)
			}
			check := func(i int, got *protocol.View) {
				t.Helper()
				if encoded(got) != want[i] {
					t.Fatalf("step %d: %s", i, cmp.Diff(forth[i], got, still))
				}
			}
			for i := last - 1; i >= 0; i-- {
				check(i, walk(t, s, protocol.MovementBack, 1))
			}
			r := rand.New(rand.NewPCG(1, 2))
			for range 100 {
				i := r.IntN(last + 1)
				check(i, walk(t, s, protocol.MovementSeek, uint32(i)))
			}
			// A fresh session that only measures first sees the same.
			s, _ = start(t, p.source, three)
			check(0, walk(t, s, protocol.MovementMeasure, 0))
			check(last, walk(t, s, protocol.MovementSeek, uint32(last)))
		})
	}
}

func TestUntracedDepth(t *testing.T) {
	// 200,000 steps: three times what is traced.
	s, _ := start(t, "r1 = 0\nagain:\nr1 += 1\n*(u64 *)(r10 - 8) = r1\nif r1 < 70000 goto again\nr0 = 2\nexit\n", "arp")
	v := walk(t, s, protocol.MovementRun, 0)
	if v.Step != 210_003 || v.Stop != protocol.StopReasonEnd {
		t.Fatalf("step %d, stop %d", v.Step, v.Stop)
	}
	v = walk(t, s, protocol.MovementBack, 1)
	if v.Regs[1].Value != 70000 || v.Regs[1].Writer != -2 {
		t.Errorf("r1 %+v", v.Regs[1])
	}
	p := s.LastWrite(protocol.WireWatch{Reg: 1})
	if p.Step != 209_999 || p.PC != 1 {
		t.Errorf("last write of r1: %+v", p)
	}
	s.SetBreakpoints([]uint32{4})
	if v = walk(t, s, protocol.MovementRunBack, 0); v.Step != 210_001 {
		t.Errorf("run back to step %d", v.Step)
	}
	s.SetBreakpoints([]uint32{2})
	walk(t, s, protocol.MovementSeek, 150_000)
	if v = walk(t, s, protocol.MovementRun, 0); v.Step != 150_002 || v.PC != 2 {
		t.Errorf("run to step %d, pc %d", v.Step, v.PC)
	}
	if v = walk(t, s, protocol.MovementRunBack, 0); v.Step != 149_999 || v.PC != 2 {
		t.Errorf("run back to step %d, pc %d", v.Step, v.PC)
	}
	w := protocol.WireWatch{Kind: protocol.WatchKindMemory, Range: protocol.Range{Region: v.Frames[0].Region, Offset: 504, Length: 8}}
	now := v.Step
	if v = walk(t, s, protocol.MovementPrevChange, 0, w); v.Step != now-2 {
		t.Errorf("previous change at %d, want %d", v.Step, now-2)
	}
	if v = walk(t, s, protocol.MovementNextChange, 0, w); v.Step != now+1 {
		t.Errorf("next change at %d, want %d", v.Step, now+1)
	}
}

// BenchmarkStep is a step forward with its view, encoded: what a key press costs.
func BenchmarkStep(b *testing.B) {
	s, _ := start(b, ".map m array key=4 value=8 entries=64\nr1 = 0\nagain:\nr1 += 1\n*(u64 *)(r10 - 8) = r1\nif r1 < 1000000 goto again\nr0 = 2\nexit\n", "ipv4 / icmp")
	var buf []byte
	for b.Loop() {
		if s.step() > 50_000 {
			s.Move(protocol.MovementSeek, 0, protocol.WireWatch{}, 1<<20)
		}
		buf = protocol.Reply(buf[:0], 1, s.Move(protocol.MovementStep, 1, protocol.WireWatch{}, 1000))
	}
	b.ReportMetric(float64(len(buf)), "bytes/view")
}

// BenchmarkPackets is a run over 1,000 packets to its end and back to its
// start: what a dropped pcap costs.
func BenchmarkPackets(b *testing.B) {
	for b.Loop() {
		s, _ := start(b, countSource, "ipv4 / icmp x1000")
		v := walk(b, s, protocol.MovementMeasure, 0)
		if v.Total != 16999 {
			b.Fatalf("total %d", v.Total)
		}
	}
}
