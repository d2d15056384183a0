//go:build linux

package kernelbench

import (
	"strings"
	"testing"

	"skep/jit/workload"
	"skep/vm/isa"
)

// Every program of package workload may be loaded; nothing else is found. Nothing is loaded here.
func TestTrust(t *testing.T) {
	var log strings.Builder
	l := &Linux{&log, map[string][]isa.Insn{}}
	for _, w := range workload.All() {
		if insns, err := l.trust(&w); err != nil || len(insns) == 0 {
			t.Errorf("%s: %v", w.Name, err)
		}
		if !strings.Contains(log.String(), "loading "+w.Name+":") {
			t.Errorf("%s: nothing in the log", w.Name)
		}
	}
	if _, err := l.Round(Request{Program: "../prog.o"}); err == nil || err.Error() != `there is no program "../prog.o"` {
		t.Errorf("something else: %v", err)
	}
	for _, tt := range []struct{ name, text, want string }{
		{"refused", "r0 = *(u64 *)(r1 +200)\nexit", "our verifier refuses it"},
		{"many states", strings.Repeat("call 7\nif r0 > 5 goto +0\nr6 = r0\nif r6 & 1 goto +1\nr6 += 7\n", 600) + "r0 = 0\nexit", "our verifier holds "},
	} {
		if _, err := l.trust(&workload.Workload{Name: tt.name, Text: tt.text}); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
