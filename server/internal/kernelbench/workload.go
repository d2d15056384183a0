package kernelbench

import (
	"encoding/binary"
	"fmt"

	"skep/jit/workload"
	"skep/verifier"
	"skep/vm/asm"
	"skep/vm/hook"
	"skep/vm/maps"
)

// Program is a workload as a loader hands it over, with the numbers of maps for their descriptors.
func Program(w *workload.Workload) (*verifier.Program, error) {
	res := asm.Assemble(w.Text, asm.Options{})
	if len(res.Errors) > 0 {
		return nil, fmt.Errorf("line %d: %w", res.Errors[0].Line, res.Errors[0])
	}
	p := &verifier.Program{Type: hook.SchedCls, GPL: true, Insns: res.Insns}
	for _, m := range Maps() {
		p.Maps = append(p.Maps, verifier.MapInfo{Name: m.Name, Type: m.Type, KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries})
	}
	return p, nil
}

// Maps are the maps of package workload: 64 counters, 200 of 256 elements of a hash, 16 backends.
func Maps() []maps.Spec {
	hash := maps.Spec{Name: "hash", Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 256}
	for i := range uint32(200) {
		hash.Init = append(hash.Init, maps.KV{Key: binary.LittleEndian.AppendUint32(nil, i), Value: make([]byte, 8)})
	}
	return []maps.Spec{
		{Name: "counts", Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 64}, hash,
		{Name: "backends", Type: maps.Array, KeySize: 4, ValueSize: 16, MaxEntries: 16},
	}
}

// Packet is an IPv4 TCP packet to port 80, as far as n bytes reach.
func Packet(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i * 7)
	}
	if n >= 54 {
		p[12], p[13], p[14], p[23], p[36], p[37] = 8, 0, 0x45, 6, 0, 80
	}
	return p
}
