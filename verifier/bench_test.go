package verifier

import (
	"strings"
	"testing"
)

// BenchmarkVerify measures processed instructions a second without log, on
// the largest programs of the corpus and on straight and branching code.
func BenchmarkVerify(b *testing.B) {
	c := loadCorpus(b)
	for _, name := range []string{
		"core_kern.bpf.o/balancer_ingress", "loop1.bpf.o/nested_loops", "pyperf180", "pyperf600_nounroll",
		"strobemeta", "test_verif_scale", "test_cls_redirect", "xdp_synproxy", "gotol", "loop6.bpf.o", "test_l4lb_noinline", "bpf_flow",
		"jumps_out_rather_than_in", "access_map_in_htab", "crossing_32_bit_signed_boundary_2", "jump around ld_abs",
	} {
		for _, r := range c.records {
			if !strings.Contains(r.ID, name) || !r.privileged() {
				continue
			}
			p, err := c.program(r)
			if err != nil {
				b.Fatal(err)
			}
			b.Run(r.ID, func(b *testing.B) {
				b.ReportAllocs()
				n, peak := 0, 0
				for b.Loop() {
					res, err := Verify(p, Config{})
					if err != nil {
						b.Fatal(err)
					}
					if res.Verdict == NotModelled {
						b.Skip("not modelled: " + res.Feature)
					}
					n += res.InsnProcessed
					peak = res.PeakStates
				}
				b.ReportMetric(float64(n)/1e6/b.Elapsed().Seconds(), "Minsn/s")
				b.ReportMetric(float64(peak), "states")
			})
			break
		}
	}
}
