package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skep/server/account"
)

func open(t *testing.T, dir string) *DB {
	t.Helper()
	db, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func student(t *testing.T, db *DB, name string) *account.Account {
	t.Helper()
	a, err := account.New(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Create(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	return a
}

func syncWork(t *testing.T, db *DB, id string, since int64, w account.Work) (*account.Work, int64) {
	t.Helper()
	out, at, _, err := db.Sync(t.Context(), id, since, &w)
	if err != nil {
		t.Fatal(err)
	}
	return out, at
}

func TestAccounts(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	ada := student(t, db, "Ada")
	if err := db.Create(t.Context(), &account.Account{ID: "x", Name: "ADA"}); !errors.Is(err, account.ErrTaken) {
		t.Errorf("the same name again: %v", err)
	}
	if a, err := db.Named(t.Context(), "aDA"); err != nil || a.ID != ada.ID || !a.Created.Equal(ada.Created.Truncate(time.Millisecond)) {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := db.Named(t.Context(), "bob"); !errors.Is(err, account.ErrUnknown) {
		t.Error(err)
	}
	now := time.Now()
	link := account.NewToken()
	if err := db.AddLink(t.Context(), ada.ID, link, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if a, err := db.UseLink(t.Context(), link, now); err != nil || a.ID != ada.ID {
		t.Errorf("link: %+v, %v", a, err)
	}
	if _, err := db.UseLink(t.Context(), link, now); !errors.Is(err, account.ErrLink) {
		t.Errorf("link again: %v", err)
	}
	old := account.NewToken()
	db.AddLink(t.Context(), ada.ID, old, now.Add(-time.Second))
	if _, err := db.UseLink(t.Context(), old, now); !errors.Is(err, account.ErrLink) {
		t.Errorf("old link: %v", err)
	}
	one, two := account.NewToken(), account.NewToken()
	for _, s := range []account.Token{one, two} {
		if err := db.AddSession(t.Context(), ada.ID, s, now, now.Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if a, err := db.Session(t.Context(), one, now, now.Add(-time.Hour)); err != nil || a.ID != ada.ID {
		t.Errorf("session: %+v, %v", a, err)
	}
	if _, err := db.Session(t.Context(), one, now, now.Add(time.Second)); !errors.Is(err, account.ErrUnknown) {
		t.Errorf("a session that is too old: %v", err)
	}
	if err := db.SetSecret(t.Context(), ada.ID, "hash", one); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Session(t.Context(), two, now, now.Add(-time.Hour)); !errors.Is(err, account.ErrUnknown) {
		t.Errorf("another session after a new password: %v", err)
	}
	db.EndSession(t.Context(), one)
	if _, err := db.Session(t.Context(), one, now, now.Add(-time.Hour)); !errors.Is(err, account.ErrUnknown) {
		t.Errorf("an ended session: %v", err)
	}
	syncWork(t, db, ada.ID, 0, account.Work{Attempts: []account.Attempt{{ID: "1"}}, Drafts: []account.Draft{{}}, Done: []account.Done{{}}})
	if err := db.Delete(t.Context(), ada.ID); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"account", "session", "link", "attempt", "draft", "done"} {
		var n int
		if err := db.db.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s keeps %d rows of a deleted account, %v", table, n, err)
		}
	}
	if _, _, _, err := db.Sync(t.Context(), ada.ID, 0, &account.Work{}); !errors.Is(err, account.ErrUnknown) {
		t.Errorf("work of a deleted account: %v", err)
	}
	if info, err := os.Stat(dir + "/" + fileName); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others may read the store: %v, %v", info.Mode(), err)
	}
}

func TestMigrate(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	student(t, db, "ada")
	if _, err := db.db.Exec("PRAGMA user_version = 999"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "newer skep") {
		t.Errorf("a store of the future: %v", err)
	}
	if _, err := Open("/dev/null/x"); err == nil {
		t.Error("opened where no folder can be")
	}
}

// Two devices work without a network, then both are sent: nothing is lost,
// whoever is first, however often it is sent.
func TestSync(t *testing.T) {
	attempt := func(id, text, device string, at int64) account.Attempt {
		return account.Attempt{ID: id, Lab: "l", Exercise: "e", Lang: "asm", Text: text, Came: "rejected", At: at, Device: device}
	}
	draft := func(text, device string, at int64) account.Draft {
		return account.Draft{Lab: "l", Exercise: "e", Lang: "asm", Text: text, At: at, Device: device}
	}
	done := func(points float64, passed bool) account.Done {
		return account.Done{Lab: "l", Item: "e", Points: points, Total: 4, Passed: passed}
	}
	one := account.Work{Attempts: []account.Attempt{attempt("a1", "one", "A", 10), attempt("a2", "two", "A", 20)}, Drafts: []account.Draft{draft("from A", "A", 30)}, Done: []account.Done{done(2, false)}}
	two := account.Work{Attempts: []account.Attempt{attempt("b1", "three", "B", 15)}, Drafts: []account.Draft{draft("from B", "B", 40)}, Done: []account.Done{done(4, true)}}
	for _, order := range [][]account.Work{{one, two}, {two, one}, {one, one, two, two, one}} {
		db := open(t, t.TempDir())
		ada, bob := student(t, db, "ada"), student(t, db, "bob")
		for _, w := range order {
			syncWork(t, db, ada.ID, 0, w)
		}
		got, at := syncWork(t, db, ada.ID, 0, account.Work{})
		ids := map[string]string{}
		for _, a := range got.Attempts {
			ids[a.Text] = a.Device
		}
		if want := map[string]string{"one": "A", "two": "A", "three": "B", "from A": "A"}; !cmp.Equal(ids, want) || len(got.Attempts) != 4 {
			t.Errorf("attempts: %s", cmp.Diff(want, ids))
		}
		if want := []account.Draft{draft("from B", "B", 40)}; !cmp.Equal(got.Drafts, want) {
			t.Errorf("draft: %s", cmp.Diff(want, got.Drafts))
		}
		if want := []account.Done{done(4, true)}; !cmp.Equal(got.Done, want) {
			t.Errorf("done: %s", cmp.Diff(want, got.Done))
		}
		if got, _ := syncWork(t, db, ada.ID, at, account.Work{}); !cmp.Equal(got, &account.Work{}) {
			t.Errorf("nothing happened since, but there is %+v", got)
		}
		if got, _ := syncWork(t, db, ada.ID, at, two); !cmp.Equal(got, &account.Work{}) {
			t.Errorf("sent again, it is new again: %+v", got)
		}
		if got, _ := syncWork(t, db, bob.ID, 0, account.Work{}); !cmp.Equal(got, &account.Work{}) {
			t.Errorf("bob sees %+v", got)
		}
	}
}

// The server's grade replaces what the device thought, and not the other way.
func TestSyncCounts(t *testing.T) {
	db := open(t, t.TempDir())
	ada := student(t, db, "ada")
	mine := account.Attempt{ID: "1", Came: "passed"}
	graded := account.Attempt{ID: "1", Came: "handed in: 2 of 4 points", Counts: true}
	for range 2 {
		syncWork(t, db, ada.ID, 0, account.Work{Attempts: []account.Attempt{mine}})
		syncWork(t, db, ada.ID, 0, account.Work{Attempts: []account.Attempt{graded}})
	}
	if got, _ := syncWork(t, db, ada.ID, 0, account.Work{}); len(got.Attempts) != 1 || got.Attempts[0] != graded {
		t.Errorf("%+v", got.Attempts)
	}
}

// Very much work is given in parts, and what is too much is refused.
func TestSyncMuch(t *testing.T) {
	db := open(t, t.TempDir())
	ada := student(t, db, "ada")
	const parts, each = 6, 10
	text := strings.Repeat("x", account.MaxText)
	for p := range parts {
		var w account.Work
		for i := range each {
			w.Attempts = append(w.Attempts, account.Attempt{ID: fmt.Sprint(p, "-", i), Text: text, At: int64(p)})
		}
		syncWork(t, db, ada.ID, 0, w)
	}
	seen, rounds := map[string]bool{}, 0
	for at, more := int64(0), true; more; rounds++ {
		out, next, rest, err := db.Sync(t.Context(), ada.ID, at, &account.Work{})
		if err != nil || len(out.Attempts) > 30 {
			t.Fatalf("%d at once, %v", len(out.Attempts), err)
		}
		for _, a := range out.Attempts {
			seen[a.ID] = true
		}
		at, more = next, rest
	}
	if len(seen) != parts*each || rounds < 3 {
		t.Errorf("%d attempts in %d rounds", len(seen), rounds)
	}
	_, err := db.db.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO attempt
		SELECT account, 'n' || i, 1, lab, exercise, lang, '', came, at, device, counts FROM attempt, n WHERE id = '0-0'`, account.MaxAttempts-parts*each)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := db.Sync(t.Context(), ada.ID, 0, &account.Work{Attempts: []account.Attempt{{ID: "one more"}}}); !errors.Is(err, account.ErrFull) {
		t.Errorf("an account has no end: %v", err)
	}
}

// Many at once, on one account and on others.
func TestSyncConcurrent(t *testing.T) {
	db := open(t, t.TempDir())
	var wg sync.WaitGroup
	for s := range 3 {
		ada := student(t, db, fmt.Sprint("s", s))
		for d := range 5 {
			wg.Go(func() {
				for i := range 10 {
					if _, _, _, err := db.Sync(t.Context(), ada.ID, 0, &account.Work{Attempts: []account.Attempt{{ID: fmt.Sprint(d, "-", i)}}}); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	all, err := db.Accounts(t.Context())
	if err != nil || len(all) != 3 {
		t.Fatal(all, err)
	}
	for _, a := range all {
		if got, _ := syncWork(t, db, a.ID, 0, account.Work{}); len(got.Attempts) != 50 {
			t.Errorf("%s has %d attempts, want 50", a.Name, len(got.Attempts))
		}
	}
}

// What was acknowledged is there after kill -9.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("SKEP_TEST_KILLED"); dir != "" {
		acknowledge(dir)
	}
	dir := t.TempDir()
	a := student(t, open(t, dir), "ada")
	cmd := exec.Command(os.Args[0], "-test.run=TestKilled$")
	cmd.Env = append(os.Environ(), "SKEP_TEST_KILLED="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var acknowledged []string
	for lines := bufio.NewScanner(out); len(acknowledged) < 25 && lines.Scan(); {
		acknowledged = append(acknowledged, lines.Text())
	}
	cmd.Process.Kill() // SIGKILL, in the middle of the next
	cmd.Wait()
	got, _ := syncWork(t, open(t, dir), a.ID, 0, account.Work{})
	have := map[string]bool{}
	for i := range got.Attempts {
		have[got.Attempts[i].ID] = true
	}
	for _, id := range acknowledged {
		if !have[id] {
			t.Errorf("attempt %s was acknowledged and is lost", id)
		}
	}
	if len(acknowledged) != 25 {
		t.Errorf("%d were acknowledged", len(acknowledged))
	}
}

// acknowledge stores attempts and says so after each, without end.
func acknowledge(dir string) {
	ctx := context.Background()
	db, err := Open(dir)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	a, err := db.Named(ctx, "ada")
	for i := 0; err == nil; i++ {
		id := fmt.Sprint("attempt", i)
		if _, _, _, err = db.Sync(ctx, a.ID, 0, &account.Work{Attempts: []account.Attempt{{ID: id}}}); err == nil {
			fmt.Println(id)
		}
	}
	os.Exit(1)
}
