package test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// made is a server that answers hand-ins as it is told: what the page looks
// like in each state.
type made struct {
	grade, kernel func(http.ResponseWriter, *http.Request)
}

func (m *made) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/grade") && m.grade != nil:
		m.grade(w, r)
	case strings.HasSuffix(r.URL.Path, "/kernel") && m.kernel != nil:
		m.kernel(w, r)
	default:
		http.NotFound(w, r)
	}
}

func says(status int, typ string, lines ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", typ)
		w.WriteHeader(status)
		for _, l := range lines {
			fmt.Fprintln(w, l)
			w.(http.Flusher).Flush()
		}
	}
}

const report = `{"world":"simulator","outcome":"accepted","points":4,"total":4,"passed":true,"took_ms":12,"findings":[{"rule":"verify: accept","state":"passed"},{"rule":"ret(1) == XDP_DROP","state":"passed"}]}`

// Every state of a submission has its words, in light and dark, wide and narrow.
func TestLabStates(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	t.Cleanup(func() { close(hold) })
	for _, c := range []struct {
		name   string
		server made
		button int // 0 hand in, 1 check on a real kernel
		want   string
	}{
		{"queue", made{kernel: func(w http.ResponseWriter, r *http.Request) {
			says(200, "application/x-ndjson", `{"waiting":{"kernel":"6.12","position":3,"seconds":9}}`)(w, r)
			select {
			case <-hold:
			case <-r.Context().Done():
			}
		}}, 1, "number 3 in the queue for a virtual machine: about 9 seconds"},
		{"dead", made{kernel: says(502, "application/json", `{"error":{"code":"machine","message":"Linux 6.12 could not grade it: the kernel died. It was tried twice. That is no grade and counts for nothing"}}`)}, 1,
			"the kernel died. It was tried twice."},
		{"disagree", made{kernel: says(200, "application/json", `{"simulator":`+report+`,"counts":`+report+`,"kernels":[{"kind":"mistake","disagree":"ret(1): simulator 1, kernel 2","finding":"f-12",
			"report":{"world":"6.12","outcome":"accepted","points":3,"total":4,"passed":false,"took_ms":5200,"findings":[{"rule":"verify: accept","state":"passed"},{"rule":"ret(1) == XDP_DROP","state":"failed","got":"2"}]}}]}`)}, 1,
			"does not count against you"},
		{"hidden", made{grade: says(200, "application/json", `{"world":"simulator","outcome":"accepted","points":4,"total":5,"passed":false,"took_ms":9,"findings":[{"rule":"verify: accept","state":"passed"},{"rule":"","state":"failed"},{"rule":"","state":"passed"}]}`)}, 0,
			"hidden cases: 1 of 2 hold"},
		{"too-large", made{grade: says(413, "application/json", `{"error":{"code":"too-large","message":"the source is longer than 256 KiB"}}`)}, 0, "The source is longer than 256 KiB."},
		{"no-server", made{}, 0, "no skep server"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := open(t, handler(t, &c.server), 1440, 900, "labs/h9-xdp-first-packet/#drop-all")
			e := exercise("drop-all")
			p.wait(e + `?.shadowRoot?.querySelector('.head')`)
			eval[bool](p, `(`+e+`.shadowRoot.querySelectorAll('.hand button')[`+fmt.Sprint(c.button)+`].click(), true)`)
			p.wait(e + `.shadowRoot.querySelector('.hand').textContent.replace(/\s+/g, ' ').includes(` + quoted(c.want) + `)`)
			if live := eval[bool](p, `[...`+e+`.shadowRoot.querySelectorAll('.hand [role=status]')].some(s => s.textContent.replace(/\s+/g, ' ').includes(`+quoted(c.want)+`))`); !live {
				t.Error("a screen reader is not told")
			}
			eval[bool](p, `(`+e+`.shadowRoot.querySelector('.result').scrollTo(0, 9999), true)`)
			p.shot("state-" + c.name)
			p.axe(c.name)
			eval[bool](p, `(document.documentElement.dataset.theme = 'dark', true)`)
			p.axe(c.name + " dark")
			p.do(chromedp.EmulateViewport(360, 740))
			p.fits(t.Name())
			eval[bool](p, `(`+e+`.shadowRoot.querySelector('.hand').scrollIntoView({ block: 'center' }), true)`)
			p.shot("state-" + c.name + "-narrow-dark")
		})
	}
}

// The grader does not come, and something huge is pasted: the page says so and
// goes on.
func TestLabWithoutGrader(t *testing.T) {
	t.Parallel()
	h := handler(t, nil)
	grade := manifest(t).Grade
	broken := true
	p := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken && strings.HasSuffix(r.URL.Path, grade) {
			http.Error(w, "gone", http.StatusInternalServerError)
			return
		}
		h.ServeHTTP(w, r)
	}), 1440, 900, "labs/f1-ten-registers/#answer")
	e := exercise("answer")
	p.wait(`/could not be started/.test(` + e + `?.shadowRoot?.querySelector('.said')?.textContent)`)
	p.shot("state-no-grader")
	p.axe("no grader")
	broken = false
	eval[bool](p, `(`+e+`.put(`+quoted(asm(labOf(t, "f1-ten-registers").Exercises[0].Solutions))+`), true)`)
	p.wait(e + `.shadowRoot.querySelector('.head.ok')`)

	eval[bool](p, `(`+e+`.put('r0 = 1\n'.repeat(60000)), true)`)
	p.wait(`/at most 256 KB are tried/.test(` + e + `.shadowRoot.querySelector('.said')?.textContent)`)
	p.shot("state-huge")
	eval[bool](p, `(`+e+`.put(`+quoted(asm(labOf(t, "f1-ten-registers").Exercises[0].Solutions))+`), true)`)
	p.wait(e + `.shadowRoot.querySelector('.head.ok') && ` + e + `.shadowRoot.querySelector('.said') === null`)
}

// A program without an end is a clear result, and the page stays quick.
func TestLabEndless(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "labs/f1-ten-registers/#answer")
	e := exercise("answer")
	p.wait(e + `?.shadowRoot?.querySelector('.head')`)
	from := time.Now()
	eval[bool](p, `(`+e+`.put('.prog syscall\n.license GPL\n\n\tr0 = 42\nagain:\n\tgoto again\n'), true)`)
	p.wait(`/infinite loop/.test(` + e + `.shadowRoot.querySelector('.message')?.textContent)`)
	t.Logf("an endless program is refused in %v", time.Since(from))
	p.quiet()
}
