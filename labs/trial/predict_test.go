package trial_test

import (
	"os"
	"testing"

	"skep/labs"
	"skep/labs/trial"
	"skep/verifier"
)

const lookup = `.prog xdp
.license GPL
.map counts array key=4 value=8 entries=4
	*(u32 *)(r10 - 4) = 1
	r2 = r10
	r2 += -4
	r1 = map[counts]
	call bpf_map_lookup_elem
	if r0 == 0 goto out
	r1 = *(u64 *)(r0 + 0)
	r1 &= 15
out:
	r0 = 2
	exit
`

func TestPredict(t *testing.T) {
	for _, tt := range []struct {
		q      trial.Question
		answer string
		score  int
		known  string
	}{
		{trial.Question{At: "call bpf_map_lookup_elem", After: true, Reg: "r0"}, "map_value_or_null", 2, "map_value_or_null(id=1,map=counts,ks=4,vs=8)"},
		{trial.Question{At: "call bpf_map_lookup_elem", After: true, Reg: "r0"}, "map_value", 0, "map_value_or_null(id=1,map=counts,ks=4,vs=8)"},
		{trial.Question{At: "call bpf_map_lookup_elem", After: true, Reg: "r0"}, "7", 0, "map_value_or_null(id=1,map=counts,ks=4,vs=8)"},
		{trial.Question{At: "if r0 == 0", After: true, Reg: "r0"}, "map_value(vs=8)", 2, "map_value(map=counts,ks=4,vs=8)"},
		{trial.Question{At: "if r0 == 0", After: true, Reg: "r0"}, "map_value(vs=16)", 1, "map_value(map=counts,ks=4,vs=8)"},
		{trial.Question{At: "r1 &= 15", After: true, Reg: "r1"}, "0..15", 2, "0..15"},
		{trial.Question{At: "r1 &= 15", After: true, Reg: "r1"}, "0..255", 1, "0..15"},
		{trial.Question{At: "r1 &= 15", After: true, Reg: "r1"}, "0..14", 0, "0..15"},
		{trial.Question{At: "r1 &= 15", After: true, Reg: "r1"}, "scalar", 1, "0..15"},
		{trial.Question{At: "call bpf_map_lookup_elem", After: true, Reg: "r1"}, "unread", 2, "nothing: it was never written"},
		{trial.Question{At: "exit", Reg: "r0"}, "2", 2, "2"},
		{trial.Question{At: "exit", Reg: "fp-8"}, "", 0, ""},
	} {
		p, problems := trial.Predict(trial.Submission{Text: lookup}, tt.q, tt.answer, verifier.Root)
		if problems != nil {
			t.Fatal(problems[0].Msg)
		}
		if p.Score != tt.score || tt.known != "" && p.Known != tt.known {
			t.Errorf("%+v %q: %+v", tt.q, tt.answer, p)
		}
	}
	for _, q := range []trial.Question{{At: "call nobody", Reg: "r0"}, {At: "exit", Reg: "r11"}, {At: "exit", Reg: "fp-3"}} {
		if _, problems := trial.Predict(trial.Submission{Text: lookup}, q, "1", verifier.Root); problems == nil {
			t.Errorf("%+v is no question", q)
		}
	}
}

// TestPredictContent: the authors' answers are exact.
func TestPredictContent(t *testing.T) {
	fsys := os.DirFS("../content")
	entries, err := os.ReadDir("../content")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, e := range entries {
		lab, _ := labs.Read(fsys, e.Name())
		for _, q := range lab.Questions {
			if q.Kind != labs.Predict || q.Source.Lang != "asm" {
				continue
			}
			asked++
			p, problems := trial.Predict(trial.Submission{Text: q.Source.Text}, trial.Question{At: q.At, After: q.After, Reg: q.Reg}, q.Answer, verifier.Root)
			if problems != nil {
				t.Errorf("%s/%s: %s", e.Name(), q.ID, problems[0].Msg)
			} else if p.Score != 2 {
				t.Errorf("%s/%s: %q: %+v", e.Name(), q.ID, q.Answer, p)
			}
		}
	}
	if asked < 5 {
		t.Errorf("only %d predictions were tried", asked)
	}
}
