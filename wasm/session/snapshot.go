package session

import (
	"sort"

	"skep/vm/arena"
)

// snapshot keeps the memory as it is before event k, to come back to it. Pages
// are shared with the snapshot before where equal. With too many of them every
// other one goes.
type snapshot struct {
	event   int
	brk     uint32
	regions []arena.Region
	pages   []*[pageSize]byte
}

const (
	pageSize     = 4096
	maxSnapshots = 256
	maxPages     = 16 << 10 // 64 MiB
)

func (s *Session) snapshot(k int) {
	if n := len(s.snaps); n > 0 && k < s.snaps[n-1].event+s.stride {
		return
	}
	a := s.machine.Arena()
	var before []*[pageSize]byte
	if n := len(s.snaps); n > 0 {
		before = s.snaps[n-1].pages
	}
	buf := a.Buf[arena.Base:]
	sn := snapshot{event: k, brk: a.Brk(), regions: append([]arena.Region(nil), a.Regions()...)}
	sn.pages = make([]*[pageSize]byte, (len(buf)+pageSize-1)/pageSize)
	var now, zero [pageSize]byte
	for i := range sn.pages {
		n := copy(now[:], buf[i*pageSize:])
		clear(now[n:])
		switch {
		case now == zero:
		case i < len(before) && before[i] != nil && *before[i] == now:
			sn.pages[i] = before[i]
		default:
			p := now
			sn.pages[i] = &p
		}
	}
	s.snaps = append(s.snaps, sn)
	held := 0
	for i := range s.snaps {
		if i == 0 {
			held += len(s.snaps[0].pages)
			continue
		}
		for j, p := range s.snaps[i].pages {
			if b := s.snaps[i-1].pages; p != nil && (j >= len(b) || b[j] != p) {
				held++
			}
		}
	}
	for len(s.snaps) > maxSnapshots || held > maxPages && len(s.snaps) > 2 {
		keep := s.snaps[:1]
		for i := 2; i < len(s.snaps); i += 2 {
			keep = append(keep, s.snaps[i])
		}
		clear(s.snaps[len(keep):])
		s.snaps = keep
		s.stride *= 2
		held /= 2
	}
}

// rewind goes to the arrival of an event at or before k.
func (s *Session) rewind(k int) {
	i := sort.Search(len(s.snaps), func(i int) bool { return s.snaps[i].event > k }) - 1
	sn := &s.snaps[i]
	a := s.machine.Arena()
	a.Journal = nil
	a.Restore(sn.brk, sn.regions)
	buf := a.Buf[arena.Base:]
	for i, p := range sn.pages {
		part := buf[i*pageSize : min(len(buf), (i+1)*pageSize)]
		if p == nil {
			clear(part)
		} else {
			copy(part, p[:])
		}
	}
	if s.script != nil {
		s.enterFiring(sn.event)
	}
	// It cannot fail for what has begun before.
	_ = s.begin(sn.event)
	s.at = sn.event
	s.trace.reset()
	s.known = known{}
}
