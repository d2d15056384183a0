package course_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"skep/labs"
	"skep/server/account"
	"skep/server/auth"
	"skep/server/course"
	"skep/server/sqlite"
)

// signedIn is an account, its service and its cookie.
func signedIn(t *testing.T) (db *sqlite.DB, s *auth.Service, a *account.Account, cookie string) {
	t.Helper()
	db, err := sqlite.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if a, err = account.New("Ada"); err == nil {
		err = db.Create(t.Context(), a)
	}
	token := account.NewToken()
	if err == nil {
		err = db.AddSession(t.Context(), a.ID, token, time.Now(), time.Time{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return db, auth.New(auth.Config{DB: db}), a, "skep-session=" + string(token)
}

func send(srv http.Handler, path, body, cookie string) (int, string) {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// The same seed gives the same grade; that of who is signed in is the
// account's, whatever is sent.
func TestSeed(t *testing.T) {
	_, students, ada, cookie := signedIn(t)
	srv := serve(t, course.Config{Students: students})
	grade := func(seed, cookie string) string {
		t.Helper()
		status, text := send(srv, dropAll+"grade", fmt.Sprintf(`{"lang":"asm","source":".prog xdp\n.license GPL\ncall bpf_get_prandom_u32\nexit\n","seed":%q}`, seed), cookie)
		_, got, ok := strings.Cut(text, `"rule":"ret(1)`)
		if got, _, _ = strings.Cut(got, "}"); status != 200 || !ok {
			t.Fatalf("%d %s", status, text)
		}
		return got
	}
	if one := grade("1", ""); one != grade("1", "") || one != grade("", "") || one == grade("2", "") {
		t.Error("the grade is not the seed's")
	}
	own := strconv.FormatUint(ada.Seed(), 10)
	if mine := grade(own, ""); mine != grade("1", cookie) || mine != grade("", cookie) {
		t.Error("who is signed in is graded by another seed than the account's")
	}
	if status, text := send(srv, dropAll+"grade", `{"lang":"asm","seed":"x"}`, ""); status != 400 || !strings.Contains(text, "bad-seed") {
		t.Errorf("%d %s", status, text)
	}
}

// What is handed in by who is signed in is kept with the server's grade; by
// the device's identifier it is the attempt that the device has too.
func TestKept(t *testing.T) {
	db, students, ada, cookie := signedIn(t)
	srv := serve(t, course.Config{Students: students, OnKernel: asSimulator(flip(1))})
	submit := func(what, source, attempt, cookie string) string {
		t.Helper()
		_, text := send(srv, dropAll+what, fmt.Sprintf(`{"lang":"asm","source":%q,"attempt":%q,"at":5,"device":"A"}`, source, attempt), cookie)
		return text
	}
	if text := submit("grade", inAsm, "1", ""); strings.Contains(text, "kept") {
		t.Errorf("of nobody something is kept: %s", text)
	}
	for range 2 {
		if text := submit("grade", ".prog xdp\nexit\n", "1", cookie); !strings.Contains(text, `"kept":true`) {
			t.Errorf("%s", text)
		}
	}
	submit("grade", inAsm, "2", cookie)
	submit("kernel", inAsm, "3", cookie) // the kernel disagrees: the better one counts
	work, _, _, err := db.Sync(t.Context(), ada.ID, 0, &account.Work{})
	if err != nil {
		t.Fatal(err)
	}
	var came []string
	for _, a := range work.Attempts {
		came = append(came, a.ID+" "+a.Came)
		if !a.Counts || a.Device != "A" || a.At != 5 {
			t.Errorf("%+v", a)
		}
	}
	if got := strings.Join(came, "; "); got != "1 handed in: rejected; 2 handed in: passed; 3 on a real kernel: passed" {
		t.Errorf("attempts: %s", got)
	}
	if len(work.Done) != 1 || !work.Done[0].Passed || !work.Done[0].Counts {
		t.Errorf("done: %+v", work.Done)
	}
}

// A hidden case is tried here; that it failed is said, what it was is not.
func TestHidden(t *testing.T) {
	l, errs := labs.Read(fstest.MapFS{"x1/lab.md": {Data: []byte(withQuestions)}}, "x1")
	if len(errs) > 0 {
		t.Fatal(errs[0].Error())
	}
	srv := serve(t, course.Config{Lab: func(id string) *labs.Lab {
		if id == l.ID {
			return l
		}
		return nil
	}})
	status, text := send(srv, "/api/labs/x1/one/grade", body("asm", inAsm), "")
	if status != 200 || !strings.Contains(text, `"passed":false`) || !strings.Contains(text, `{"rule":"","state":"failed"}`) ||
		strings.Contains(text, "77") || strings.Contains(text, "ipv6") {
		t.Errorf("%d %s", status, text)
	}
}
