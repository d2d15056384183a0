package session

import (
	"encoding/binary"
	"strconv"

	"skep/vm/btf"
	"skep/vm/maps"
	"skep/wasm/protocol"
)

// shownEntries is how many entries of a map a view has.
const shownEntries = 64

// maxEntries is how many can be asked for at once.
const maxEntries = 4096

func (s *Session) keyText(m int, b []byte) string {
	if d := s.mapDecl(m); d != nil {
		return s.bytesText(d.key, b)
	}
	return s.bytesText(0, b)
}

func (s *Session) valueText(m int, b []byte) string {
	if d := s.mapDecl(m); d != nil {
		return s.bytesText(d.val, b)
	}
	return s.bytesText(0, b)
}

// bytesText decodes by BTF, or by size: 1, 2, 4 and 8 bytes are a number,
// others hex.
func (s *Session) bytesText(id btf.ID, b []byte) string {
	if id != 0 && s.src.btf != nil {
		return string(s.src.btf.AppendValue(nil, id, b))
	}
	switch len(b) {
	case 1:
		return strconv.Itoa(int(b[0]))
	case 2:
		return strconv.Itoa(int(binary.LittleEndian.Uint16(b)))
	case 4:
		return strconv.FormatUint(uint64(binary.LittleEndian.Uint32(b)), 10)
	case 8:
		return strconv.FormatUint(binary.LittleEndian.Uint64(b), 10)
	}
	const digits = "0123456789abcdef"
	n := min(len(b), 64)
	out := make([]byte, 0, 3*n+4)
	for i, c := range b[:n] {
		if i > 0 {
			out = append(out, ' ')
		}
		out = append(out, digits[c>>4], digits[c&15])
	}
	if n < len(b) {
		out = append(out, " ..."...)
	}
	return string(out)
}

// MapEntries is count entries of a map from the from-th on.
func (s *Session) MapEntries(m, from, count int) []protocol.MapEntry {
	mp := s.machine.Maps().At(m)
	if mp == nil || from < 0 {
		return nil
	}
	return s.entries(mp, from, min(count, maxEntries), s.lastWrites())
}

// writes is the memory that the last step wrote, for marking changes.
type writes []protocol.Range

func (w writes) touch(addr, n uint32) bool {
	for _, r := range w {
		at := r.Region + uint32(r.Offset)
		if at < addr+n && addr < at+r.Length {
			return true
		}
	}
	return false
}

func (s *Session) entries(mp maps.Map, from, count int, last writes) []protocol.MapEntry {
	var out []protocol.MapEntry
	cpus := uint32(1)
	if mp.Spec().Type.Row().PerCPU {
		cpus = s.machine.Maps().CPUs
	}
	if q, ok := mp.(maps.Values); ok {
		for i, v := range q.Values() {
			if i >= from && len(out) < count {
				out = append(out, protocol.MapEntry{
					Values: [][]byte{v}, ValueTexts: []string{s.valueText(mp.Index(), v)}, Regions: []uint32{0}, Writer: -1,
				})
			}
		}
		return out
	}
	n := 0
	maps.Elements(mp, func(key []byte, first uint64) bool {
		if n++; n <= from {
			return true
		}
		e := protocol.MapEntry{Key: append([]byte(nil), key...), KeyText: s.keyText(mp.Index(), key), Writer: -1}
		for cpu := range cpus {
			at := first
			if cpu > 0 {
				at = mp.Lookup(key, cpu)
			}
			s.value(&e, mp, uint32(at), last)
		}
		out = append(out, e)
		return len(out) < count
	})
	return out
}

// value adds the value at an address to an entry.
func (s *Session) value(e *protocol.MapEntry, mp maps.Map, at uint32, last writes) {
	size := mp.ValueSize()
	if !s.machine.Arena().Valid(at, size) {
		e.Values, e.ValueTexts, e.Regions = append(e.Values, nil), append(e.ValueTexts, ""), append(e.Regions, 0)
		return
	}
	b := append([]byte(nil), s.machine.Arena().Bytes(at, size)...)
	e.Values = append(e.Values, b)
	e.ValueTexts = append(e.ValueTexts, s.valueText(mp.Index(), b))
	e.Regions = append(e.Regions, at)
	e.Writer = max(e.Writer, s.valueWriter(at))
	e.Changed = e.Changed || last.touch(at, size)
}

// valueWriter is the step that last wrote the map value at an address, -1
// when none did as far as is tracked.
func (s *Session) valueWriter(at uint32) int32 {
	if step, ok := s.known.values[at]; ok {
		return int32(s.events[s.at].start) + step
	}
	for k := s.at - 1; k >= 0 && k >= s.at-256; k-- {
		if w := s.events[k].write(at); w != nil {
			return int32(w.step)
		}
	}
	return -1
}

// write is the event's last write to the value at an address, or nil.
func (e *event) write(at uint32) *valueWrite {
	lo, hi := 0, len(e.wrote)
	for lo < hi {
		if mid := (lo + hi) / 2; e.wrote[mid].addr < at {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(e.wrote) && e.wrote[lo].addr == at {
		return &e.wrote[lo]
	}
	return nil
}

// mapViews is all maps at this step.
func (s *Session) mapViews(last writes) []protocol.MapView {
	all := s.machine.Maps().Maps()
	records := s.ringRecords()
	out := make([]protocol.MapView, len(all))
	for i, mp := range all {
		v := &out[i]
		v.Map = uint32(i)
		v.Count = uint32(mp.Len())
		s.insides(v, mp)
		if _, ring := mp.(maps.Ring); !ring && !sends(mp) {
			v.Entries = s.entries(mp, 0, shownEntries, last)
			for j := range v.Entries {
				v.Changed = v.Changed || v.Entries[j].Changed
			}
			continue
		}
		if b := s.events[s.at].before; b != nil {
			v.RecordCount = b[i]
		}
		if records != nil {
			v.RecordCount += uint32(len(records[i]))
			v.Records = records[i]
		}
		for k := s.at - 1; k >= 0 && len(v.Records) < min(maxRecords, int(v.RecordCount)); k-- {
			v.Records = append(append([]protocol.RingRecord(nil), s.events[k].records[i]...), v.Records...)
		}
		v.Count = v.RecordCount
		v.Records = v.Records[max(0, len(v.Records)-maxRecords):]
		for j := range v.Records {
			v.Changed = v.Changed || v.Records[j].Step == s.step() && s.step() > 0
		}
	}
	s.timers(out)
	return out
}
