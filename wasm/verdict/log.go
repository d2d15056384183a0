package verdict

import (
	"bytes"
	"strconv"
	"strings"

	"skep/verifier"
	"skep/verifier/klog"
)

func number(s string) (int, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// after is the number that follows word in a line.
func after(text, word string) (int, bool) {
	_, rest, ok := strings.Cut(text, word)
	if !ok {
		return 0, false
	}
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	return number(rest[:end])
}

// refused is the slot that a rejection is about, -1 when it is about the
// program as a whole.
func refused(res *verifier.Result, errors []string, slots int) int {
	at := res.Insn
	for _, e := range errors {
		if strings.HasPrefix(e, "combined stack size ") || strings.HasPrefix(e, "tail_calls are not allowed ") || strings.HasPrefix(e, "the call stack of ") {
			return -1
		}
		if res.InsnProcessed == 0 {
			// Found before the walk, which names the place in its words.
			if n, ok := after(e, "insn "); ok {
				at = n
			} else if strings.HasPrefix(e, "last insn is not ") {
				at = slots - 1
			}
		}
	}
	if at >= slots {
		return -1
	}
	return at
}

// cutMiddle leaves out whole lines of the middle of a log that is longer than
// limit, says so in a line in brackets, and returns how many bytes are gone.
func cutMiddle(log []byte, limit int) (text []byte, cut int) {
	if len(log) <= limit {
		return log, 0
	}
	head := bytes.LastIndexByte(log[:limit/2], '\n') + 1
	tail := len(log) - limit/2
	if i := bytes.IndexByte(log[tail:], '\n'); i >= 0 {
		tail += i + 1
	}
	cut = tail - head
	text = append(text, log[:head]...)
	text = append(text, "[... "...)
	text = strconv.AppendInt(text, int64(cut), 10)
	text = append(text, " bytes of the log are left out here ...]\n"...)
	return append(text, log[tail:]...), cut
}

// linePCs gives for each line of a log the slot it is about, -1 for none.
func linePCs(log string, errors []string, pc int32) []int32 {
	lines := strings.Split(strings.TrimSuffix(log, "\n"), "\n")
	out := make([]int32, len(lines))
	next := int32(-1) // the slot of the instruction line below
	tail := pc >= 0   // still among the lines of the error
	for i := len(lines) - 1; i >= 0; i-- {
		text := lines[i]
		out[i] = -1
		if strings.HasPrefix(text, "; ") {
			out[i] = next
			continue
		}
		slot, ok := klog.Slot(text)
		if ok {
			next, tail = int32(slot), false
		} else if strings.HasPrefix(text, "from ") {
			slot, ok = after(text, " to ")
		} else if strings.HasPrefix(text, "mark_precise: ") {
			slot, ok = after(text, " before ")
		} else if tail && isOneOf(text, errors) {
			slot, ok = int(pc), true
		}
		if ok {
			out[i] = int32(slot)
		}
	}
	return out
}

func isOneOf(text string, list []string) bool {
	for _, s := range list {
		if s == text {
			return true
		}
	}
	return false
}

// valid makes text fit for the wire: source lines in a log may hold any bytes.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
