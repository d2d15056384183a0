package world

import (
	"strconv"
	"strings"

	"skep/vm/packet"
)

// Error is a mistake in a list of events: line, column, what to write.
type Error = packet.Error

// Limits of one list of events. What exceeds them is an error, so that memory
// is bounded.
const (
	MaxSource = 1 << 20 // bytes of text
	MaxEvents = 100_000 // repetitions counted
	maxArgs   = 32
	maxErrors = 50
)

// Event is one line of the language: what a task, a packet or the hardware
// does.
type Event struct {
	Line  int    // from 1; 0 when not from text
	CPU   uint32 // CPU it happens on
	Verb  string // a row of Verbs
	Args  []Arg  // in the order written
	Call  []Arg  // of call, kcall, tp, ops: the values in parentheses
	Count int    // repetitions, at least 1; Expand makes them events of their own

	Packet packet.Packet // of pkt
	source string        // of pkt: as written
}

// Arg is a value of an event.
type Arg struct {
	Name   string // empty in Event.Call
	Value  string // as text; numbers decimal or 0x; of a random one empty
	Quoted bool   // the text was quoted: never a number
	Lo, Hi int64  // with Random: the range, both included
	Random bool   // rand(LO..HI): chosen by Expand
}

// Get is the value of the argument of that name.
func (e *Event) Get(name string) (string, bool) {
	for i := range e.Args {
		if e.Args[i].Name == name {
			return e.Args[i].Value, true
		}
	}
	return "", false
}

// Text is the value of the argument of that name, or def.
func (e *Event) Text(name, def string) string {
	if v, ok := e.Get(name); ok {
		return v
	}
	return def
}

// Num is the number in the argument of that name, or def.
func (e *Event) Num(name string, def uint64) uint64 {
	v, ok := e.Get(name)
	if !ok {
		return def
	}
	n, ok := number(v)
	if !ok {
		return def
	}
	return n
}

// number reads a decimal, hexadecimal or octal number; a negative one gives
// its two's complement.
func number(s string) (uint64, bool) {
	if n, err := strconv.ParseUint(s, 0, 64); err == nil {
		return n, true
	}
	n, err := strconv.ParseInt(s, 0, 64)
	return uint64(n), err == nil
}

// String is the event as the language writes it; Parse reads it back.
func (e *Event) String() string {
	var b strings.Builder
	if e.CPU != 0 {
		b.WriteString("cpu " + strconv.Itoa(int(e.CPU)) + ": ")
	}
	b.WriteString(e.Verb)
	if e.Verb == "pkt" {
		b.WriteString(" " + e.source)
		return b.String()
	}
	v := verbOf(e.Verb)
	rest := e.Args
	if v != nil && v.call && len(rest) > 0 {
		b.WriteString(" " + rest[0].text() + "(")
		for i := range e.Call {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(e.Call[i].text())
		}
		b.WriteString(")")
		rest = rest[1:]
	}
	for i := range rest {
		b.WriteString(" " + rest[i].Name + "=" + rest[i].text())
	}
	if e.Count > 1 {
		b.WriteString(" x" + strconv.Itoa(e.Count))
	}
	return b.String()
}

func (a *Arg) text() string {
	switch {
	case a.Random:
		return "rand(" + strconv.FormatInt(a.Lo, 10) + ".." + strconv.FormatInt(a.Hi, 10) + ")"
	case a.Quoted || !plain(a.Value):
		return quote(a.Value)
	}
	return a.Value
}

// quote writes a text in quotes: \" \\ and \xNN for what does not print.
func quote(s string) string {
	const digits = "0123456789abcdef"
	out := []byte{'"'}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c == '\n':
			out = append(out, '\\', 'n')
		case c < 0x20 || c > 0x7e:
			out = append(out, '\\', 'x', digits[c>>4], digits[c&15])
		default:
			out = append(out, c)
		}
	}
	return string(append(out, '"'))
}

// unquote reads a text in quotes and says how long it is as written; 0 when
// it is none.
func unquote(s string) (text string, n int) {
	var out []byte
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return string(out), i + 1
		case c != '\\':
			out = append(out, c)
		case i+1 >= len(s):
			return "", 0
		default:
			i++
			switch c := s[i]; c {
			case 'n':
				out = append(out, '\n')
			case 't':
				out = append(out, '\t')
			case '0':
				out = append(out, 0)
			case 'x':
				b, ok := unhex(s[i+1 : min(i+3, len(s))])
				if !ok || len(b) != 1 {
					return "", 0
				}
				out = append(out, b[0])
				i += 2
			default:
				out = append(out, c)
			}
		}
	}
	return "", 0
}

// plain says whether a value can stand without quotes.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if !wordByte(s[i]) {
			return false
		}
	}
	return s != "" && !strings.HasPrefix(s, "rand")
}

func wordByte(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '"', '#', '=', '(', ')', ',':
		return false
	}
	return c > 0x20 && c < 0x7f
}

// Print is a list of events, a line each.
func Print(events []Event) string {
	var b strings.Builder
	for i := range events {
		b.WriteString(events[i].String())
		b.WriteByte('\n')
	}
	return b.String()
}

// Expand makes each repetition an event of its own and chooses the random
// values by seed: the same seed gives the same events.
func Expand(events []Event, seed uint64) []Event {
	r := rng(seed ^ 0x5eed)
	var out []Event
	for i := range events {
		for range max(events[i].Count, 1) {
			if len(out) >= MaxEvents {
				return out
			}
			e := events[i]
			e.Count = 1
			e.Args, e.Call = r.choose(e.Args), r.choose(e.Call)
			out = append(out, e)
		}
	}
	return out
}

// rng is splitmix64.
type rng uint64

func (r *rng) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// choose replaces random values, in a copy where there are any.
func (r *rng) choose(args []Arg) []Arg {
	random := false
	for i := range args {
		random = random || args[i].Random
	}
	if !random {
		return args
	}
	out := append([]Arg(nil), args...)
	for i := range out {
		if a := &out[i]; a.Random {
			// The range has at most 2^63 values, so the width is no overflow.
			width := uint64(a.Hi) - uint64(a.Lo) + 1
			n := r.next()
			if width != 0 {
				n = uint64(a.Lo) + n%width
			}
			*a = Arg{Name: a.Name, Value: strconv.FormatInt(int64(n), 10)}
		}
	}
	return out
}
