package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"skep/server"
	"skep/server/account"
	"skep/server/auth"
	"skep/server/course"
	"skep/server/reference"
	"skep/server/sqlite"
	"skep/web"
)

// device is a page of a browser that shares nothing with the first one's.
func (p *page) device(url string) *page {
	p.t.Helper()
	ctx, cancel := chromedp.NewContext(p.ctx, chromedp.WithNewBrowserContext())
	p.t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		p.t.Fatal(err)
	}
	return &page{p.t, ctx}
}

// cable is the way of one device to the server, which can be cut.
type cable struct {
	http.Handler
	cut atomic.Bool
}

func (c *cable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.cut.Load() {
		panic(http.ErrAbortHandler)
	}
	c.Handler.ServeHTTP(w, r)
}

// A student signs in on two devices, works on both, on one of them offline:
// both have everything in the end, and what is handed in counts.
func TestTwoDevices(t *testing.T) {
	all, module := courseOf(t)
	db, err := sqlite.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	students := auth.New(auth.Config{DB: db, Rounds: 10})
	app := server.New(server.Config{
		Assets: web.Assets(), Pages: web.Pages(reference.Data(), course.Pages(all)...), NotFound: web.NotFound(), Auth: students,
		Course: course.New(course.Config{Labs: all, Module: module, Students: students}),
	})
	way := &cable{Handler: app}
	srv, other := httptest.NewServer(app), httptest.NewServer(way)
	t.Cleanup(srv.Close)
	t.Cleanup(other.Close)
	ada, err := account.New("Ada Lovelace")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Create(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	link := func() string {
		token := account.NewToken()
		if err := db.AddLink(t.Context(), ada.ID, token, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		return "#enter=" + string(token)
	}
	const (
		lab = "/labs/f1-ten-registers/"
		e   = `document.querySelector('skep-exercise[exercise="answer"]')`
		own = `document.querySelector('skep-account')`
		who = own + `?.shadowRoot`
	)
	// Two attempts that come out differently: one is accepted, one is rejected.
	first, second := ".prog syscall\n.license GPL\n\n\tr0 = 41\n\texit\n", ".prog syscall\n.license GPL\n\n\tr0 = r3\n\texit\n"
	solution := all[0].Exercises[0].Solutions[0].Text
	write := func(p *page, text string) {
		t.Helper()
		js, _ := json.Marshal(text)
		p.wait(e + `?.shadowRoot?.querySelector('.cm-content') && ` + e + `.graded`)
		p.eval(`(` + e + `.put(` + string(js) + `), '')`)
		p.wait(`!` + e + `.old && ` + e + `.bench.attempts('asm').some(a => a.text === ` + string(js) + `)`)
	}
	saved := func(p *page) {
		t.Helper()
		p.eval(`(` + own + `.open = true, '')`)
		p.wait(`/All your work is on the server/.test(` + who + `.querySelector('.panel')?.textContent)`)
	}
	has := func(p *page, texts ...string) {
		t.Helper()
		js, _ := json.Marshal(texts)
		p.wait(string(js) + `.every(t => ` + e + `.bench.attempts('asm').some(a => a.text === t))`)
	}

	// Before signing in there is work already; it comes along.
	one := open(t, srv.URL+lab)
	one.wait(`/Sign in/.test(` + who + `?.querySelector('.who')?.textContent)`)
	write(one, first)
	one.eval(`(location.href = '` + lab + link() + `', location.reload(), '')`)
	one.wait(`/Ada/.test(` + who + `?.querySelector('.who')?.textContent) && location.hash === ''`)
	saved(one)
	one.shot("account-signed-in")

	two := one.device(other.URL + lab + link())
	two.wait(`/Ada/.test(` + who + `?.querySelector('.who')?.textContent)`)
	two.wait(e + `?.source === ` + quoted(first))
	has(two, first)
	if a, b := one.eval(`localStorage.getItem('skep.account')`), two.eval(`localStorage.getItem('skep.account')`); a != b || !strings.Contains(a, fmt.Sprint(ada.Seed())) {
		t.Errorf("two devices have two seeds: %s, %s", a, b)
	}

	way.cut.Store(true)
	write(two, solution)
	two.wait(e + `.shadowRoot.querySelector('.head.ok')`)
	two.eval(`(` + own + `.open = true, '')`)
	two.wait(`/wait here until the server can be reached/.test(` + who + `.querySelector('.panel')?.textContent)`)
	two.shot("account-offline")
	write(one, second)
	saved(one)
	way.cut.Store(false)
	two.eval(`(dispatchEvent(new Event('online')), '')`)
	has(two, first, second, solution)
	saved(two)
	one.eval(`(dispatchEvent(new Event('online')), '')`)
	has(one, first, second, solution)
	one.wait(`JSON.parse(localStorage.getItem('skep.lab.f1-ten-registers')).answer.passed`)

	one.eval(`(` + e + `.put(` + quoted(solution) + `), ` + own + `.open = false, '')`)
	one.wait(e + `.shadowRoot.querySelector('.head.ok')`)
	one.eval(`(` + e + `.shadowRoot.querySelector('.hand button').click(), '')`)
	one.wait(`/this counts and is kept/.test(` + e + `.shadowRoot.querySelector('.hand').textContent)`)
	work, _, _, err := db.Sync(t.Context(), ada.ID, 0, &account.Work{})
	if err != nil {
		t.Fatal(err)
	}
	counted := 0
	for _, a := range work.Attempts {
		if a.Counts && a.Text == solution {
			counted++
		}
	}
	if counted != 1 {
		t.Errorf("%d attempts count, want the one that was handed in: %+v", counted, work.Attempts)
	}

	// Signed out, nothing is left for who comes next; the other device has it still.
	one.eval(`(` + own + `.open = true, '')`)
	one.wait(who + `.querySelector('.panel li button')`)
	one.eval(`([...` + who + `.querySelectorAll('.panel button')].find(b => b.textContent === 'Sign out').click(), '')`)
	one.wait(`/Sign in/.test(` + who + `?.querySelector('.who')?.textContent)`)
	if left := one.eval(`Object.keys(localStorage).filter(k => /^skep\.(lab|draft|tries|account)/.test(k)).join()`); left != "" {
		t.Errorf("left behind: %s", left)
	}
	has(two, solution)
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}
