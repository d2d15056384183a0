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
	waiting map[string][]chan struct{} // of an owner, oldest first; closed when let in
	ring    []string                   // owners who wait, next first
	n       int
}

func newTurns(slots int) *turns {
	return &turns{free: slots, waiting: map[string][]chan struct{}{}}
}

// enter waits for the owner's turn; whoever was let in leaves.
func (t *turns) enter(ctx context.Context, owner string) error {
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
	in := make(chan struct{})
	if len(t.waiting[owner]) == 0 {
		t.ring = append(t.ring, owner)
	}
	t.waiting[owner] = append(t.waiting[owner], in)
	t.n++
	t.mu.Unlock()
	select {
	case <-in:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	i := slices.Index(t.waiting[owner], in)
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
	close(t.waiting[owner][0])
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
}
