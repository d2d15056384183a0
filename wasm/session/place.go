package session

import (
	"strconv"

	"skep/vm"
	"skep/vm/arena"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
	"skep/wasm/protocol"
)

// place is an address as the page speaks of it.
type place struct {
	region uint32 // number of the region: its address
	kind   protocol.RegionKind
	name   string // "value of counts[3]"
	off    int32
	size   uint32
	owner  int32
	write  bool
}

// packetBase is where the packet lay when it arrived: offsets in the packet's
// region count from there, so that they stay when its borders move.
func (s *Session) packetBase() uint32 { return s.machine.PacketBase() }

// place finds the region that an address is in, or just behind.
func (s *Session) place(addr uint64) (place, bool) {
	if addr>>32 != 0 || addr < arena.Base {
		return place{}, false
	}
	a := s.machine.Arena()
	r := a.Find(uint32(addr))
	if r == nil {
		// One behind the end is where a pointer may still stand.
		if r = a.Near(uint32(addr)); r == nil || uint32(addr)-r.Base > r.Len+32 && r.Base-uint32(addr) > 32 {
			return place{}, false
		}
	}
	p := place{region: r.Base, size: r.Len, owner: -1, write: r.Perm&arena.Write != 0}
	switch r.Kind {
	case arena.Stack:
		p.kind, p.owner = protocol.RegionKindStack, r.Index
		p.name = "stack of frame " + strconv.Itoa(int(r.Index))
	case arena.Ctx:
		p.kind, p.name = protocol.RegionKindCtx, "context"
	case arena.Packet:
		p.kind, p.name = protocol.RegionKindPacket, "packet"
		p.region = s.packetBase()
		k, _ := s.machine.Packet()
		p.size = uint32(max(k.End, uint64(p.region)) - uint64(p.region))
	case arena.MapPtr:
		p.kind, p.owner, p.name = protocol.RegionKindOther, r.Map, "map "+r.Name
	case arena.Value:
		s.valuePlace(r, uint32(addr), &p)
	case arena.Ringbuf:
		p.kind, p.owner = protocol.RegionKindRingbuf, r.Map
		if w := r.Window(uint32(addr)); w.Len > 0 && w.Contains(uint32(addr), 0) {
			p.region, p.size = w.Base, w.Len
		}
		p.name = "record of " + r.Name
	case arena.State:
		return place{}, false
	default:
		p.kind, p.name = protocol.RegionKindOther, r.Name
	}
	p.off = int32(uint32(addr) - p.region)
	return p, true
}

func (s *Session) valuePlace(r *arena.Region, addr uint32, p *place) {
	w := r.Window(addr)
	p.kind, p.owner, p.region, p.size = protocol.RegionKindMapValue, r.Map, w.Base, w.Len
	p.write = w.Perm&arena.Write != 0
	mp := s.machine.Maps().At(int(r.Map))
	if mp == nil {
		p.name = "value of " + r.Name
		return
	}
	if d := s.mapDecl(int(r.Map)); d != nil && d.internal {
		p.kind, p.name = protocol.RegionKindData, sectionName(mp.Name())
		if d.spec.Frozen {
			p.kind = protocol.RegionKindRodata
		}
		return
	}
	p.name = "value of " + mp.Name()
	if key, ok := mp.KeyAt(addr); ok {
		p.name += "[" + s.keyText(int(r.Map), key) + "]"
	}
	if mp.Spec().Type.Row().PerCPU {
		if cpu, ok := s.valueCPU(mp, addr); ok {
			p.name += " on CPU " + strconv.Itoa(cpu)
		}
	}
}

// valueCPU is the CPU whose value an address is in.
func (s *Session) valueCPU(mp maps.Map, addr uint32) (int, bool) {
	key, ok := mp.KeyAt(addr)
	if !ok {
		return 0, false
	}
	for cpu := range s.machine.Maps().CPUs {
		if at := uint32(mp.Lookup(key, cpu)); addr-at < max(mp.ValueSize(), 1) {
			return int(cpu), true
		}
	}
	return 0, false
}

// sectionName is ".rodata" of "prog.rodata".
func sectionName(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] == '.' {
			return s[i:]
		}
	}
	return s
}

func (s *Session) mapDecl(i int) *mapDecl {
	if i < 0 || i >= len(s.src.maps) {
		return nil
	}
	return &s.src.maps[i]
}

