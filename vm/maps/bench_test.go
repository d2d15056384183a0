package maps_test

import (
	"testing"
	"time"

	"skep/vm/maps"
)

// BenchmarkOps measures an update and a lookup of each type over 1,000 keys,
// as a ratio to a Go map that does the same.
func BenchmarkOps(b *testing.B) {
	const n = 1000
	keys := make([][]byte, n)
	for i := range keys {
		keys[i] = append(u32(32), u32(uint32(i))...)
	}
	val := u64(1)
	for _, typ := range []maps.Type{
		maps.Hash, maps.PerCPUHash, maps.LRUHash, maps.LRUPerCPUHash, maps.LPMTrie, maps.Array, maps.PerCPUArray,
		maps.Queue, maps.Stack, maps.BloomFilter, maps.Ringbuf,
	} {
		b.Run(typ.String(), func(b *testing.B) {
			spec := valid(typ)
			if spec.MaxEntries == 4 {
				spec.MaxEntries = 2 * n
			}
			if spec.KeySize == 4 && typ != maps.Array && typ != maps.PerCPUArray {
				spec.KeySize = 8
			}
			m := create(b, set(b, 2), spec)
			ring, _ := m.(interface {
				Reserve(uint64) uint64
				Submit(rec, flags uint64)
				Consume() ([]byte, bool)
			})
			out := make([]byte, 8)
			ops := 0
			for b.Loop() {
				for _, k := range keys {
					switch typ {
					case maps.Queue, maps.Stack:
						m.Push(val, 0)
						m.Pop(out)
					case maps.BloomFilter:
						m.Push(val, 0)
						m.Peek(val)
					case maps.Ringbuf:
						ring.Submit(ring.Reserve(8), 0)
						ring.Consume()
					case maps.Array, maps.PerCPUArray:
						m.Update(k[4:], val, 0, 0)
						m.Lookup(k[4:], 0)
					default:
						m.Update(k, val, 0, 0)
						m.Lookup(k, 0)
					}
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
