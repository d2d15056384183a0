package grading

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// Owners are let in in turn, whoever came first with how many.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newTurns(1)
		if err := q.enter(t.Context(), "first"); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var order []string
		for _, owner := range []string{"a", "a", "a", "b", "c", "b"} {
			go func() {
				if err := q.enter(t.Context(), owner); err != nil {
					t.Error(err)
				}
				mu.Lock()
				order = append(order, owner)
				mu.Unlock()
				q.leave()
			}()
			synctest.Wait()
		}
		gone, cancel := context.WithCancel(t.Context())
		go func() {
			if err := q.enter(gone, "d"); !errors.Is(err, context.Canceled) {
				t.Errorf("who went away: %v", err)
			}
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		q.leave()
		synctest.Wait()
		if got := strings.Join(order, " "); got != "a b c a b a" {
			t.Errorf("order %s", got)
		}
		if q.free != 1 || q.n != 0 || len(q.waiting) != 0 || len(q.ring) != 0 {
			t.Errorf("left over: %+v", q)
		}
	})
}

func TestTurnsFull(t *testing.T) {
	q := newTurns(1)
	q.enter(t.Context(), "")
	q.waiting["greedy"] = make([]chan struct{}, ownerQueue)
	if err := q.enter(t.Context(), "greedy"); !errors.Is(err, ErrBusy) {
		t.Errorf("one owner's queue has no end: %v", err)
	}
	q.n = simulatorQueue
	if err := q.enter(t.Context(), "other"); !errors.Is(err, ErrBusy) {
		t.Errorf("the queue has no end: %v", err)
	}
}
