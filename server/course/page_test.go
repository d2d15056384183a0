package course_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"skep/labs"
	"skep/labs/grade"
	"skep/server/course"
)

const withQuestions = `---
id: x1
title: {en: "One"}
track: maps
minutes: 5
level: 2
---

:::choose pick
Which?

- [ ] a dog

  Dogs BARK.
- [x] a cat

  Cats MEOW.
:::

:::order line
Sort.

1. first
2. second
3. third
:::

:::click out answer="exit"
Where does it end?

` + "```asm" + `
r0 = 0
exit
` + "```" + `
:::

:::exercise one "One"

` + "```asm file=one.s" + `
.prog xdp
r0 = 0
exit
` + "```" + `
` + "```trace" + `
pkt eth / ipv4
` + "```" + `
` + "```grade" + `
verify: accept
hidden: pkt eth / ipv6 => ret(1) == 77
ret(1) == XDP_DROP
` + "```" + `
:::solution
` + "```asm" + `
.prog xdp
r0 = 77
exit
` + "```" + `
:::
:::
`

// Neither the page's text nor its data has a hidden case, an answer, a reason
// or the right order; the script gets them out of their seals.
func TestPageKeeps(t *testing.T) {
	l, errs := labs.Read(fstest.MapFS{"x1/lab.md": {Data: []byte(withQuestions)}}, "x1")
	if len(errs) > 0 {
		t.Fatal(errs[0].Error())
	}
	p := course.Page(l)
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"BARK", "MEOW", "ipv6", "77", `"right"`, `"answer"`, "hidden:"} {
		if strings.Contains(p.HTML, secret) || strings.Contains(string(data), secret) {
			t.Errorf("the page shows %s", secret)
		}
	}
	if i, j := strings.Index(p.HTML, "first"), strings.Index(p.HTML, "second"); i < 0 || i < j && j < strings.Index(p.HTML, "third") {
		t.Error("the text has the right order, or not all of it")
	}
	ex := p.Exercises[0]
	spec, bad := grade.Parse(ex.Grade)
	if len(bad) > 0 || ex.Hidden != 1 || len(spec.Hidden) != 0 || len(spec.Rules) != 2 || spec.Rules[1].Line != l.Exercises[0].Grade.Rules[1].Line {
		t.Errorf("grade block %q, %d hidden", ex.Grade, ex.Hidden)
	}
	if !p.Questions[0].One || p.Questions[1].One {
		t.Error("one answer is right, or several: wrong")
	}

	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("SKEP_CI") != "" {
			t.Fatal(err)
		}
		t.Skip("the script that opens seals needs node")
	}
	script := filepath.Join(t.TempDir(), "open.mjs")
	if out, err := exec.Command("go", "tool", "esbuild", "../../web/src/lab/seal.ts", "--format=esm", "--log-level=warning", "--outfile="+script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command(node, "--input-type=module", "-e", `
		const { unseal } = await import(process.argv[1]), p = JSON.parse(process.argv[2]), [pick, line, out] = p.questions;
		console.log(JSON.stringify([
			pick.options.map((o, i) => unseal('x1/pick/' + i, o.seal)),
			unseal('x1/line', line.seal).map((place, i) => [place, line.options[i].html]).sort(),
			unseal('x1/out', out.seal), unseal('x1/other', out.seal), unseal('x1/out', '!'),
		]));`, "file://"+script, string(data))
	got, err := cmd.CombinedOutput()
	want := `[[{"right":false,"why":"<p>Dogs BARK.</p>"},{"right":true,"why":"<p>Cats MEOW.</p>"}],[[0,"first"],[1,"second"],[2,"third"]],"exit",null,null]`
	if err != nil || strings.TrimSpace(string(got)) != want {
		t.Errorf("%v: %s, want %s", err, got, want)
	}
}
