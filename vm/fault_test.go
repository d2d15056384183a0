package vm_test

import (
	"strconv"
	"strings"
	"testing"

	"skep/vm"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// withMaps assembles text in which MAPn is a load of map n and VALn of the
// address of its value.
func withMaps(t testing.TB, src string) []isa.Insn {
	t.Helper()
	for n := range 8 {
		d := strconv.Itoa(n)
		src = strings.ReplaceAll(src, "MAP"+d, "100"+d+" ll")
		src = strings.ReplaceAll(src, "VAL"+d, "200"+d+" ll")
	}
	code := assemble(t, src)
	for i := range code {
		if in := &code[i]; in.IsWide() && in.Imm >= 1000 && in.Imm < 1008 {
			in.Src, in.Imm = isa.PseudoMapFD, in.Imm-1000
		} else if in.IsWide() && in.Imm >= 2000 && in.Imm < 2008 {
			in.Src, in.Imm = isa.PseudoMapValue, in.Imm-2000
		}
	}
	return code
}

func TestFaults(t *testing.T) {
	cfg := vm.Config{Maps: []maps.Spec{
		{Name: "counts", Type: maps.Hash, KeySize: 4, ValueSize: 64, MaxEntries: 2, Init: []maps.KV{{Key: []byte{7, 0, 0, 0}, Value: make([]byte, 64)}}},
		{Name: "rodata", Type: maps.Array, KeySize: 4, ValueSize: 16, MaxEntries: 1, Flags: maps.FlagRdonlyProg},
		{Name: "events", Type: maps.Ringbuf, MaxEntries: 4096},
	}}
	for _, c := range []struct {
		name, src string
		code      vm.Code
		want      string
	}{
		{"past a value", `*(u32 *)(r10 -4) = 7
			r2 = r10
			r2 += -4
			r1 = MAP0
			call 1
			r1 = *(u64 *)(r0 +64)
			exit`, vm.CodeBounds, "instruction 6: read of 8 bytes at value+64 of map `counts`, value size 64"},
		{"across the end of a value", `*(u32 *)(r10 -4) = 7
			r2 = r10
			r2 += -4
			r1 = MAP0
			call 1
			*(u64 *)(r0 +60) = r1
			exit`, vm.CodeBounds, "instruction 6: write of 8 bytes at value+60 of map `counts`, value size 64"},
		{"null value", `*(u32 *)(r10 -4) = 8
			r2 = r10
			r2 += -4
			r1 = MAP0
			call 1
			r1 = *(u64 *)(r0 +8)
			exit`, vm.CodeNull, "instruction 6: read of 8 bytes at NULL+8: bpf_map_lookup_elem at instruction 5 returned NULL"},
		{"below the stack", `r0 = *(u64 *)(r10 -520)
			exit`, vm.CodeBounds, "instruction 0: read of 8 bytes 8 bytes below the stack of frame 0 (r10-520, a frame is 512 bytes)"},
		{"far below the stack", `r1 = r10
			r1 += -1100
			r0 = *(u8 *)(r1 +0)
			exit`, vm.CodeBounds, "instruction 2: read of 1 byte 588 bytes below the stack of frame 0 (r10-1100, a frame is 512 bytes)"},
		{"above the stack", `*(u32 *)(r10 +0) = 1
			exit`, vm.CodeBounds, "instruction 0: write of 4 bytes above the stack of frame 0 (r10+0)"},
		{"stack of a callee", `call pc+2
			r0 = 0
			exit
			*(u64 *)(r10 -520) = r1
			exit`, vm.CodeBounds, "instruction 3: write of 8 bytes 8 bytes below the stack of frame 1 (r10-520, a frame is 512 bytes)"},
		{"packet", `r2 = *(u32 *)(r1 +0)
			r0 = *(u8 *)(r2 +34)
			exit`, vm.CodeBounds, "instruction 1: read of 1 byte at packet byte 34, the packet is 34 bytes long"},
		{"before the packet", `r2 = *(u32 *)(r1 +0)
			r0 = *(u8 *)(r2 -2)
			exit`, vm.CodeBounds, "instruction 1: read of 1 byte 2 bytes before the packet"},
		{"context", `r0 = *(u32 *)(r1 +24)
			exit`, vm.CodeBounds, "instruction 0: read of 4 bytes at ctx+24, the context is 24 bytes long"},
		{"read-only data", `r1 = VAL1
			*(u8 *)(r1 +2) = 1
			exit`, vm.CodePerm, "instruction 2: write of 1 byte to value+2 of map `rodata`, which is read-only"},
		{"map pointer", `r1 = MAP0
			*(u64 *)(r1 +0) = 1
			exit`, vm.CodePerm, "instruction 2: write of 8 bytes to the descriptor of map `counts`, which is read-only"},
		{"ring record after submit", `r1 = MAP2
			r2 = 16
			r3 = 0
			call 131
			r6 = r0
			r1 = r0
			r2 = 0
			call 132
			r0 = *(u8 *)(r6 +0)
			exit`, vm.CodeBounds, "instruction 9: read of 1 byte of ring buffer `events`, outside of any reserved record: it was submitted, discarded or never reserved"},
		{"ring record", `r1 = MAP2
			r2 = 16
			r3 = 0
			call 131
			r0 = *(u8 *)(r0 +16)
			exit`, vm.CodeBounds, "instruction 5: read of 1 byte at record+16 of ring buffer `events`, record size 16"},
		{"wild", `r1 = 0x123456789a ll
			r0 = *(u8 *)(r1 +0)
			exit`, vm.CodeWild, "instruction 2: read of 1 byte at 0x123456789a, which is no memory of the program"},
		{"end", `r0 = 1`, vm.CodeEnd, "instruction 1: the program ran past its last instruction: it must end with exit"},
		{"frame pointer", `r10 += -8
			exit`, vm.CodeFrame, "instruction 0: frame pointer is read only: r10 cannot be written"},
		{"depth", `call pc-1
			exit`, vm.CodeDepth, "instruction 0: the call is 9 functions deep, the limit is 8"},
		{"no helper", `call 9999
			exit`, vm.CodeHelper, "instruction 0: there is no helper 9999"},
		{"helper reads past", `r1 = r10
			r1 += -4
			r2 = 16
			call 6
			exit`, vm.CodeBounds, "instruction 3: read of 16 bytes above the stack of frame 0 (r10-4)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := vm.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.Load(&vm.Program{Type: hook.XDP, Insns: withMaps(t, c.src)}); err != nil {
				t.Fatal(err)
			}
			in := vm.Input{Packet: make([]byte, 34)}
			for _, step := range []bool{false, true} {
				if err := m.Reset(in); err != nil {
					t.Fatal(err)
				}
				s := m.Run(1000)
				if step {
					m.Seek(0)
					for s = m.Step(); s == vm.StopStep; {
						s = m.Step()
					}
				}
				f := m.Fault()
				if s != vm.StopFault || f == nil {
					t.Fatalf("stopped by %v", s)
				}
				if f.Code != c.code || f.Error() != c.want {
					t.Errorf("stepped %v: %v\n got %s\nwant %s", step, f.Code, f.Error(), c.want)
				}
				if f.Step != m.Steps()-1 {
					t.Errorf("stepped %v: the fault is at step %d, the machine at %d", step, f.Step, m.Steps())
				}
				if m.Back(); m.Fault() != nil || m.Done() || m.PC() != f.PC {
					t.Errorf("stepped %v: back from the fault leads to pc %d, fault %v", step, m.PC(), m.Fault())
				}
			}
		})
	}
}

// A load that the verifier lets probe gives zero where there is no memory.
func TestProbe(t *testing.T) {
	m, err := vm.New(vm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	code := withMaps(t, `r2 = 0
		r1 = *(u64 *)(r2 +16)
		r3 = *(u32 *)(r10 -4)
		r0 = 3
		r0 += r1
		exit`)
	if _, err := m.Load(&vm.Program{Type: hook.Tracing, Insns: code, Probe: []int{1}}); err != nil {
		t.Fatal(err)
	}
	m.Reset(vm.Input{Ctx: make([]byte, 8)})
	if s := m.Run(100); s != vm.StopExit || m.Reg(0) != 3 || m.Steps() != 6 {
		t.Errorf("%v, r0 %d after %d steps; %v", s, m.Reg(0), m.Steps(), m.Fault())
	}
	m.Seek(0)
	m.Step()
	if s := m.Step(); s != vm.StopStep || m.PC() != 2 {
		t.Errorf("stepped: %v, pc %d", s, m.PC())
	}
	if m.Back(); m.PC() != 1 {
		t.Errorf("back: pc %d", m.PC())
	}
}
