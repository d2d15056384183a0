package grading

import (
	"context"
	"slices"
	"sync"
)

// turns lets a bounded number in at once, and owners in turn: who sends a
// hundred submissions delays another's first by one.
type turns struct {
	mu      sync.Mutex
	free    int
	waiting map[string][]*waiter // of an owner, oldest first
	ring    []string             // owners who wait, next first
	n       int
}

// waiter is somebody who waits.
type waiter struct {
	in    chan struct{} // closed when let in
	moved chan struct{} // has one when the queue has moved
}

func newTurns(slots int) *turns {
	return &turns{free: slots, waiting: map[string][]*waiter{}}
}

// enter waits for the owner's turn; whoever was let in leaves. While it waits,
// place hears how many are let in before and itself: 1 is next.
func (t *turns) enter(ctx context.Context, owner string, place func(int)) error {
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return nil
	}
	if t.n >= simulatorQueue || len(t.waiting[owner]) >= ownerQueue {
		t.mu.Unlock()
		return ErrBusy
	}
	w := &waiter{make(chan struct{}), make(chan struct{}, 1)}
	if len(t.waiting[owner]) == 0 {
		t.ring = append(t.ring, owner)
	}
	t.waiting[owner] = append(t.waiting[owner], w)
	t.n++
	at := t.position(owner, w)
	t.mu.Unlock()
	for told := 0; ; {
		if at != told && at > 0 {
			told = at
			place(at)
		}
		select {
		case <-w.in:
			return nil
		case <-w.moved:
			t.mu.Lock()
			at = t.position(owner, w)
			t.mu.Unlock()
			continue
		case <-ctx.Done():
		}
		break
	}
	t.mu.Lock()
	i := slices.Index(t.waiting[owner], w)
	if i >= 0 {
		t.drop(owner, i)
	}
	t.mu.Unlock()
	if i < 0 { // let in at the same moment
		t.leave()
	}
	return ctx.Err()
}

// leave gives the place to the next owner.
func (t *turns) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.ring) == 0 {
		t.free++
		return
	}
	owner := t.ring[0]
	close(t.waiting[owner][0].in)
	t.drop(owner, 0)
	if len(t.waiting[owner]) > 0 { // to the end
		t.ring = append(t.ring[1:], owner)
	}
}

// drop forgets the i-th who waits of an owner.
func (t *turns) drop(owner string, i int) {
	t.n--
	t.waiting[owner] = slices.Delete(t.waiting[owner], i, i+1)
	if len(t.waiting[owner]) == 0 {
		delete(t.waiting, owner)
		t.ring = slices.DeleteFunc(t.ring, func(o string) bool { return o == owner })
	}
	for _, all := range t.waiting {
		for _, w := range all {
			select {
			case w.moved <- struct{}{}:
			default: // it knows already
			}
		}
	}
}

// position is how many are let in up to w, 0 when it does not wait.
func (t *turns) position(owner string, w *waiter) int {
	before := slices.Index(t.waiting[owner], w) // rounds until it is w's
	if before < 0 {
		return 0
	}
	mine, n := slices.Index(t.ring, owner), before+1
	for i, o := range t.ring {
		switch rounds := before; {
		case i < mine:
			n += min(len(t.waiting[o]), rounds+1)
		case i > mine:
			n += min(len(t.waiting[o]), rounds)
		}
	}
	return n
}
