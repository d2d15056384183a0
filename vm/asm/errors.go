package asm

import "strconv"

// Error is a mistake in the source.
type Error struct {
	Line, Col, Len int    // where: from 1, columns in bytes; Len bytes are wrong
	Word           string // the offending word, "" at the end of a line
	Msg            string // what is wrong
	Hint           string // what to do, or ""
}

func (e Error) Error() string {
	s := strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Col) + ": " + e.Msg
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// closest finds the candidate nearest to word by edit distance, or "" when
// none is near enough to be what was meant.
func closest(word string, candidates func(yield func(string) bool)) string {
	if word == "" || len(word) > 64 {
		return ""
	}
	best, limit := "", len(word)/3+1
	if limit > 3 {
		limit = 3
	}
	candidates(func(c string) bool {
		if c != "" && c != word {
			if d := distance(word, c, limit); d < limit || d == limit && best == "" && d < len(word) {
				best, limit = c, d
			}
		}
		return limit > 0
	})
	return best
}

// distance is the number of inserted, removed, changed or swapped bytes that
// make b of a; more than limit is limit+1. It compares letters without case.
func distance(a, b string, limit int) int {
	if len(b) > 64 || len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	var rows [3][65]uint8
	prev2, prev, cur := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		prev[j] = uint8(j)
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = uint8(i)
		for j := 1; j <= len(b); j++ {
			ca, cb := lower(a[i-1]), lower(b[j-1])
			d := prev[j-1]
			if ca != cb {
				d++
			}
			d = min(d, prev[j]+1, cur[j-1]+1)
			if i > 1 && j > 1 && ca == lower(b[j-2]) && cb == lower(a[i-2]) {
				d = min(d, prev2[j-2]+1)
			}
			cur[j] = d
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return min(int(prev[len(b)]), limit+1)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func quote(s string) string {
	if len(s) > 40 {
		s = s[:40] + "..."
	}
	return "`" + s + "`"
}

func itoa(n int) string { return strconv.Itoa(n) }
