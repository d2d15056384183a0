package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skep/labs"
	"skep/labs/grade"
	"skep/labs/trial"
	"skep/server"
	"skep/server/account"
	"skep/server/auth"
	"skep/server/course"
	"skep/server/reference"
	"skep/server/sandbox"
	"skep/server/sqlite"
	"skep/web"
)

// class is a server with labs and one student.
type class struct {
	http.Handler
	t        *testing.T
	db       *sqlite.DB
	ada      *account.Account
	findings *sandbox.Findings
}

func newClass(t *testing.T, cfg course.Config) *class {
	t.Helper()
	db, err := sqlite.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	ada, err := account.New("Ada Lovelace")
	if err == nil {
		err = db.Create(t.Context(), ada)
	}
	if err != nil {
		t.Fatal(err)
	}
	cfg.Labs, cfg.Module = courseOf(t)
	cfg.Students = auth.New(auth.Config{DB: db, Rounds: 10})
	cfg.Findings = &sandbox.Findings{Dir: t.TempDir()}
	c := course.New(cfg)
	if err := c.Prepare(); err != nil {
		t.Fatal(err)
	}
	return &class{server.New(server.Config{
		Assets: web.Assets(), Pages: web.Pages(reference.Data(), course.Pages(cfg.Labs)...), NotFound: web.NotFound(), Auth: cfg.Students, Course: c,
	}), t, db, ada, cfg.Findings}
}

// open is the first exercise of F1, with Ada signed in and its solution written.
func (c *class) open(h http.Handler) *page {
	c.t.Helper()
	srv := httptest.NewServer(h)
	c.t.Cleanup(srv.Close)
	token := account.NewToken()
	if err := c.db.AddLink(c.t.Context(), c.ada.ID, token, time.Now().Add(time.Hour)); err != nil {
		c.t.Fatal(err)
	}
	p := open(c.t, srv.URL+"/labs/f1-ten-registers/#enter="+string(token))
	p.wait(`/Ada/.test(document.querySelector('skep-account')?.shadowRoot?.querySelector('.who')?.textContent) && ` + answer + `?.shadowRoot?.querySelector('.cm-content')`)
	p.eval(`(` + answer + `.put(` + quoted(c.solution()) + `), '')`)
	p.wait(answer + `.shadowRoot.querySelector('.head.ok')`)
	return p
}

func (c *class) solution() string {
	all, err := course.Read(labs.Content())
	if err != nil {
		c.t.Fatal(err)
	}
	return all[0].Exercises[0].Solutions[0].Text
}

func (c *class) work() *account.Work {
	c.t.Helper()
	w, _, _, err := c.db.Sync(c.t.Context(), c.ada.ID, 0, &account.Work{})
	if err != nil {
		c.t.Fatal(err)
	}
	return w
}

// counted are the attempts that the server has graded.
func (c *class) counted() (came []string) {
	for _, a := range c.work().Attempts {
		if a.Counts {
			came = append(came, a.Came)
		}
	}
	return came
}

const (
	answer = `document.querySelector('skep-exercise[exercise="answer"]')`
	hand   = answer + `?.shadowRoot?.querySelector('.hand')`
)

func (p *page) says(want string) {
	p.t.Helper()
	p.wait(hand + `?.textContent.replace(/\s+/g, ' ').includes(` + quoted(want) + `)`)
}

// line is the way to a server that loses things.
type line struct {
	http.Handler
	cut  atomic.Bool // nothing comes through
	deaf atomic.Bool // what is handed in is graded, and the answer is lost
	came atomic.Int32
}

func (l *line) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if l.cut.Load() {
		panic(http.ErrAbortHandler)
	}
	if strings.HasSuffix(r.URL.Path, "/grade") {
		l.came.Add(1)
		if l.deaf.Load() {
			l.Handler.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
	}
	l.Handler.ServeHTTP(w, r)
}

// Handed in without a server it waits, outlives the page, is sent when the
// server is there again, and counts once, however often an answer is lost.
func TestHandInOffline(t *testing.T) {
	c := newClass(t, course.Config{})
	way := &line{Handler: c}
	p := c.open(way)
	online := func() { p.eval(`(dispatchEvent(new Event('online')), '')`) }
	heard := func(n int32) {
		t.Helper()
		for end := time.Now().Add(40 * time.Second); way.came.Load() < n; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("the server heard of it %d times, %d expected", way.came.Load(), n)
			}
		}
	}
	way.cut.Store(true)
	p.eval(`(` + hand + `.querySelector('button').click(), '')`)
	p.says("Waiting")
	p.shot("handin-waiting")
	p.eval(`(` + hand + `.querySelector('button').click(), '')`) // pressed again
	p.wait(`!` + answer + `.hand.busy && ` + answer + `.hand.waiting.length === 1`)
	if counts := p.eval(`String(JSON.parse(localStorage.getItem('skep.lab.f1-ten-registers')).answer.counts)`); counts != "undefined" {
		t.Errorf("what waits counts already: %s", counts)
	}

	way.deaf.Store(true)
	way.cut.Store(false)
	online()
	heard(1)
	p.says("Waiting")
	p.eval(`(window.before = true, location.reload(), '')`)
	p.wait(`window.before === undefined && document.readyState === 'complete'`)
	p.says("Waiting")
	heard(2)
	way.deaf.Store(false)
	online()
	p.says("this counts and is kept")
	p.wait(answer + `.hand.waiting.length === 0 && ` + answer + `.bench.attempts('asm').some(a => a.came === 'handed in: passed')`)
	p.shot("handin-sent")
	heard(3)
	online()
	time.Sleep(300 * time.Millisecond) // in which nothing must come
	if n := way.came.Load(); n != 3 {
		t.Errorf("sent %d times, the last time after the answer", n)
	}
	if came := c.counted(); len(came) != 1 || came[0] != "handed in: passed" {
		t.Errorf("counted %q, want one", came)
	}
}

