package labs

import (
	"strings"
	"testing"
	"testing/fstest"
)

const withDraws = `---
id: x1
title: {en: "One"}
track: maps
minutes: 5
level: 2
---

:::exercise port "A port of your own" level=1
` + "```asm file=a.s\n; $port\n```" + `

` + "```draw\nport 1024..65535\ntimes 2..9\n```" + `

` + "```trace\nudp 10.0.0.2:$port x$times\n```" + `

` + "```grade\nret == $port\nhidden: udp 10.0.0.2:$port => ret(1) == $port\n```" + `

:::solution
` + "```asm\nr0 = $port\nexit\n```" + `
:::

:::wrong "Another" fails="ret == $port"
` + "```asm\nr0 = $times\nexit\n```" + `
:::
:::
`

func readText(t *testing.T, text string) (*Lab, []Error) {
	t.Helper()
	return Read(fstest.MapFS{"x1/lab.md": {Data: []byte(text)}}, "x1")
}

// What is drawn is the student's own, the same each time, and stands wherever
// its name does. The page draws the same: web/src/lab/draw.test.ts.
func TestDraw(t *testing.T) {
	lab, errs := readText(t, withDraws)
	if len(errs) > 0 {
		t.Fatal(errs[0].Error())
	}
	plain := lab.Exercises[0]
	ex := plain.For(1)
	for _, c := range []struct{ got, want string }{
		{ex.Starters[0].Text, "; 28870\n"},
		{ex.Trace, "udp 10.0.0.2:28870 x3\n"},
		{ex.Grade.Rules[0].Text, "ret == 28870"},
		{ex.Grade.Hidden[0].Events, "udp 10.0.0.2:28870"},
		{ex.Solutions[0].Text, "r0 = 28870\nexit\n"},
		{ex.Wrong[0].Source.Text, "r0 = 3\nexit\n"},
		{ex.Wrong[0].Fails[0], "ret == 28870"},
		{plain.For(1<<64 - 1).Trace, "udp 10.0.0.2:40575 x5\n"},
		{plain.Trace, "udp 10.0.0.2:$port x$times\n"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	if html := lab.HTML(Audience{}); strings.Contains(html, "1024..65535") {
		t.Errorf("the page shows how it is drawn: %s", html)
	}
	seen := map[int64]bool{}
	for seed := range uint64(200) {
		n := plain.Draws[1].For(plain.ID, seed)
		if n < 2 || n > 9 {
			t.Fatalf("seed %d draws %d of 2 to 9", seed, n)
		}
		seen[n] = true
	}
	if len(seen) != 8 {
		t.Errorf("200 seeds draw %d of 8 numbers", len(seen))
	}
}

func TestDrawErrors(t *testing.T) {
	for _, c := range []struct{ old, with, want string }{
		{"port 1024..65535", "port 9..1", "what is drawn is written: port 1024..65535"},
		{"port 1024..65535", "Port 1..9", "what is drawn is written"},
		{"times 2..9", "ports 2..9", "the names port and ports begin alike"},
		{"port 1024..65535", "port 1..9\nspare 1..9", "draws spare and no event or rule has $spare"},
		{"x$times", "x$count", "nothing draws $count"},
		{"```draw", "```trace\n# first\n```\n\n```draw", "a draw block stands before"},
	} {
		_, errs := readText(t, strings.Replace(withDraws, c.old, c.with, 1))
		found := false
		for i := range errs {
			found = found || strings.Contains(errs[i].Error(), c.want)
		}
		if !found {
			t.Errorf("%s for %s: %v, want %q", c.with, c.old, errs, c.want)
		}
	}
}
