package compile

import (
	"container/list"
	"sync"
)

// cache keeps results by content hash, the least recently used go first.
type cache struct {
	mu    sync.Mutex
	max   int
	size  int
	order *list.List // of *entry, newest in front
	byKey map[string]*list.Element
}

type entry struct {
	key  string
	res  *Result
	size int
}

func newCache(max int) *cache {
	return &cache{max: max, order: list.New(), byKey: map[string]*list.Element{}}
}

func (c *cache) get(key string) (*Result, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	el, ok := c.byKey[key]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(el)
	return el.Value.(*entry).res, true
}

// put keeps res, which nobody may change afterwards.
func (c *cache) put(key string, res *Result) {
	size := len(key) + len(res.Object) + 200
	for _, d := range res.Diagnostics {
		size += len(d.Message) + 100
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byKey[key]; ok || size > c.max {
		return
	}
	c.byKey[key] = c.order.PushFront(&entry{key, res, size})
	c.size += size
	for c.size > c.max {
		old := c.order.Remove(c.order.Back()).(*entry)
		delete(c.byKey, old.key)
		c.size -= old.size
	}
}
