package account

import (
	"strings"
	"testing"
)

func TestNew(t *testing.T) {
	for name, ok := range map[string]bool{
		"ada": true, " Ada Lovelace ": true, "Ǆürgen": true, "": false, "  ": false, "a\nb": false, strings.Repeat("x", 65): false, "\xff": false, "a\u202eb": false,
	} {
		a, err := New(name)
		if (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
		if err == nil && (a.Name != strings.TrimSpace(name) || len(a.ID) != 32) {
			t.Errorf("%q: %+v", name, a)
		}
	}
}

// The seed is the account's for good: grades of before must come out again.
func TestSeed(t *testing.T) {
	a := Account{ID: "00112233445566778899aabbccddeeff"}
	if got := a.Seed(); got != 9286366535517256422 {
		t.Errorf("seed %d", got)
	}
}

func TestPassword(t *testing.T) {
	h, err := HashPassword("correct horse", 10)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := HashPassword("correct horse", 10)
	if h == again {
		t.Error("two hashes of one password are equal: no salt")
	}
	if !SamePassword(h, "correct horse") || SamePassword(h, "correct horsf") || SamePassword(h, "") {
		t.Error("the hash does not tell passwords apart")
	}
	for _, bad := range []string{"", "x", "pbkdf2-sha256$10$!$!", "pbkdf2-sha256$-1$$", "pbkdf2-sha256$99999999999$$", "scrypt$10$AA$AA"} {
		if SamePassword(bad, "") {
			t.Errorf("%q lets in", bad)
		}
	}
}

func TestMerge(t *testing.T) {
	for _, c := range []struct{ a, b, want Done }{
		{Done{Points: 1, Total: 4}, Done{Points: 2, Total: 4}, Done{Points: 2, Total: 4}},
		{Done{Points: 3, Total: 4}, Done{Points: 2, Total: 4, Passed: true}, Done{Points: 3, Total: 4, Passed: true}},
		{Done{Points: 4, Total: 4, Passed: true}, Done{Points: 4, Total: 5, Counts: true}, Done{Points: 4, Total: 5, Counts: true}}, // a hidden case failed
		{Done{Points: 5, Total: 5, Passed: true, Counts: true}, Done{Points: 4, Total: 5, Counts: true}, Done{Points: 5, Total: 5, Passed: true, Counts: true}},
		{Done{}, Done{}, Done{}},
	} {
		if got := c.a.Merge(c.b); got != c.want {
			t.Errorf("%+v and %+v: %+v, want %+v", c.a, c.b, got, c.want)
		}
		if x, y := c.a.Merge(c.b), c.b.Merge(c.a); x.Passed != y.Passed || x.rate() != y.rate() {
			t.Errorf("%+v and %+v: the order matters", c.a, c.b)
		}
	}
}

func TestCheck(t *testing.T) {
	good := Attempt{ID: "1", Lab: "l", Exercise: "e", Lang: "asm", Text: "exit"}
	with := func(f func(*Attempt)) Work {
		a := good
		f(&a)
		return Work{Attempts: []Attempt{a}}
	}
	if w := with(func(*Attempt) {}); w.Check() != nil {
		t.Error(w.Check())
	}
	for name, w := range map[string]Work{
		"no id":     with(func(a *Attempt) { a.ID = "" }),
		"large":     with(func(a *Attempt) { a.Text = strings.Repeat("x", MaxText+1) }),
		"no UTF-8":  with(func(a *Attempt) { a.Text = "\xff" }),
		"long id":   with(func(a *Attempt) { a.ID = strings.Repeat("x", 200) }),
		"long came": with(func(a *Attempt) { a.Came = strings.Repeat("x", 2000) }),
		"many":      {Done: make([]Done, MaxBatch+1)},
		"points":    {Done: []Done{{Points: 2, Total: 1}}},
		"draft":     {Drafts: []Draft{{Device: strings.Repeat("x", 200)}}},
	} {
		if w.Check() == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
