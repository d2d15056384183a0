package verifier

import (
	"encoding/binary"
)

// checkMapAccess checks an access to a map's value, and keeps it off special
// fields (check_map_access).
func (e *env) checkMapAccess(regno, off, size int, zeroOK bool, src accessSrc) errno {
	r := &e.regs()[regno]
	m := e.mapOf(r.mapHandle())
	if err := e.checkRegion(regno, off, size, m.ValueSize, zeroOK); err != 0 {
		return err
	}
	if m.rec == nil {
		return 0
	}
	for i := range m.rec.fields {
		f := &m.rec.fields[i]
		if r.SMin+int64(off) >= int64(f.off+f.size) || uint64(f.off) >= r.UMax+uint64(int64(off+size)) {
			continue
		}
		if f.kind&fieldKptr == 0 {
			e.logf("%s cannot be accessed directly by load/store\n", f.kind.String())
			return eacces
		}
		at := uint64(int64(off)) + r.VarOff.Value
		switch {
		case src != accessDirect:
			e.logs("kptr cannot be accessed indirectly by helper\n")
		case !r.VarOff.IsConst():
			e.logs("kptr access cannot have variable offset\n")
		case uint64(f.off) != at:
			e.logf("kptr access misaligned expected=%u off=%llu\n", f.off, int64(at))
		case size != 8:
			e.logs("kptr access size must be BPF_DW\n")
		default:
			continue
		}
		return eacces
	}
	return 0
}

// checkMapFlags is check_map_access_type.
func (e *env) checkMapFlags(regno, off, size int, kind accessKind) errno {
	m := e.mapOf(e.regs()[regno].mapHandle())
	if kind == writeAccess && !m.canWrite() {
		e.logf("write into map forbidden, value_size=%d off=%d size=%d\n", int32(m.ValueSize), off, size)
		return eacces
	}
	if kind == readAccess && !m.canRead() {
		e.logf("read from map forbidden, value_size=%d off=%d size=%d\n", int32(m.ValueSize), off, size)
		return eacces
	}
	return 0
}

func (e *env) checkMapValue(pc, ptr, off, size int, kind accessKind, value int, sx bool) errno {
	r := &e.regs()[ptr]
	if err := e.checkLeak(value, kind, "map"); err != 0 {
		return err
	}
	if err := e.checkMapFlags(ptr, off, size, kind); err != 0 {
		return err
	}
	if err := e.checkMapAccess(ptr, off, size, false, accessDirect); err != 0 {
		return err
	}
	m := e.mapOf(r.mapHandle())
	if r.VarOff.IsConst() {
		if f := m.rec.find(uint32(off)+uint32(r.VarOff.Value), fieldKptr); f != nil {
			return e.checkMapKptr(m, f, pc, value)
		}
	}
	if kind != readAccess || value < 0 {
		return 0
	}
	v := &e.regs()[value]
	if r.VarOff.IsConst() && m.constant() {
		if supported, _ := m.directValue(0); supported {
			n, err := m.load(off+int(r.VarOff.Value), size, sx)
			if err != 0 {
				return err
			}
			v.Type = ScalarValue
			v.setKnown(n)
			return 0
		}
	}
	e.setUnknown(v)
	return 0
}

// load reads a constant map (bpf_map_direct_read).
func (m *MapInfo) load(off, size int, sx bool) (uint64, errno) {
	if _, err := m.directValue(uint32(off)); err != 0 {
		return 0, err
	}
	var b [8]byte
	if off >= 0 && off < len(m.Data) {
		copy(b[:size], m.Data[off:])
	}
	v := binary.LittleEndian.Uint64(b[:])
	if sx && size < 8 {
		v = uint64(sext(int64(v), size))
	}
	return v, 0
}
