package maps_test

import (
	"testing"
	"time"

	"skep/vm/maps"
)

// BenchmarkOps measures an update and a lookup of each type over 1,000 keys,
// or what comes nearest to them, as a ratio to a Go map that does the same.
func BenchmarkOps(b *testing.B) {
	const n = 1000
	keys := make([][]byte, n)
	for i := range keys {
		keys[i] = append(u32(32), u32(uint32(i))...)
	}
	for number := 1; number < maps.NumTypes; number++ {
		typ := maps.Type(number)
		switch typ {
		case maps.StructOps, maps.Arena, maps.UserRingbuf: // without elements that programs or user space look up
			continue
		}
		b.Run(typ.String(), func(b *testing.B) {
			do := writeAndRead(b, typ, n)
			ops := 0
			for b.Loop() {
				for _, k := range keys {
					do(k)
				}
				ops += 2 * n
			}
			ns := float64(b.Elapsed().Nanoseconds()) / float64(ops)
			b.StopTimer()
			ref := goMap(keys)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ns, "ns/mapop")
			b.ReportMetric(ns/ref, "x-go-map")
		})
	}
}

// writeAndRead is an update and a lookup of a key in a new map of the type.
func writeAndRead(b *testing.B, typ maps.Type, n uint32) func(key []byte) {
	spec, s := valid(typ), set(b, 2)
	if spec.MaxEntries == 4 {
		spec.MaxEntries = 2 * n
	}
	if typ.Row().Key == maps.SizeAny {
		spec.KeySize = 8
	}
	if spec.Inner != nil {
		create(b, s, *spec.Inner) // number 0, the value of each element
	}
	m := create(b, s, spec)
	val, out := make([]byte, spec.ValueSize), make([]byte, spec.ValueSize)
	fit := func(key []byte) []byte { return key[uint32(len(key))-spec.KeySize:] }
	switch m := m.(type) {
	case maps.Owned:
		return func(key []byte) {
			owner := uint64(key[4]) | uint64(key[5])<<8
			m.Of(owner, true, val, 0)
			m.Of(owner, false, nil, 0)
		}
	case interface {
		SetStack(uint32, []uint64)
		Stack(uint32) ([]uint64, bool)
	}:
		ips := []uint64{1, 2, 3}
		return func(key []byte) {
			id := uint32(key[4]) | uint32(key[5])<<8
			m.SetStack(id, ips)
			m.Stack(id)
		}
	case interface {
		Reserve(uint64) uint64
		Submit(rec, flags uint64)
		Consume() ([]byte, bool)
	}:
		return func([]byte) {
			m.Submit(m.Reserve(8), 0)
			m.Consume()
		}
	}
	switch typ {
	case maps.Queue, maps.Stack:
		return func([]byte) {
			m.Push(val, 0)
			m.Pop(out)
		}
	case maps.BloomFilter:
		return func([]byte) {
			m.Push(val, 0)
			m.Peek(val)
		}
	}
	if m.Update(fit(append(u32(32), u32(0)...)), val, 0, 0) == 0 {
		return func(key []byte) {
			m.Update(fit(key), val, 0, 0)
			m.Lookup(fit(key), 0)
		}
	}
	return func(key []byte) { // programs only look up
		m.Set(fit(key), val, 0)
		m.Lookup(fit(key), 0)
	}
}

// goMap is the time of one operation on a Go map with the same keys.
func goMap(keys [][]byte) float64 {
	m := map[[8]byte]uint64{}
	start := time.Now()
	const rounds = 50
	sum := uint64(0)
	for range rounds {
		for _, k := range keys {
			m[[8]byte(k)] = 1
			sum += m[[8]byte(k)]
		}
	}
	if sum == 0 {
		return 1
	}
	return float64(time.Since(start).Nanoseconds()) / float64(rounds*2*len(keys))
}
