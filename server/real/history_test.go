package real

import (
	"context"
	"strings"
	"testing"
	"time"
)

// A reader gets every message in order, learns of those that were dropped, and a writer waits for a slow one.
func TestHistory(t *testing.T) {
	h := newHistory()
	big := frame{b: []byte(strings.Repeat("x", maxBacklog/2+1))}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	for range 10 { // nobody reads: the oldest go, nobody waits
		h.add(big)
		if err := h.room(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if h.bytes > maxHistory {
		t.Errorf("%d bytes are kept, at most %d should be", h.bytes, maxHistory)
	}
	kept := len(h.frames)
	h.attach(0)
	waited := make(chan error)
	go func() { waited <- h.room(ctx) }()
	select {
	case <-waited:
		t.Error("the writer does not wait for the reader")
	case <-time.After(20 * time.Millisecond):
	}
	_, at, ok := h.next(ctx, 0)
	if !ok || at != 10-kept {
		t.Errorf("first message %d, want %d: those before it are dropped", at, 10-kept)
	}
	for i := at + 1; i < 10; i++ {
		if _, got, ok := h.next(ctx, i); !ok || got != i {
			t.Errorf("message %d came as %d", i, got)
		}
	}
	if err := <-waited; err != nil {
		t.Error(err)
	}
	h.detach()
	h.attach(9) // the page has had nine
	if _, got, ok := h.next(ctx, h.sent); !ok || got != 9 {
		t.Errorf("resumed at %d, want 9", got)
	}
	h.end()
	if _, _, ok := h.next(ctx, 10); ok {
		t.Error("there is something behind the end")
	}
	cancel()
	if _, _, ok := newHistory().next(ctx, 0); ok {
		t.Error("a reader that is gone got something")
	}
}
