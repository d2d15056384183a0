package sandbox

import "slices"

// fairQueue serves owners in turn: one owner's hundred jobs delay another owner's first by at most one.
type fairQueue struct {
	owners map[string][]*Ticket
	ring   []string // owners with waiting jobs, next first
	n      int
}

func (q *fairQueue) push(t *Ticket) {
	o := t.job.Owner
	if len(q.owners[o]) == 0 {
		q.ring = append(q.ring, o)
	}
	q.owners[o] = append(q.owners[o], t)
	q.n++
}

// pop takes the next owner's oldest job and sends the owner to the end of the ring.
func (q *fairQueue) pop() *Ticket {
	if len(q.ring) == 0 {
		return nil
	}
	o := q.ring[0]
	q.ring = q.ring[1:]
	t := q.owners[o][0]
	q.drop(o, 0)
	if len(q.owners[o]) > 0 {
		q.ring = append(q.ring, o)
	}
	return t
}

func (q *fairQueue) drop(o string, i int) {
	q.owners[o] = slices.Delete(q.owners[o], i, i+1)
	if len(q.owners[o]) == 0 {
		delete(q.owners, o)
	}
	q.n--
}

// position is how many jobs are served before t.
func (q *fairQueue) position(t *Ticket) (int, bool) {
	o := t.job.Owner
	depth := slices.Index(q.owners[o], t)
	if depth < 0 {
		return 0, false
	}
	turn := slices.Index(q.ring, o)
	ahead := depth
	for i, other := range q.ring {
		if other != o {
			rounds := depth
			if i < turn {
				rounds++
			}
			ahead += min(rounds, len(q.owners[other]))
		}
	}
	return ahead, true
}

func (q *fairQueue) remove(t *Ticket) bool {
	o := t.job.Owner
	i := slices.Index(q.owners[o], t)
	if i < 0 {
		return false
	}
	q.drop(o, i)
	if len(q.owners[o]) == 0 {
		q.ring = slices.DeleteFunc(q.ring, func(s string) bool { return s == o })
	}
	return true
}

func (q *fairQueue) drain() []*Ticket {
	var ts []*Ticket
	for t := q.pop(); t != nil; t = q.pop() {
		ts = append(ts, t)
	}
	return ts
}
