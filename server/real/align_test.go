package real

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAlign(t *testing.T) {
	const ours = "func#0 @0\n0: R1=ctx() R10=fp0\n0: (b7) r0 = 2                        ; R0_w=2\n1: (95) exit\nverification time 7 usec\nprocessed 2 insns\n"
	for _, tt := range []struct {
		name, theirs string
		want         []Segment
		first        int
	}{
		{"the same but for the time", strings.Replace(ours, "7 usec", "1234 usec", 1), []Segment{{"same", [2]int{0, 6}, [2]int{0, 6}}}, -1},
		{"another state at an instruction", strings.Replace(ours, "R0_w=2", "R0_w=P2", 1),
			[]Segment{{"same", [2]int{0, 2}, [2]int{0, 2}}, {"changed", [2]int{2, 3}, [2]int{2, 3}}, {"same", [2]int{3, 6}, [2]int{3, 6}}}, 1},
		{"6.1 has no func# and other states", "0: R1=ctx(off=0,imm=0) R10=fp0\n0: (b7) r0 = 2 ; R0_w=2\n1: (95) exit\nverification time 7 usec\nprocessed 2 insns\n",
			[]Segment{{"ours", [2]int{0, 1}, [2]int{0, 0}}, {"changed", [2]int{1, 3}, [2]int{0, 2}}, {"same", [2]int{3, 6}, [2]int{2, 5}}}, 0},
		{"nothing", "", []Segment{{"ours", [2]int{0, 6}, [2]int{0, 0}}}, 0},
		{"a line more", ours + "more\n", []Segment{{"same", [2]int{0, 6}, [2]int{0, 6}}, {"theirs", [2]int{6, 6}, [2]int{6, 7}}}, 1},
	} {
		got, first := align(ours, tt.theirs)
		if d := cmp.Diff(tt.want, got); d != "" || first != tt.first {
			t.Errorf("%s: first %d, want %d\n%s", tt.name, first, tt.first, d)
		}
	}
}

// FuzzAlign: the segments cover both logs exactly, in order.
func FuzzAlign(f *testing.F) {
	f.Add("a\nb\nc", "a\nc\nd")
	f.Add("", "\n\n")
	f.Add("1: R1=2\n2: x ; y", "1: R3=4\n2: x ; z")
	f.Fuzz(func(t *testing.T, a, b string) {
		segments, first := align(a, b)
		i, j := 0, 0
		for n, s := range segments {
			if s.Ours[0] != i || s.Theirs[0] != j || s.Ours[1] < i || s.Theirs[1] < j {
				t.Fatalf("segment %d: %+v behind %d, %d", n, s, i, j)
			}
			i, j = s.Ours[1], s.Theirs[1]
			if paired := s.Kind == "same" || s.Kind == "changed"; paired && s.Ours[1]-s.Ours[0] != s.Theirs[1]-s.Theirs[0] {
				t.Fatalf("segment %d: %+v", n, s)
			}
		}
		if i != len(logLines(a)) || j != len(logLines(b)) || (first < 0) != (strings.Join(logLines(a), "\n") == strings.Join(logLines(b), "\n")) {
			t.Fatalf("%d of %d and %d of %d lines, first %d", i, len(logLines(a)), j, len(logLines(b)), first)
		}
	})
}
