package world_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"skep/vm/maps"
	"skep/vm/world"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"exec uid=1000 comm=bash path=/bin/true x3", "exec uid=1000 comm=bash path=/bin/true x3"},
		{"  open   /etc/hosts # a comment", "open path=/etc/hosts"},
		{"cpu 1: exec path=/bin/true", "cpu 1: exec path=/bin/true"},
		{"cpu 1 : open /x", "cpu 1: open path=/x"},
		{"rename /tmp/a /tmp/b", "rename path=/tmp/a to=/tmp/b"},
		{`write /tmp/a data="a b=#\n"`, `write path=/tmp/a data="a b=#\n"`},
		{"exec uid=rand(1000..1010)", "exec uid=rand(1000..1010)"},
		{`kfunc do_unlinkat(-100, "/tmp/x", rand(1..2)) ret=0`, `kcall do_unlinkat(-100, "/tmp/x", rand(1..2)) ret=0`},
		{"call libc:malloc( 64 ) ret=0x1000 x2", "call libc:malloc(64) ret=0x1000 x2"},
		{"packet ipv4 / icmp", "pkt eth / ipv4 / icmp"},
		{"pkt hex: 0200 0000 0002 0200 0000 0001 88b5", "pkt eth"},
		{"connect [fd00::2]:443 cg=/a", "connect addr=[fd00::2]:443 cg=/a"},
		{"", ""}, {"# nothing", ""},
	} {
		events, errs := world.Parse(c.text)
		if got := strings.TrimSuffix(world.Print(events), "\n"); got != c.want || len(errs) > 0 {
			t.Errorf("%q is %q, want %q; %v", c.text, got, c.want, errs)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"opne /etc/hosts", `1:1: there is no event "opne"; did you mean open?`},
		{"\n  exec uid=abc", `2:12: uid must be a number; as 1000, 0x10 or rand(1000..1010)`},
		{"exec color=red", `1:6: exec has no argument "color"; it has path args uid gid pid comm cg us`},
		{"open a b", `1:8: expected name=value; open has path flags mode uid gid pid comm cg us`},
		{"open /a path=/b", `1:9: path is given twice`},
		{"open path=", `1:11: expected a value; a word, a number, rand(1..9), or text in quotes`},
		{"cpu x: open /a", `1:5: expected the number of a CPU and a colon; as in: cpu 1: exec path=/bin/true`},
		{"exec uid=rand(5..1)", `1:10: expected a range of numbers; as in uid=rand(1000..1010)`},
		{"open /a x0", `1:9: an event can be repeated 1 to 100,000 times`},
		{`write /a data="b`, `1:15: the text in quotes has no end, or an unknown escape; write a " behind it; inside, \" \\ \n \t \0 and \x41`},
		{"call malloc 64", "1:6: expected a function and its arguments in parentheses; as in: call /bin/utarget:target_fn(7) ret=9"},
		{"pkt ipv5", "1:5: unknown layer `ipv5`; did you mean `ipv4`?"},
		{"connect 10.0.0.300:80", "1:9: addr must be an address; as 10.0.0.2:443, [fd00::2]:443 or the path of a socket"},
	} {
		_, errs := world.Parse(c.text)
		if len(errs) == 0 || errs[0].Error() != c.want {
			t.Errorf("%q: %v, want %s", c.text, errs, c.want)
		}
	}
}

func TestExpand(t *testing.T) {
	events, _ := world.Parse("exec uid=rand(1000..1003) x50\nopen /a")
	a := world.Expand(events, 1)
	if len(a) != 51 || world.Print(a) != world.Print(world.Expand(events, 1)) || world.Print(a) == world.Print(world.Expand(events, 2)) {
		t.Error("repetitions are not made by the seed")
	}
	seen := map[string]bool{}
	for _, e := range a[:50] {
		uid, _ := e.Get("uid")
		seen[uid] = true
	}
	if len(seen) != 4 || !seen["1000"] || !seen["1003"] {
		t.Errorf("uids %v", seen)
	}
}

// FuzzParse reads any text, prints what it read, and reads that again.
func FuzzParse(f *testing.F) {
	for _, v := range world.Verbs() {
		f.Add(v.Example)
	}
	f.Add("cpu 1: exec uid=rand(1..3) comm=\"a b\" x3 # c\npkt eth / ipv4(ttl=3) / udp / \"x\" mark=7 x2\nkcall f(1, \"b\", rand(-1..1))")
	f.Fuzz(func(t *testing.T, text string) {
		events, errs := world.Parse(text)
		if len(text) > 1<<12 || len(errs) > 0 {
			return
		}
		printed := world.Print(events)
		again, errs := world.Parse(printed)
		if len(errs) > 0 {
			t.Fatalf("%q prints as %q: %v", text, printed, errs[0])
		}
		if d := cmp.Diff(printed, world.Print(again)); d != "" {
			t.Fatal(d)
		}
		ignore := cmp.Options{cmpopts.IgnoreUnexported(world.Event{}), cmpopts.IgnoreFields(world.Event{}, "Line", "Packet"), cmpopts.EquateEmpty()}
		if d := cmp.Diff(events, again, ignore, cmpopts.IgnoreFields(world.Arg{}, "Quoted")); d != "" {
			t.Fatal(d)
		}
	})
}

// FuzzFire runs any events through programs everywhere: nothing but a result
// may come of it.
func FuzzFire(f *testing.F) {
	for _, v := range world.Verbs() {
		f.Add(v.Example)
	}
	f.Add("bind 0.0.0.0:1\nbind 0.0.0.0:1\nconnect /run/x\nrename / /\nunlink /\nexit pid=1\nkill to=1\nopen / pid=0\nsend [::1]:5")
	f.Fuzz(func(t *testing.T, text string) {
		events, _ := world.Parse(text)
		r := newRig(t, world.Config{CPUs: 2}, []maps.Spec{{Name: "a", Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 2}}, everywhere...)
		events = world.Expand(events, 1)
		for _, e := range events[:min(len(events), 20)] {
			for _, fi := range r.w.Fire(e, 1000).Firings {
				if fi.Fault != nil {
					t.Fatalf("%s: %s: %v", e.String(), fi.Site, fi.Fault)
				}
			}
		}
	})
}
