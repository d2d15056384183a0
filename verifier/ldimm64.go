package verifier

import (
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// resolvePseudoLdimm64 finds what the wide loads name, and checks opcodes.
func (e *env) resolvePseudoLdimm64() errno {
	for i := 0; i < len(e.insns); i++ {
		in := e.insns[i]
		if in.Class() == isa.ClassLDX && (in.Mode() != isa.ModeMem && in.Mode() != isa.ModeMemSX || in.Imm != 0) {
			e.logs("BPF_LDX uses reserved fields\n")
			return einval
		}
		if in.IsWide() {
			if i == len(e.insns)-1 {
				e.logs("invalid bpf_ld_imm64 insn\n")
				return einval
			}
			if n := e.insns[i+1]; n.Op != 0 || n.Dst != 0 || n.Src != 0 || n.Off != 0 {
				e.logs("invalid bpf_ld_imm64 insn\n")
				return einval
			}
			if err := e.resolveWide(i); err != 0 {
				return err
			}
			i++
			continue
		}
		if !opcodeKnown(in.Op) {
			e.logf("unknown opcode %02x\n", in.Op)
			return einval
		}
	}
	return 0
}

func (e *env) resolveWide(i int) errno {
	in, high := e.insns[i], e.insns[i+1].Imm
	aux := &e.aux[i]
	value := false
	switch in.Src {
	case 0:
		return 0
	case isa.PseudoBTFID:
		return e.resolveKsym(i)
	case isa.PseudoFunc:
		aux.ptrType = PtrToFunc
		return 0
	case isa.PseudoMapValue, isa.PseudoMapIdxValue:
		value = true
	case isa.PseudoMapFD, isa.PseudoMapIdx:
		if high == 0 {
			break
		}
		fallthrough
	default:
		e.logs("unrecognized bpf_ld_imm64 insn\n")
		return einval
	}
	if in.Src == isa.PseudoMapIdx || in.Src == isa.PseudoMapIdxValue {
		e.logs("fd_idx without fd_array is invalid\n")
		return eproto
	}
	h, reused, err := e.useMap(in.Imm)
	if err != 0 {
		return err
	}
	m := e.mapOf(h)
	aux.mapHandle = h
	if err := e.checkMapProg(m); err != 0 {
		return err
	}
	if value {
		off := uint32(high)
		if off >= maxVarOff {
			e.logf("direct value offset of %u is not allowed\n", off)
			return einval
		}
		supported, err := m.directValue(off)
		if !supported {
			e.logs("no direct value access support for this map type\n")
			return einval
		}
		if err != 0 {
			e.logf("invalid access to map value pointer, value_size=%u off=%u\n", m.ValueSize, off)
			return err
		}
		aux.mapOff = off
	}
	if reused {
		return 0
	}
	switch m.Type {
	case maps.CgroupStorage, maps.PerCPUCgroupStorage:
		for _, u := range e.usedMaps {
			if o := e.mapOf(u); u != h && o.Type == m.Type {
				e.logs("only one cgroup storage of each type is allowed\n")
				return ebusy
			}
		}
	case maps.Arena:
		if e.arena {
			e.logs("Only one arena per program\n")
			return ebusy
		}
		if !e.allowPtrLeaks || !e.bpfCapable {
			e.logs("CAP_BPF and CAP_PERFMON are required to use arena\n")
			return eperm
		}
		e.arena = true
		if m.Extra == 0 {
			return e.notModelled("arena whose user address is set by mmap")
		}
	}
	return 0
}

// useMap is the handle of the map with that index in Program.Maps.
func (e *env) useMap(index int32) (h uint32, reused bool, err errno) {
	if index < 0 || int(index) >= len(e.prog.Maps) {
		e.logf("fd %d is not pointing to valid bpf_map\n", index)
		if index >= 0 && index <= 2 {
			return 0, false, einval // an open file that is no map: stdin to stderr
		}
		return 0, false, ebadf
	}
	m := &e.prog.Maps[index]
	for _, u := range e.usedMaps {
		if e.maps[u-1].MapInfo == m {
			return u, true, 0
		}
	}
	if len(e.usedMaps) >= maxUsedMaps {
		e.logf("The total number of maps per program has reached the limit of %u\n", maxUsedMaps)
		return 0, false, e2big
	}
	h = e.addMap(m)
	e.usedMaps = append(e.usedMaps, h)
	return h, false, 0
}

// addMap gives a map a handle, and the template of its inner maps one.
func (e *env) addMap(m *MapInfo) uint32 {
	ms := mapState{MapInfo: m, rec: parseRecord(m)}
	e.maps = append(e.maps, ms)
	h := uint32(len(e.maps))
	if m.Inner != nil && m.Inner != m {
		// The kernel keeps of the template what it compares, not the name.
		in := *m.Inner
		in.Name, in.Inner = "", nil
		e.maps[h-1].inner = e.addMap(&in)
	}
	return h
}

// checkMapProg is check_map_prog_compatibility.
func (e *env) checkMapProg(m *mapState) errno {
	t := e.prog.Type
	tracing := false
	switch t {
	case hook.Kprobe, hook.Tracepoint, hook.PerfEvent, hook.RawTracepoint, hook.RawTracepointWritable:
		tracing = true
	}
	if tracing && m.rec.has(fieldListHead|fieldRBRoot) {
		e.logs("tracing progs cannot use bpf_{list_head,rb_root} yet\n")
		return einval
	}
	if m.rec.has(fieldSpinLock) {
		if t == hook.SocketFilter {
			e.logs("socket filter progs cannot use bpf_spin_lock yet\n")
			return einval
		}
		if tracing {
			e.logs("tracing progs cannot use bpf_spin_lock yet\n")
			return einval
		}
	}
	if tracing && m.rec.has(fieldTimer) {
		e.logs("tracing progs cannot use bpf_timer yet\n")
		return einval
	}
	if tracing && m.rec.has(fieldWorkqueue) {
		e.logs("tracing progs cannot use bpf_wq yet\n")
		return einval
	}
	if m.Type == maps.StructOps {
		e.logs("bpf_struct_ops map cannot be used in prog\n")
		return einval
	}
	if e.sleepable {
		switch m.Type {
		case maps.Hash, maps.LRUHash, maps.Array, maps.PerCPUHash, maps.PerCPUArray, maps.LRUPerCPUHash,
			maps.ArrayOfMaps, maps.HashOfMaps, maps.Ringbuf, maps.UserRingbuf, maps.InodeStorage,
			maps.SkStorage, maps.TaskStorage, maps.CgrpStorage, maps.Queue, maps.Stack, maps.Arena:
		default:
			e.logs("Sleepable programs can only use array, hash, ringbuf and local storage maps\n")
			return einval
		}
	}
	return 0
}