// text puts a place into words: "packet + 14", "fp-8", "value of counts[3] + 0".
func (s *Session) text(p *place) string {
	off := int64(p.off)
	switch p.kind {
	case protocol.RegionKindStack:
		t := "fp" + signed(off-vm.FrameSize)
		if off == vm.FrameSize {
			t = "fp"
		}
		if int(p.owner) != s.depth() {
			t += " of frame " + strconv.Itoa(int(p.owner))
		}
		return t
	case protocol.RegionKindPacket:
		k, _ := s.machine.Packet()
		off -= int64(k.Data) - int64(p.region)
		if uint64(p.region)+uint64(p.off) == k.End {
			return "end of packet"
		}
		return "packet" + spaced(off)
	case protocol.RegionKindOther:
		if off == 0 {
			return p.name
		}
	}
	return p.name + spaced(off)
}

func signed(n int64) string {
	if n < 0 {
		return strconv.FormatInt(n, 10)
	}
	return "+" + strconv.FormatInt(n, 10)
}

func spaced(n int64) string {
	if n < 0 {
		return " - " + strconv.FormatInt(-n, 10)
	}
	return " + " + strconv.FormatInt(n, 10)
}

// number puts a plain value into words: decimal while it is short, negative
// where that is what a program means.
func number(v uint64) string {
	switch {
	case v < 1_000_000:
		return strconv.FormatUint(v, 10)
	case int64(v) < 0 && int64(v) >= -1_000_000:
		return strconv.FormatInt(int64(v), 10)
	case v < 1<<32 && int32(v) < 0 && int32(v) >= -4095:
		return strconv.FormatInt(int64(int32(v)), 10) + " (32 bits)"
	}
	return "0x" + strconv.FormatUint(v, 16)
}

// regText is a register in words, given what it holds.
func (s *Session) regText(kind protocol.RegKind, v uint64) string {
	switch kind {
	case protocol.RegKindUnset:
		return "not set"
	case protocol.RegKindNull:
		return "NULL"
	case protocol.RegKindPointer, protocol.RegKindEnd, protocol.RegKindMap:
		if p, ok := s.place(v); ok {
			return s.text(&p)
		}
		if v>>32 == 0xffff_f000 {
			return "a function"
		}
	}
	return number(v)
}

// guess is what a value looks like, where no trace says what it is.
func (s *Session) guess(v uint64) protocol.RegKind {
	p, ok := s.place(v)
	switch {
	case !ok:
		return protocol.RegKindScalar
	case p.kind == protocol.RegionKindOther:
		return protocol.RegKindMap
	}
	return protocol.RegKindPointer
}

// errnoName names the negative result of a helper.
func errnoText(v uint64) string {
	if n := int64(v); n < 0 && n >= -4095 {
		return strconv.FormatInt(n, 10) + " (" + maps.Errno(-n).Error() + ")"
	}
	return number(v)
}

// resultText is what a helper returned.
func (s *Session) resultText(id int, v uint64) string {
	p := helper.ProtoFor(s.typ, s.attach, id)
	if p == nil {
		return number(v)
	}
	switch p.Ret.Base() {
	case helper.RetInteger:
		return errnoText(v)
	case helper.RetVoid:
		return "nothing"
	}
	if v == 0 {
		return "NULL"
	}
	return s.regText(protocol.RegKindPointer, v)
}

// verdictText is what a return value of the program says.
func (s *Session) verdictText(v uint64) string {
	if name := hook.Action(s.typ, s.attach, int32(v)); name != "" {
		return number(uint64(uint32(v))) + " (" + name + ")"
	}
	if s.typ != hook.SocketFilter && int32(v) < 0 {
		return strconv.Itoa(int(int32(v)))
	}
	return number(uint64(uint32(v)))
}

// helperName is the name of what a call instruction calls.
func (s *Session) helperName(in isa.Insn, prog int) string {
	if in.Src == isa.PseudoKfuncCall {
		for _, k := range s.machine.Program(prog).Kfuncs {
			if k.ID == in.Imm {
				return k.Name
			}
		}
		return "kernel function #" + strconv.Itoa(int(in.Imm))
	}
	if p := helper.Lookup(int(in.Imm)); p != nil {
		return p.Name
	}
	return "helper #" + strconv.Itoa(int(in.Imm))
}
