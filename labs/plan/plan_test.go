package plan

import (
	"slices"
	"testing"
)

// The course is what curriculum.md says: 69 labs, each with what it needs.
func TestLabs(t *testing.T) {
	count := map[byte]int{}
	codes, ids := map[string]bool{}, map[string]bool{}
	for _, l := range Labs() {
		count[l.Code[0]]++
		if codes[l.Code] || ids[l.ID] {
			t.Errorf("%s or %s is there twice", l.Code, l.ID)
		}
		codes[l.Code], ids[l.ID] = true, true
		if !slices.ContainsFunc(Tracks(), func(k Track) bool { return k.ID == l.Track }) {
			t.Errorf("%s is in no track", l.Code)
		}
		if l.Level < 1 || l.Level > 5 || (l.Minutes < 15 || l.Minutes > 90) != (l.Track == "capstone") {
			t.Errorf("%s: level %d, %d minutes", l.Code, l.Level, l.Minutes)
		}
	}
	for letter, want := range map[byte]int{'F': 8, 'H': 15, 'M': 14, 'V': 13, 'P': 6, 'U': 9, 'C': 4} {
		if count[letter] != want {
			t.Errorf("%d labs %c, want %d", count[letter], letter, want)
		}
	}
}

// What a lab needs exists, and nothing needs itself.
func TestAfter(t *testing.T) {
	state := map[string]int{} // 1: being walked, 2: done
	var walk func(code string)
	walk = func(code string) {
		l, ok := Find(code)
		switch {
		case !ok:
			t.Errorf("there is no lab %s", code)
		case state[code] == 1:
			t.Fatalf("%s needs itself", code)
		}
		if !ok || state[code] == 2 {
			return
		}
		state[code] = 1
		for _, before := range l.After {
			walk(before)
		}
		state[code] = 2
	}
	for _, l := range Labs() {
		walk(l.Code)
	}
}

func TestPaths(t *testing.T) {
	for _, p := range Paths() {
		if len(p.Codes()) == 0 || p.Title == "" || p.About == "" || p.Time == "" {
			t.Errorf("path %s lacks something", p.ID)
		}
		for _, c := range p.Codes() {
			if _, ok := Find(c); !ok {
				t.Errorf("path %s: there is no lab %s", p.ID, c)
			}
		}
	}
}

// A track by subject can be done from its first lab to its last.
func TestSubjectsAreComplete(t *testing.T) {
	for _, k := range Subjects() {
		done := map[string]bool{}
		in := k.In()
		if len(in) < 10 {
			t.Errorf("%s has %d labs", k.ID, len(in))
		}
		for _, l := range in {
			for _, before := range l.After {
				if !done[before] {
					t.Errorf("%s: %s comes before %s, which it needs", k.ID, l.Code, before)
				}
			}
			done[l.Code] = true
		}
	}
	if d := Depth("F1"); d != 0 {
		t.Errorf("F1 comes after %d labs", d)
	}
}
