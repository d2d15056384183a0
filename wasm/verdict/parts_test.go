package verdict

import (
	"os"
	"strings"
	"testing"

	"skep/server/sandbox"
	"skep/server/sandbox/sandboxtest"
	"skep/wasm/protocol"
)

// Assembly whose map values hold a spin lock and a timer is accepted with the
// words of .map and refused without, here and by the kernel.
func TestMapParts(t *testing.T) {
	b, err := os.ReadFile("../../vm/source/testdata/parts.s")
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{string(b)}
	for _, word := range []string{" lock=0", " timer=8"} {
		texts = append(texts, strings.Replace(texts[0], word, "", 1))
	}
	var recs []*sandbox.Record
	var ours []*protocol.Verified
	for _, text := range texts {
		src := protocol.WireSource{Text: text}
		l, problems := Load(src, 0, Options{})
		if l == nil {
			t.Fatal(problems)
		}
		r := sandbox.RecordOf(l.Program)
		r.LogLevel = 1
		recs = append(recs, r)
		ours = append(ours, Verify(&protocol.Verify{Source: src, Options: protocol.VerifyOptions{Level: 1}}))
	}
	for i, want := range []string{"processed 31 insns", "map 'm' has no valid bpf_spin_lock", "map 'm' has no valid bpf_timer"} {
		if !strings.Contains(ours[i].Log, want) || (ours[i].Outcome == protocol.OutcomeAccepted) != (i == 0) {
			t.Errorf("%d: outcome %v, log without %q:\n%s", i, ours[i].Outcome, want, ours[i].Log)
		}
	}
	for i, v := range sandboxtest.Require(t, "6.12").VerifyAll(t, recs) {
		if v.OK != (ours[i].Outcome == protocol.OutcomeAccepted) || masked(v.Log) != masked(ours[i].Log) {
			t.Errorf("%d: the kernel says ok %v, errno %d:\n%s\nours:\n%s", i, v.OK, v.Errno, v.Log, ours[i].Log)
		}
	}
}
