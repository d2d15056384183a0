package grading

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

func nobody(int) {}

// Owners are let in in turn, whoever came first with how many.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newTurns(1)
		if err := q.enter(t.Context(), "first", nobody); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var order []string
		for _, owner := range []string{"a", "a", "a", "b", "c", "b"} {
			go func() {
				if err := q.enter(t.Context(), owner, nobody); err != nil {
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
			if err := q.enter(gone, "d", nobody); !errors.Is(err, context.Canceled) {
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
	q.enter(t.Context(), "", nobody)
	q.waiting["greedy"] = make([]*waiter, ownerQueue)
	if err := q.enter(t.Context(), "greedy", nobody); !errors.Is(err, ErrBusy) {
		t.Errorf("one owner's queue has no end: %v", err)
	}
	q.n = simulatorQueue
	if err := q.enter(t.Context(), "other", nobody); !errors.Is(err, ErrBusy) {
		t.Errorf("the queue has no end: %v", err)
	}
}

// Who waits hears how many are before: those of others only as far as they are
// let in earlier, and fewer when one gives up.
func TestPosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newTurns(1)
		q.enter(t.Context(), "first", nobody)
		var mu sync.Mutex
		heard := map[string][]int{}
		wait := func(ctx context.Context, name, owner string) {
			go func() {
				if q.enter(ctx, owner, func(n int) {
					mu.Lock()
					defer mu.Unlock()
					heard[name] = append(heard[name], n)
				}) == nil {
					<-ctx.Done()
					q.leave()
				}
			}()
			synctest.Wait()
		}
		ends := map[string]context.CancelFunc{}
		for _, name := range []string{"a1", "a2", "b1", "a3", "c1", "b2"} {
			ctx, cancel := context.WithCancel(t.Context())
			ends[name] = cancel
			wait(ctx, name, name[:1])
		}
		q.leave()
		synctest.Wait()
		for _, name := range []string{"b2", "a1", "b1", "c1", "a2", "a3"} { // b2 gives up first, the others are done in turn
			ends[name]()
			synctest.Wait()
		}
		want := map[string][]int{
			"a1": {1}, // at once next
			"a2": {2, 3, 2, 1},
			"b1": {2, 1},
			"a3": {4, 5, 4, 3, 2, 1},
			"c1": {3, 2, 1},
			"b2": {5, 4},
		}
		if !maps.EqualFunc(heard, want, slices.Equal) {
			t.Errorf("heard %v, want %v", heard, want)
		}
		if q.free != 1 || q.n != 0 {
			t.Errorf("left over: %+v", q)
		}
	})
}
