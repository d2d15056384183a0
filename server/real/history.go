package real

import (
	"context"
	"sync"
)

// frame is one message of the socket.
type frame struct {
	binary bool
	b      []byte
}

// Bounds of a history. What a reader has not had yet is backlog: a writer that can wait does so at maxBacklog.
const (
	maxHistory = 1 << 20
	maxBacklog = 256 << 10
)

// history is every message of a session, oldest dropped first, so that a page that comes back goes on where it was.
type history struct {
	mu       sync.Mutex
	frames   []frame
	first    int // index of frames[0]
	bytes    int
	sent     int  // frames before this one were handed out
	unsent   int  // bytes of the others
	attached bool // somebody reads
	over     bool
	change   chan struct{} // closed and replaced at each change
}

func newHistory() *history { return &history{change: make(chan struct{})} }

func (h *history) wake() {
	close(h.change)
	h.change = make(chan struct{})
}

// add appends a message and drops the oldest beyond the bound.
func (h *history) add(f frame) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.frames = append(h.frames, f)
	h.bytes += len(f.b)
	h.unsent += len(f.b)
	for h.bytes > maxHistory && len(h.frames) > 1 {
		n := len(h.frames[0].b)
		if h.first >= h.sent {
			h.sent, h.unsent = h.first+1, h.unsent-n
		}
		h.bytes -= n
		h.frames[0].b = nil
		h.frames = h.frames[1:]
		h.first++
	}
	h.wake()
}

// room waits until a reader has taken enough of the backlog, or there is no reader.
func (h *history) room(ctx context.Context) error {
	for {
		h.mu.Lock()
		full, change := h.attached && h.unsent > maxBacklog, h.change
		h.mu.Unlock()
		if !full {
			return ctx.Err()
		}
		select {
		case <-change:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// attach starts a reader at message seen.
func (h *history) attach(seen int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.attached = true
	h.sent = min(max(seen, h.first), h.first+len(h.frames))
	h.unsent = 0
	for _, f := range h.frames[h.sent-h.first:] {
		h.unsent += len(f.b)
	}
	h.wake()
}

func (h *history) detach() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.attached = false
	h.wake()
}

// next waits for message i. When it was dropped the next that is there is returned, with its own index; ok is false at
// the end.
func (h *history) next(ctx context.Context, i int) (f frame, at int, ok bool) {
	for {
		h.mu.Lock()
		i = max(i, h.first)
		if n := i - h.first; n < len(h.frames) {
			f = h.frames[n]
			if h.sent <= i {
				h.sent, h.unsent = i+1, h.unsent-len(f.b)
			}
			h.wake()
			h.mu.Unlock()
			return f, i, true
		}
		over, change := h.over, h.change
		h.mu.Unlock()
		if over {
			return frame{}, i, false
		}
		select {
		case <-change:
		case <-ctx.Done():
			return frame{}, i, false
		}
	}
}

// end says that nothing follows.
func (h *history) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
	h.wake()
}
