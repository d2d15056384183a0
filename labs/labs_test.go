package labs

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

const front = `---
id: x1
title: {en: "One"}
track: maps
minutes: 5
level: 2
---
`

func read(t *testing.T, md string, more ...string) (*Lab, []string) {
	t.Helper()
	fsys := fstest.MapFS{"x1/lab.md": {Data: []byte(md)}}
	for i := 0; i < len(more); i += 2 {
		fsys["x1/"+more[i]] = &fstest.MapFile{Data: []byte(more[i+1])}
	}
	lab, errs := Read(fsys, "x1")
	var out []string
	for _, e := range errs {
		out = append(out, e.Error())
	}
	return lab, out
}

const whole = front + `
Prose with <b>HTML</b> and code:

` + "```c" + `
// :::
:::
` + "```" + `

:::choose warm-up points=2
What is it?

- [ ] a dog

  Dogs *bark*.
- [x] a cat
:::

:::exercise count "Count them" level=3
Do it.

` + "```c file=count.bpf.c editable=1-2" + `
int x;
int y;
` + "```" + `

` + "```trace" + `
exec uid=1 x3
` + "```" + `

` + "```grade" + `
verify: accept
counts[1] == 3
hidden: exec uid=7 => counts[7] == 1
` + "```" + `

:::hint
Look.
:::

:::predict at-exit reg=r0 at="exit" answer=0
The value of r0?
:::

:::solution
` + "```c from=solution.c" + `
` + "```" + `
:::

:::wrong "Forgets the check" message="invalid mem access" fails="counts[1]"
` + "```c" + `
int z;
` + "```" + `
:::
:::

:::teacher
Tell them.
:::
`

func TestRead(t *testing.T) {
	lab, errs := read(t, whole, "solution.c", "int s;\n")
	if errs != nil {
		t.Fatal(strings.Join(errs, "\n"))
	}
	ex := lab.Exercises[0]
	if ex.ID != "count" || ex.Title != "Count them" || ex.Level != 3 || ex.Hints != 1 || ex.Trace != "exec uid=1 x3\n" {
		t.Errorf("exercise %+v", ex)
	}
	want := Source{Lang: "c", File: "count.bpf.c", Text: "int x;\nint y;\n", Line: 29, Editable: []Lines{{1, 2}}}
	if diff := cmp.Diff([]Source{want}, ex.Starters); diff != "" {
		t.Error(diff)
	}
	if len(ex.Grade.Rules) != 2 || len(ex.Grade.Hidden) != 1 || len(ex.Solutions) != 1 || ex.Solutions[0].Text != "int s;\n" {
		t.Errorf("grade %+v, solutions %+v", ex.Grade, ex.Solutions)
	}
	w := ex.Wrong[0]
	if w.Title != "Forgets the check" || w.Message != "invalid mem access" || w.Source.Text != "int z;\n" {
		t.Errorf("wrong %+v", w)
	}
	q := lab.Questions[0]
	wantOptions := []Option{{HTML: "a dog", Why: "<p>Dogs <em>bark</em>.</p>"}, {HTML: "a cat", Right: true}}
	if diff := cmp.Diff(wantOptions, q.Options); diff != "" || q.Points != 2 {
		t.Error(diff)
	}
	if p := lab.Questions[1]; p.Kind != Predict || p.Exercise != "count" || p.Source.Text != ex.Starters[0].Text {
		t.Errorf("predict %+v", p)
	}
	if !lab.Teacher {
		t.Error("teacher notes were not seen")
	}
}

func TestHTML(t *testing.T) {
	lab, _ := read(t, whole, "solution.c", "int s;\n")
	student := lab.HTML(Audience{})
	for _, want := range []string{
		`<section class="exercise" id="count"><h2>Count them</h2>`, `<skep-exercise exercise="count"><pre><code class="language-c">int x;`,
		`<summary>Hint 1</summary>`, `<skep-question question="warm-up" kind="choose">`, "// :::\n:::\n",
	} {
		if !strings.Contains(student, want) {
			t.Errorf("the student's page lacks %s", want)
		}
	}
	for _, secret := range []string{"int s", "int z", "Tell them", "checked", "counts[7]", "<b>"} {
		if strings.Contains(student, secret) {
			t.Errorf("the student's page shows %s", secret)
		}
	}
	if teacher := lab.HTML(Audience{Solutions: true, Teacher: true}); !strings.Contains(teacher, "Tell them") || !strings.Contains(teacher, "int z") {
		t.Error("the teacher's page lacks what is for the teacher")
	}
}

var update = flag.Bool("update", false, "write what is said into testdata/errors.txtar")

// TestErrors reads testdata/errors.txtar: labs that are wrong, each with what
// is said of it.
func TestErrors(t *testing.T) {
	a, err := txtar.ParseFile(filepath.Join("testdata", "errors.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(a.Files); i += 2 {
		name, md, want := a.Files[i].Name, string(a.Files[i].Data), string(a.Files[i+1].Data)
		if !strings.HasPrefix(md, "---\n") {
			md = front + md
		}
		_, errs := read(t, md)
		got := strings.Join(errs, "\n") + "\n"
		if *update {
			a.Files[i+1].Data = []byte(got)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	if *update {
		if err := os.WriteFile(filepath.Join("testdata", "errors.txtar"), txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(whole)
	f.Add(front + figures)
	f.Add(front + ":::exercise a \"b\n```c file=x from=../../etc/passwd\n```\n:::\n:::")
	f.Fuzz(func(t *testing.T, md string) {
		lab, errs := Read(fstest.MapFS{"x1/lab.md": {Data: []byte(md)}, "x1/a.svg": {Data: []byte(line)}}, "x1")
		for _, e := range errs {
			if e.Line < 1 || e.Line > strings.Count(md, "\n")+2 || e.Col < 1 || e.Msg == "" {
				t.Fatalf("%+v", e)
			}
		}
		if lab != nil {
			lab.HTML(Audience{Solutions: true, Teacher: true})
		}
	})
}
