package trace

import (
	"strconv"
	"testing"

	"skep/verifier"
)

// BenchmarkRecord measures what recording adds to a walk, by step.
func BenchmarkRecord(b *testing.B) {
	text := "\tr6 = 0\nl: r6 += 1\n\tr7 = r6\n\tr7 &= 15\n\t*(u64 *)(r10 - 8) = r7\n\tif r6 < " + strconv.Itoa(20_000) + " goto l\n\tr0 = 2\n\texit\n"
	p := program(b, text)
	for _, traced := range []bool{false, true} {
		b.Run("trace="+strconv.FormatBool(traced), func(b *testing.B) {
			b.ReportAllocs()
			steps, size := 0, 0
			for b.Loop() {
				var cfg verifier.Config
				rec := NewRecorder(p, 0)
				if traced {
					cfg.Tracer = rec
				}
				res, err := verifier.Verify(p, cfg)
				if err != nil {
					b.Fatal(err)
				}
				steps += res.InsnProcessed
				if traced {
					size += len(rec.Bytes(Describe("prog", p, &cfg, nil), res, func(_, _ uint32) string { return "" }))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(steps), "ns/step")
			b.ReportMetric(float64(size)/float64(steps), "B/step")
		})
	}
}
