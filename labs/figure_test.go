package labs

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const figures = `
:::play seven "Watch r0." view=verify step=A.2 edit=yes
` + "```asm" + `
.prog xdp
	r0 = 7
	exit
` + "```" + `
` + "```trace" + `
pkt eth / arp
` + "```" + `
:::

:::picture lines "Two lines" from=a.svg alt="Two lines that never meet, one above the other."
:::

:::choose q
- [x] a
- [ ] b
:::
`

const line = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><!-- a remark --><path class="pic-ink" d="M0 0h9"/><text x="1" y="2">a &lt; b</text></svg>`

func TestFigures(t *testing.T) {
	lab, errs := read(t, front+figures, "a.svg", line)
	if errs != nil {
		t.Fatal(strings.Join(errs, "\n"))
	}
	want := []*Play{{
		ID: "seven", Caption: "Watch r0.", Line: 9, View: "verify", Step: "A.2", Edit: true, Trace: "pkt eth / arp\n",
		Source: Source{Lang: "asm", Text: ".prog xdp\n\tr0 = 7\n\texit\n", Line: 11},
	}}
	if diff := cmp.Diff(want, lab.Plays); diff != "" {
		t.Error(diff)
	}
	html := lab.HTML(Audience{})
	for _, want := range []string{
		`<figure class="play" id="seven"><skep-live aria-label="Watch r0." view="verify" step="A.2" edit="yes">`,
		`<pre class="trace"><code>pkt eth / arp`,
		`<figure class="picture" id="lines"><div class="wide" tabindex="0" role="group" aria-label="Picture"><svg viewBox="0 0 9 9" role="img" aria-label="Two lines that never meet, one above the other."><path class="pic-ink" d="M0 0h9"></path><text x="1" y="2">a &lt; b</text></svg></div><figcaption>Two lines</figcaption>`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %s:\n%s", want, html)
		}
	}
}

// What a drawing may not have, and what is said of it.
func TestDrawing(t *testing.T) {
	for _, c := range []struct{ svg, want string }{
		{``, "the drawing has no end"},
		{`<g/>`, "one <svg> element"},
		{`<svg viewBox="0 0 1 1"/><svg viewBox="0 0 1 1"/>`, "one <svg> element"},
		{`<svg/>`, "no viewBox"},
		{`<svg viewBox="0 0 1 1"><script>1</script></svg>`, "no <script>"},
		{`<svg viewBox="0 0 1 1"><style>*{}</style></svg>`, "no <style>"},
		{`<svg viewBox="0 0 1 1"><g onclick="1"/></svg>`, "no attribute onclick"},
		{`<svg viewBox="0 0 1 1"><g style="fill:red"/></svg>`, "no attribute style"},
		{`<svg viewBox="0 0 1 1"><g fill="#fff"/></svg>`, "fill= is none or currentColor"},
		{`<svg viewBox="0 0 1 1"><g class="red"/></svg>`, "there is no class red"},
		{`<svg viewBox="0 0 1 1"><g marker-end="url(http://x)"/></svg>`, "marker-end= is url(#ID)"},
		{`<svg viewBox="0 0 1 1"><x:g/></svg>`, "no <g>"},
		{`<svg viewBox="0 0 1 1"><g></svg></g>`, "closes nothing"},
		{`<svg viewBox="0 0 1 1">`, "no end"},
		{`<?xml version="1.0"?><svg viewBox="0 0 1 1"/>`, "begins with <svg"},
		{`<svg viewBox="0 0 1 1"/>text`, "nothing beside it"},
		{`<svg viewBox="0 0 1 1" width=1/>`, "unquoted"},
	} {
		_, err := drawing([]byte(c.svg), "")
		if err == nil || !strings.Contains(err.Msg, c.want) || err.Line < 1 || err.Col < 1 {
			t.Errorf("%s: %+v, want %q", c.svg, err, c.want)
		}
	}
}

// No drawing brings anything into the page that is not listed.
func FuzzDrawing(f *testing.F) {
	f.Add(line)
	f.Add(`<svg viewBox="0 0 1 1"><g class="pic-ink"><script/></g></svg>`)
	f.Fuzz(func(t *testing.T, svg string) {
		out, err := drawing([]byte(svg), `"quoted" <b>`)
		if err != nil {
			return
		}
		for _, bad := range []string{"<script", "<style", "<b>", "<!", "<?"} {
			if strings.Contains(out, bad) {
				t.Fatalf("%q became %q", svg, out)
			}
		}
		if again, err := drawing([]byte(strings.Replace(out, ` role="img" aria-label="&quot;quoted&quot; &lt;b&gt;"`, "", 1)), `"quoted" <b>`); err != nil || again != out {
			t.Fatalf("%q is read again as %q, %v", out, again, err)
		}
	})
}
