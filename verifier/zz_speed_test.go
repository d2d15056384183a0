package verifier

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestZZSpeed(t *testing.T) {
	c := loadCorpus(t)
	only := os.Getenv("ZZ")
	var tn, tt float64
	for _, r := range c.records {
		if only != "" && !strings.Contains(r.ID, only) {
			continue
		}
		p, err := c.program(r)
		if err != nil {
			t.Fatal(err)
		}
		best := time.Hour
		var n int
		start := time.Now()
		var m0, m1 runtime.MemStats
		runtime.ReadMemStats(&m0)
		runs := 0
		for runs < 3 || time.Since(start) < 400*time.Millisecond {
			s := time.Now()
			res, err := Verify(p, Config{})
			if err != nil || res.Verdict == NotModelled {
				n = 0
				break
			}
			n = res.InsnProcessed
			best = min(best, time.Since(s))
			runs++
		}
		if n == 0 {
			continue
		}
		runtime.ReadMemStats(&m1)
		tn += float64(n)
		tt += best.Seconds()
		fmt.Printf("%-60s %7d  %8.3f ms  %6.3f Minsn/s  %d KB %d allocs, %d GCs per run\n", r.ID, n, best.Seconds()*1e3, float64(n)/1e6/best.Seconds(), (m1.TotalAlloc-m0.TotalAlloc)/uint64(runs)>>10, (m1.Mallocs-m0.Mallocs)/uint64(runs), int(m1.NumGC-m0.NumGC)/runs)
	}
	fmt.Printf("sum %.3f Minsn/s\n", tn/1e6/tt)
}
