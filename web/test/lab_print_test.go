package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// On paper a lab is text, starters, boxes to tick and hints at the end, without
// anything that can only be pressed. SKEP_SHOTS keeps the PDF, to be looked at.
func TestLabPrint(t *testing.T) {
	t.Parallel()
	h := handler(t, nil)
	for _, id := range []string{"h9-xdp-first-packet", "f1-ten-registers"} {
		p := open(t, h, 1440, 900, "labs/"+id+"/")
		p.wait(`[...document.querySelectorAll('skep-exercise')].some(e => e.shadowRoot?.querySelector('.head'))`)
		if dir := os.Getenv("SKEP_SHOTS"); dir != "" {
			pdf, err := chromedp.Run(p.ctx, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "print-"+id+".pdf"), pdf, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}); err != nil {
			t.Fatal(err)
		}
		// What is rendered, through shadow roots.
		text := eval[string](p, `(() => {
			const seen = e => { const s = getComputedStyle(e); return s.display !== 'none' && s.visibility !== 'hidden'; };
			const all = e => e.nodeType === 3 ? e.data : e.nodeType !== 1 || /^(SCRIPT|STYLE|HEAD)$/.test(e.nodeName) || !seen(e) ? ''
				: e.nodeName === 'SLOT' ? e.assignedNodes().map(all).join(' ') : [...(e.shadowRoot ?? e).childNodes].map(all).join(' ');
			return all(document.body).replace(/\s+/g, ' ');
		})()`)
		for _, want := range []string{"Hints", "Check yourself", "license GPL"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not on paper:\n%s", id, want, text)
			}
		}
		for _, button := range []string{"Playground", "Hand in", "Show a solution", "Step through it", "Attempts", "Hint 1", "step 1 of"} {
			if strings.Contains(text, button) {
				t.Errorf("%s: %q is on paper", id, button)
			}
		}
		if got := eval[string](p, `getComputedStyle(document.querySelector('figcaption a.self'), '::after').content`); !strings.Contains(got, "/labs/"+id+"/#") {
			t.Errorf("%s: the address of a live program is not spelt out: %s", id, got)
		}
	}
}
