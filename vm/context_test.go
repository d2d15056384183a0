package vm_test

import (
	"bytes"
	"testing"

	"skep/vm"
	"skep/vm/hook"
	"skep/vm/isa"
)

// The protocol of a frame is its EtherType, or what eth_type_trans makes of a
// length: as kernel 6.12 has it in test runs.
func TestProtocol(t *testing.T) {
	for _, c := range []struct {
		tail string // of the frame, behind the addresses
		want uint64 // __sk_buff->protocol
	}{
		{"\x08\x00\x45\x00", 0x0008},
		{"\x06\x00\xff\xff", 0x0006},
		{"\x05\xff\xff\xff", 0x0100}, // ETH_P_802_3
		{"\x04\x25\x00\x00", 0x0400}, // ETH_P_802_2
		{"\x00\x00\xff\x00", 0x0400},
		{"\x00\x00", 0x0400},
	} {
		for _, typ := range []hook.ProgType{hook.SocketFilter, hook.SchedCls} {
			m, err := vm.New(vm.Config{})
			if err != nil {
				t.Fatal(err)
			}
			const protocol = 16
			if _, err := m.Load(&vm.Program{Type: typ, Insns: []isa.Insn{
				{Op: isa.ClassLDX | isa.ModeMem | isa.SizeW, Src: isa.R1, Off: protocol}, {Op: isa.ClassJMP | isa.JmpExit},
			}}); err != nil {
				t.Fatal(err)
			}
			if err := m.Reset(vm.Input{Packet: append(bytes.Repeat([]byte{2}, 12), c.tail...)}); err != nil {
				t.Fatal(err)
			}
			if m.Run(10); m.Reg(isa.R0) != c.want {
				t.Errorf("%s, %x: protocol %#x, want %#x", typ, c.tail, m.Reg(isa.R0), c.want)
			}
		}
	}
}
