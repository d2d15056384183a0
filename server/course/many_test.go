package course_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"skep/server/course"
)

// 200 submissions at once are all graded, and those among them that are
// endless, huge or garbage do the others no harm.
func TestMany(t *testing.T) {
	srv := serve(t, course.Config{})
	const head = ".prog xdp\n.license GPL\n"
	kinds := []struct {
		name, text string
		status     int
		want       string
	}{
		{"good", inAsm, 200, `"passed":true`},
		{"wrong", strings.Replace(inAsm, "1", "2", 1), 200, `"passed":false`},
		{"rejected", head + "exit\n", 200, `"outcome":"rejected"`},
		{"garbage", strings.Repeat("\x01", 1000), 200, `"outcome":"unreadable"`},
		{"huge", strings.Repeat("x", 300<<10), 413, `"code":"too-large"`},
		{"endless", head + "l:\n goto l\n", 200, `"passed":false`},
		{"long", head + "r0 = 0\nl:\n r0 += 1\n if r0 < 900000 goto l\n exit\n", 200, `"passed":false`},
	}
	const all = 200
	from := time.Now()
	var wg sync.WaitGroup
	var mu sync.Mutex
	slowest := map[string]time.Duration{}
	for i := range all {
		k := kinds[i%2] // every tenth is a hostile one, the long one twice
		if i%10 == 9 {
			k = kinds[2+i/10%4]
		}
		if i == 19 || i == 119 {
			k = kinds[6]
		}
		wg.Go(func() {
			r := httptest.NewRequest(http.MethodPost, dropAll+"grade", strings.NewReader(body("asm", k.text)))
			if k.name == "long" {
				r.RemoteAddr = "192.0.2.66:1"
			}
			w := httptest.NewRecorder()
			srv.ServeHTTP(w, r)
			if w.Code != k.status && !(k.name == "long" && w.Code == http.StatusUnprocessableEntity) || w.Code == 200 && !bytes.Contains(w.Body.Bytes(), []byte(k.want)) {
				t.Errorf("submission %d, %s: %d %.200s", i, k.name, w.Code, w.Body)
			}
			mu.Lock()
			defer mu.Unlock()
			slowest[k.name] = max(slowest[k.name], time.Since(from))
		})
	}
	wg.Wait()
	t.Logf("%d in %.1f s; the last of each: %v", all, time.Since(from).Seconds(), slowest)
}

// With all places taken, whoever waits is told how many are before, ever
// fewer, and then gets the grade.
func TestPlaces(t *testing.T) {
	srv := serve(t, course.Config{})
	long := body("asm", ".prog xdp\n.license GPL\nr0 = 0\nl:\n r0 += 1\n if r0 < 4000 goto l\n exit\n")
	var wg sync.WaitGroup
	said := make(chan struct{}, 1000) // a line of anybody's
	n := 8 + runtime.NumCPU()
	for i := range n {
		wg.Go(func() {
			r := httptest.NewRequest(http.MethodPost, dropAll+"grade", strings.NewReader(long))
			r.RemoteAddr = fmt.Sprintf("198.51.100.%d:1", i+1)
			r.Header.Set("Accept", "application/x-ndjson")
			w := httptest.NewRecorder()
			srv.ServeHTTP(&loud{w, said}, r)
			if !strings.Contains(w.Body.String(), `"status":`) {
				t.Errorf("no answer: %d %s", w.Code, w.Body)
			}
		})
	}
	for range 6 { // so many stand in the queue
		<-said
	}
	r := httptest.NewRequest(http.MethodPost, dropAll+"grade", strings.NewReader(body("asm", inAsm)))
	r.Header.Set("Accept", "application/x-ndjson")
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, r)
	wg.Wait()
	var places []int
	dec := json.NewDecoder(w.Body)
	for {
		var line struct {
			Waiting *struct{ Position, Seconds int }
			Status  int
			Body    struct{ Passed bool }
		}
		if err := dec.Decode(&line); err != nil {
			t.Fatalf("after %v: %v", places, err)
		}
		if line.Waiting == nil {
			if line.Status != http.StatusOK || !line.Body.Passed {
				t.Errorf("%+v", line)
			}
			break
		}
		if n := len(places); n > 0 && line.Waiting.Position >= places[n-1] {
			t.Errorf("behind %v comes place %d", places, line.Waiting.Position)
		}
		places = append(places, line.Waiting.Position)
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