// While others are graded the page shows which place it has, from the last to
// the first.
func TestQueuePlaces(t *testing.T) {
	c := newClass(t, course.Config{})
	p := c.open(c)
	p.eval(`(() => {
		window.places = [];
		new MutationObserver(() => {
			const at = /number (\d+) in the queue to be graded|next in the queue/.exec(` + hand + `.textContent);
			const n = at === null ? 0 : Number(at[1] ?? 1);
			if (n > 0 && window.places.at(-1) !== n) window.places.push(n);
		}).observe(` + hand + `, { subtree: true, childList: true, characterData: true });
		return '';
	})()`)
	// Each takes a while: a loop that the verifier follows to its end.
	long, _ := json.Marshal(map[string]string{"lang": "asm", "source": ".prog syscall\n.license GPL\n\tr0 = 0\nagain:\n\tr0 += 1\n\tif r0 < 4000 goto again\n\texit\n"})
	var all sync.WaitGroup
	said := make(chan struct{}, 1000) // a line of anybody's
	for i := range 14 + runtime.NumCPU() {
		all.Go(func() {
			r := httptest.NewRequest(http.MethodPost, "/api/labs/f1-ten-registers/answer/grade", strings.NewReader(string(long)))
			r.RemoteAddr = fmt.Sprintf("192.0.2.%d:1", i+1)
			r.Header.Set("Accept", "application/x-ndjson")
			w := httptest.NewRecorder()
			c.ServeHTTP(&loud{w, said}, r)
			if !strings.Contains(w.Body.String(), `"status":`) {
				t.Errorf("no answer: %d %s", w.Code, w.Body)
			}
		})
	}
	for range 12 { // so many stand in the queue
		<-said
	}
	p.eval(`(` + hand + `.querySelector('button').click(), '')`)
	p.says("this counts and is kept")
	all.Wait()
	places := strings.Split(p.eval(`window.places.join()`), ",")
	t.Logf("places %v", places)
	before := 1 << 10
	for _, s := range places {
		n, err := strconv.Atoi(s)
		if err != nil || n >= before {
			t.Fatalf("places %v do not go down", places)
		}
		before = n
	}
	if len(places) < 2 {
		t.Errorf("places %v: the queue was not full", places)
	}
}

// loud says when something is written.
type loud struct {
	*httptest.ResponseRecorder
	said chan<- struct{}
}

func (l *loud) Write(b []byte) (int, error) {
	l.said <- struct{}{}
	return l.ResponseRecorder.Write(b)
}

// A kernel that says otherwise than the simulator is our mistake: the page
// says so, it is kept as a finding, and the student's result stays.
func TestKernelDisagrees(t *testing.T) {
	c := newClass(t, course.Config{OnKernel: func(_ context.Context, j *course.KernelJob) (*trial.Result, error) {
		if j.Kernel != trial.KernelName {
			return nil, sandbox.ErrNotInstalled
		}
		r := trial.Run(j.Sub, j.Ex)
		r.Verdict.Kernel = "6.12.117"
		f := &r.Report.Findings[1] // ret(1) == 42
		f.State, f.Got = grade.Failed, "41"
		r.Points -= f.Rule.Weight
		return r, nil
	}})
	p := c.open(c)
	p.eval(`(` + hand + `.querySelectorAll('button')[1].click(), '')`)
	p.says("Simulator and kernel disagree. That is our mistake and does not count against you")
	p.says("41")
	p.shot("handin-disagree")
	all, err := c.findings.List()
	if err != nil || len(all) != 1 || all[0].Kind != "lab" || all[0].Kernel != "6.12.117" {
		t.Fatalf("findings %+v, %v", all, err)
	}
	p.says(all[0].ID)
	if done := p.eval(`JSON.stringify(JSON.parse(localStorage.getItem('skep.lab.f1-ten-registers')).answer)`); done != `{"points":3,"total":3,"passed":true,"counts":true}` {
		t.Errorf("the page keeps %s", done)
	}
	if d := c.work().Done; len(d) != 1 || !d[0].Passed || !d[0].Counts || d[0].Points != d[0].Total {
		t.Errorf("the server keeps %+v", d)
	}
	if came := c.counted(); len(came) != 1 || came[0] != "on a real kernel: passed" {
		t.Errorf("counted %q", came)
	}
}
