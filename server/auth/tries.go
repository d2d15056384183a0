package auth

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// tries bounds how often somebody may try to sign in: from an address, and
// with a name. A class behind one address has room; guessing has none.
type tries struct {
	now func() time.Time

	mu sync.Mutex
	by map[string]*rate.Limiter
}

const (
	addressBurst = 60
	nameBurst    = 10
	addressEvery = time.Second
	nameEvery    = 30 * time.Second
	maxTries     = 10_000 // addresses and names that are remembered
)

func newTries(now func() time.Time) *tries {
	return &tries{now: now, by: map[string]*rate.Limiter{}}
}

// wait is how long to wait before another try, 0 when it is let in.
func (t *tries) wait(address, name string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if len(t.by) > maxTries {
		for k, l := range t.by { // those that are full again need not be remembered
			if l.TokensAt(now) >= float64(l.Burst()) {
				delete(t.by, k)
			}
		}
		if len(t.by) > maxTries {
			clear(t.by)
		}
	}
	wait := t.take("address "+address, addressEvery, addressBurst, now)
	if name != "" && wait == 0 {
		wait = t.take("name "+name, nameEvery, nameBurst, now)
	}
	return wait
}

func (t *tries) take(key string, every time.Duration, burst int, now time.Time) time.Duration {
	l := t.by[key]
	if l == nil {
		l = rate.NewLimiter(rate.Every(every), burst)
		t.by[key] = l
	}
	r := l.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// forget is for a name whose student got in.
func (t *tries) forget(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.by, "name "+name)
}
