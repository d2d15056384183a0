package real

import (
	"regexp"
	"strings"
)

// Segment is a stretch of two logs laid side by side: lines [Ours[0], Ours[1]) beside [Theirs[0], Theirs[1]).
type Segment struct {
	Kind   string `json:"kind"` // same, changed (line by line), ours (only there), theirs
	Ours   [2]int `json:"ours"`
	Theirs [2]int `json:"theirs"`
}

// What differs from run to run: time, and the addresses of maps and their values.
var (
	reTime    = regexp.MustCompile(`verification time \d+ usec`)
	reAddress = regexp.MustCompile(`(\(18\) r\d = 0x(?:ffff|fffe))[0-9a-f]{12}`)
)

// logLines are a log's lines as they are compared.
func logLines(log string) []string {
	log = strings.TrimRight(log, "\n")
	if log == "" {
		return nil
	}
	log = reTime.ReplaceAllString(log, "verification time N usec")
	return strings.Split(reAddress.ReplaceAllString(log, "${1}000000000000"), "\n")
}

// key is what makes two lines about the same thing: an instruction without the state behind it, a state without its
// registers, a source line without its place.
func key(line string) string {
	if strings.HasPrefix(line, "; ") { // a source line: newer kernels add where it is
		text, _, _ := strings.Cut(line, " @ ")
		return text
	}
	if i := strings.Index(line, " ; "); i >= 0 {
		line = strings.TrimRight(line[:i], " ")
	}
	head, rest, ok := strings.Cut(line, ": ")
	if ok && strings.HasPrefix(rest, "R") && strings.Trim(head, "0123456789") == "" {
		return head + ": R"
	}
	return line
}

// maxTable bounds the table of the longest common subsequence; longer differences are laid side by side by search.
const maxTable = 4 << 20

// align lays two logs side by side and says which segment differs first, -1 for none.
func align(ours, theirs string) (segments []Segment, first int) {
	a, b := logLines(ours), logLines(theirs)
	ka, kb := make([]string, len(a)), make([]string, len(b))
	for i, l := range a {
		ka[i] = key(l)
	}
	for i, l := range b {
		kb[i] = key(l)
	}
	put := func(kind string, i, j, n, m int) {
		if n == 0 && m == 0 {
			return
		}
		if last := len(segments) - 1; last >= 0 && segments[last].Kind == kind {
			segments[last].Ours[1], segments[last].Theirs[1] = i+n, j+m
			return
		}
		segments = append(segments, Segment{kind, [2]int{i, i + n}, [2]int{j, j + m}})
	}
	i, j := 0, 0
	for _, p := range append(pairs(ka, kb), [2]int{len(a), len(b)}) {
		put("ours", i, j, p[0]-i, 0)
		put("theirs", p[0], j, 0, p[1]-j)
		if i, j = p[0], p[1]; i == len(a) || j == len(b) {
			break
		}
		kind := "changed"
		if a[i] == b[j] {
			kind = "same"
		}
		put(kind, i, j, 1, 1)
		i, j = i+1, j+1
	}
	first = -1
	for n, s := range segments {
		if s.Kind != "same" {
			first = n
			break
		}
	}
	return segments, first
}

// pairs matches equal keys in order: what both begin and end with, and between them the longest common subsequence.
func pairs(a, b []string) (out [][2]int) {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		out = append(out, [2]int{n, n})
		n++
	}
	tail := 0
	for tail < len(a)-n && tail < len(b)-n && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	midA, midB := a[n:len(a)-tail], b[n:len(b)-tail]
	match := common
	if len(midA)*len(midB) > maxTable {
		match = search
	}
	for _, p := range match(midA, midB) {
		out = append(out, [2]int{p[0] + n, p[1] + n})
	}
	for t := tail; t > 0; t-- {
		out = append(out, [2]int{len(a) - t, len(b) - t})
	}
	return out
}

// common is the longest common subsequence by table.
func common(a, b []string) (out [][2]int) {
	w := len(b) + 1
	t := make([]int32, (len(a)+1)*w)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				t[i*w+j] = t[(i+1)*w+j+1] + 1
			} else {
				t[i*w+j] = max(t[(i+1)*w+j], t[i*w+j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			out = append(out, [2]int{i, j})
			i, j = i+1, j+1
		case t[(i+1)*w+j] >= t[i*w+j+1]:
			i++
		default:
			j++
		}
	}
	return out
}

// search takes the nearest equal line within a window.
func search(a, b []string) (out [][2]int) {
	const window = 64
	for i, j := 0, 0; i < len(a) && j < len(b); i++ {
		for d := 0; d < window && j+d < len(b); d++ {
			if a[i] == b[j+d] {
				out = append(out, [2]int{i, j + d})
				j += d + 1
				break
			}
		}
	}
	return out
}
