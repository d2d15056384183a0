package auth_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"skep/server"
	"skep/server/account"
	"skep/server/auth"
	"skep/server/sqlite"
)

// site is a server with accounts; now is its clock.
type site struct {
	*httptest.Server
	db  *sqlite.DB
	now time.Time
}

func newSite(t *testing.T) *site {
	t.Helper()
	db, err := sqlite.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &site{db: db, now: time.Now()}
	h := server.New(server.Config{Auth: auth.New(auth.Config{DB: db, Now: func() time.Time { return s.now }, Rounds: 10})})
	s.Server = httptest.NewServer(h)
	t.Cleanup(func() { s.Close(); db.Close() })
	return s
}

// add makes an account and returns a link's token.
func (s *site) add(t *testing.T, name string) string {
	t.Helper()
	a, err := account.New(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.db.Create(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	link := account.NewToken()
	if err := s.db.AddLink(t.Context(), a.ID, link, s.now.Add(auth.LinkAge)); err != nil {
		t.Fatal(err)
	}
	return string(link)
}

// browser keeps cookies.
type browser struct {
	t    *testing.T
	site *site
	http.Client
}

func (s *site) browser(t *testing.T) *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{t, s, http.Client{Jar: jar}}
}

func (b *browser) do(method, path string, body any, header ...string) (int, string) {
	b.t.Helper()
	data, _ := json.Marshal(body)
	r, err := http.NewRequest(method, b.site.URL+path, bytes.NewReader(data))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	var out bytes.Buffer
	out.ReadFrom(res.Body)
	return res.StatusCode, strings.TrimSpace(out.String())
}

// want checks an answer's status and a part of it.
func (b *browser) want(status int, part, method, path string, body any, header ...string) string {
	b.t.Helper()
	got, text := b.do(method, path, body, header...)
	if got != status || !strings.Contains(text, part) {
		b.t.Errorf("%s %s: %d %s, want %d and %s", method, path, got, text, status, part)
	}
	return text
}

type object = map[string]any

func TestSignIn(t *testing.T) {
	s := newSite(t)
	link := s.add(t, "Ada")
	b := s.browser(t)
	b.want(200, `{"account":null}`, "GET", "/api/account", nil)
	b.want(401, "not-signed-in", "POST", "/api/work", object{})
	b.want(403, `"code":"wrong"`, "POST", "/api/account/enter", object{"name": "Ada", "password": ""})
	b.want(403, `"code":"link"`, "POST", "/api/account/enter", object{"link": "no"})
	b.want(200, `"name":"Ada"`, "POST", "/api/account/enter", object{"link": link})
	b.want(200, `"password":false`, "GET", "/api/account", nil)
	s.browser(t).want(403, `"code":"link"`, "POST", "/api/account/enter", object{"link": link})

	b.want(400, `"code":"password"`, "POST", "/api/account/password", object{"password": "short"})
	b.want(200, `"password":true`, "POST", "/api/account/password", object{"password": "correct horse"})
	b.want(403, `"code":"wrong"`, "POST", "/api/account/password", object{"password": "another horse"})
	other := s.browser(t)
	other.want(403, `"code":"wrong"`, "POST", "/api/account/enter", object{"name": "ada", "password": "correct hors"})
	other.want(200, `"name":"Ada"`, "POST", "/api/account/enter", object{"name": " ada ", "password": "correct horse"})

	// A new password ends other sessions, not this one.
	b.want(200, `"password":true`, "POST", "/api/account/password", object{"old": "correct horse", "password": "another horse"})
	b.want(200, `"name":"Ada"`, "GET", "/api/account", nil)
	other.want(200, `{"account":null}`, "GET", "/api/account", nil)

	b.want(200, `{"account":null}`, "POST", "/api/account/leave", nil)
	b.want(200, `{"account":null}`, "GET", "/api/account", nil)
}

func TestSessionAges(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	b.want(200, "Ada", "POST", "/api/account/enter", object{"link": s.add(t, "Ada")})
	for range 5 { // used now and then, it stays
		s.now = s.now.Add(60 * 24 * time.Hour)
		if a, err := s.db.Named(t.Context(), "Ada"); err != nil || a == nil {
			t.Fatal(err)
		}
		b.want(200, "Ada", "GET", "/api/account", nil)
	}
	s.now = s.now.Add(91 * 24 * time.Hour)
	b.want(200, "null", "GET", "/api/account", nil)
	late := s.add(t, "Bob")
	s.now = s.now.Add(auth.LinkAge + time.Minute)
	b.want(403, `"code":"link"`, "POST", "/api/account/enter", object{"link": late})
}

// What other sites make a browser send is refused, and the cookie is not for
// scripts.
func TestCookie(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	link := s.add(t, "Ada")
	b.want(403, "", "POST", "/api/account/enter", object{"link": link}, "Origin", "https://evil.example")
	b.want(403, "", "POST", "/api/account/enter", object{"link": link}, "Sec-Fetch-Site", "cross-site")
	b.want(200, "Ada", "POST", "/api/account/enter", object{"link": link})
	b.want(403, "", "POST", "/api/account/leave", nil, "Sec-Fetch-Site", "cross-site")
	b.want(403, "", "DELETE", "/api/account", nil, "Sec-Fetch-Site", "same-site")
	b.want(200, "Ada", "GET", "/api/account", nil)

	for _, c := range []struct {
		secure bool
		want   string
	}{{false, "skep-session="}, {true, "__Host-skep="}} {
		a := auth.New(auth.Config{DB: s.db, Secure: c.secure})
		mux := http.NewServeMux()
		a.Register(mux)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("POST", "/api/account/enter", strings.NewReader(fmt.Sprintf(`{"link":%q}`, s.add(t, "x"+c.want)))))
		got := w.Header().Get("Set-Cookie")
		for _, part := range []string{c.want, "Path=/", "HttpOnly", "SameSite=Strict"} {
			if !strings.Contains(got, part) {
				t.Errorf("cookie %q lacks %s", got, part)
			}
		}
		if strings.Contains(got, "Secure") != c.secure || strings.Contains(got, "Domain") {
			t.Errorf("cookie %q", got)
		}
	}
}

func TestGuessing(t *testing.T) {
	s := newSite(t)
	s.add(t, "Ada")
	b := s.browser(t)
	for range 10 {
		b.want(403, "wrong", "POST", "/api/account/enter", object{"name": "Ada", "password": "guess"})
	}
	b.want(429, "slow-down", "POST", "/api/account/enter", object{"name": "ADA", "password": "guess"})
	b.want(403, "wrong", "POST", "/api/account/enter", object{"name": "Bob", "password": "guess"})
	s.now = s.now.Add(time.Minute)
	b.want(403, "wrong", "POST", "/api/account/enter", object{"name": "Ada", "password": "guess"})
	slow := 0
	for i := range 100 {
		if status, _ := b.do("POST", "/api/account/enter", object{"name": fmt.Sprint("n", i), "password": "guess"}); status == 429 {
			slow++
		}
	}
	if slow == 0 {
		t.Error("an address guesses without bound")
	}
}

func TestWork(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	b.want(200, "Ada", "POST", "/api/account/enter", object{"link": s.add(t, "Ada")})
	attempt := object{"id": "1", "lab": "l", "exercise": "e", "lang": "asm", "text": "exit", "came": "passed", "at": 5, "counts": true}
	work := object{"since": 0, "attempts": []object{attempt}, "done": []object{{"lab": "l", "item": "e", "points": 1, "total": 1, "passed": true, "counts": true}}}
	text := b.want(200, `"attempts":[{"id":"1"`, "POST", "/api/work", work)
	if strings.Contains(text, "counts") {
		t.Errorf("a device says what counts: %s", text)
	}
	b.want(200, `{"at":1}`, "POST", "/api/work", object{"since": 1})
	b.want(400, "bad-work", "POST", "/api/work", object{"done": []object{{"points": 2, "total": 1}}})
	b.want(400, "bad-json", "POST", "/api/work", "text")
	b.want(413, "too-large", "POST", "/api/work", object{"x": strings.Repeat("x", 9<<20)})
	b.want(200, `"text":"exit"`, "GET", "/api/account/data", nil)

	// Deleted is deleted: the account, its work, the session.
	b.want(200, "null", "DELETE", "/api/account", nil)
	b.want(401, "not-signed-in", "POST", "/api/work", object{})
	b.want(401, "not-signed-in", "GET", "/api/account/data", nil)
	if all, err := s.db.Accounts(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%d accounts, %v", len(all), err)
	}
}

// A server without accounts has none of the routes.
func TestNone(t *testing.T) {
	w := httptest.NewRecorder()
	server.New(server.Config{}).ServeHTTP(w, httptest.NewRequest("GET", "/api/account", nil))
	if w.Code != 404 {
		t.Errorf("%d", w.Code)
	}
	if a := (*auth.Service)(nil).Student(httptest.NewRequest("GET", "/", nil)); a != nil {
		t.Error(a)
	}
}

func FuzzWork(f *testing.F) {
	db, err := sqlite.Open(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	a, err := account.New("ada")
	if err != nil {
		f.Fatal(err)
	}
	if err := db.Create(f.Context(), a); err != nil {
		f.Fatal(err)
	}
	link := account.NewToken()
	db.AddLink(f.Context(), a.ID, link, time.Now().Add(time.Hour))
	mux := http.NewServeMux()
	auth.New(auth.Config{DB: db}).Register(mux)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("POST", "/api/account/enter", strings.NewReader(fmt.Sprintf(`{"link":%q}`, link))))
	cookie := w.Header().Get("Set-Cookie")
	f.Add(`{"since":0,"attempts":[{"id":"1","text":"exit"}],"drafts":[{"at":1}],"done":[{"points":1,"total":2}]}`)
	f.Add(`{"since":-1}`)
	f.Add(`{"attempts":[{"id":"\ud800"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", "/api/work", strings.NewReader(body))
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code >= 500 && w.Code != http.StatusInsufficientStorage || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
