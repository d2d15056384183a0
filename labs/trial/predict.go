package trial

import (
	"strconv"
	"strings"

	"skep/verifier"
	"skep/verifier/loader"
	"skep/vm/asm"
	"skep/vm/kernel"
	"skep/vm/source"
)

// Question asks for what the verifier knows of a register at an instruction.
type Question struct {
	At    string // part of the instruction in the kernel's words, or of the line of assembly it comes from
	After bool   // behind it, where a jump is not taken; otherwise before it
	Reg   string // r0 to r10, or fp-8
	// Answer is the author's, "" to have none: then Predict only tells what is known.
	Answer string
}

// Prediction is how good an answer is.
type Prediction struct {
	Score  int    // 2 exact, 1 sound but loose, 0 wrong
	Known  string // what the verifier knows, in its words, "" when it knows nothing
	Reason string // one sentence
}

// Predict judges an answer: a number, a range "0..15", or a type such as
// map_value_or_null, with what must stand in its brackets, "pkt(r=34)". An
// error says that the question cannot be asked of this program.
func Predict(sub Submission, q Question, answer string, priv verifier.Privilege) (*Prediction, []Problem) {
	src, problems := sub.Read(nil, 1)
	if src == nil {
		return nil, problems
	}
	known, msg := ask(src, sub.Text, &q, priv)
	if msg != "" {
		return nil, []Problem{{Msg: msg}}
	}
	return known.judge(strings.TrimSpace(answer)), nil
}

// known is what all visits of an instruction have in common.
type known struct {
	visits     int
	text       string // of the first visit
	scalar     bool   // in all of them
	unread     bool   // nothing is there, in all of them
	umin, umax uint64
}

// watch collects the states at an instruction.
type watch struct {
	known
	slot  int // the instruction
	after bool
	prev  int // of this path, -1 at its start
	place func(*verifier.State) (frame int, r *verifier.RegState)
	print *verifier.Printer
}

func (w *watch) Trace(e *verifier.Event) {
	switch e.Kind {
	case verifier.EventPop, verifier.EventEntry:
		w.prev = -1
	case verifier.EventStep:
		if !w.after && e.Insn == w.slot || w.after && w.prev == w.slot {
			w.see(e.State)
		}
		w.prev = e.Insn
	}
}

func (w *watch) see(s *verifier.State) {
	frame, r := w.place(s)
	scalar, unread := r.Type == verifier.ScalarValue, r.Type == verifier.NotInit
	if w.visits == 0 {
		w.text = w.print.Value(frame, r)
		w.scalar, w.unread, w.umin, w.umax = scalar, unread, r.UMin, r.UMax
	} else {
		w.scalar, w.unread = w.scalar && scalar, w.unread && unread
		w.umin, w.umax = min(w.umin, r.UMin), max(w.umax, r.UMax)
	}
	w.visits++
}

func ask(src *source.Source, text string, q *Question, priv verifier.Privilege) (*known, string) {
	slot := find(&src.Programs[0], text, q.At)
	if slot < 0 {
		return nil, "no instruction of the program reads " + strconv.Quote(q.At)
	}
	place := placeOf(q.Reg)
	if place == nil {
		return nil, "a register is r0 to r10, a stack slot fp-8 to fp-512: not " + strconv.Quote(q.Reg)
	}
	h, target, ok := src.Programs[0].Hook("")
	if !ok {
		return nil, "there is no program type " + strconv.Quote(src.Programs[0].ProgType)
	}
	p := loader.Program(src, 0, h, target, priv)
	w := &watch{slot: slot, after: q.After, prev: -1, place: place}
	layout := kernel.WithFunctions()
	w.print = verifier.NewPrinter(p.Maps, func(handle, id uint32) string { return verifier.TypeName(p, layout, handle, id) })
	if _, err := verifier.Verify(p, verifier.Config{Privilege: priv, KernelBTF: layout, Tracer: w}); err != nil {
		return nil, err.Error()
	}
	if w.visits == 0 {
		return nil, "the verifier does not come to that instruction"
	}
	return &w.known, ""
}

// find is the first instruction whose text or line contains words, -1 for none.
func find(p *source.Program, text, words string) int {
	lines := strings.Split(text, "\n")
	for i := range p.Lines {
		l := &p.Lines[i]
		of := l.Text
		if of == "" && l.Line <= len(lines) {
			of, _, _ = strings.Cut(lines[l.Line-1], ";")
		}
		if strings.Contains(of, words) {
			return l.Slot
		}
	}
	for slot := 0; slot < len(p.Insns); slot++ {
		if strings.Contains(string(asm.AppendKernel(nil, p.Insns, slot, &source.Resolver)), words) {
			return slot
		}
		if p.Insns[slot].IsWide() {
			slot++
		}
	}
	return -1
}

// placeOf finds a register or stack slot in the innermost frame of a state.
func placeOf(name string) func(*verifier.State) (int, *verifier.RegState) {
	if n, err := strconv.Atoi(strings.TrimPrefix(name, "r")); err == nil && strings.HasPrefix(name, "r") && n >= 0 && n <= 10 {
		return func(s *verifier.State) (int, *verifier.RegState) {
			f := innermost(s)
			return int(f.FrameNo), &f.Regs[n]
		}
	}
	n, err := strconv.Atoi(strings.TrimPrefix(name, "fp-"))
	if err != nil || n < 8 || n > 512 || n%8 != 0 || !strings.HasPrefix(name, "fp-") {
		return nil
	}
	var nothing verifier.RegState
	return func(s *verifier.State) (int, *verifier.RegState) {
		f := innermost(s)
		if i := n/8 - 1; i < len(f.Stack) {
			return int(f.FrameNo), &f.Stack[i].Reg
		}
		return int(f.FrameNo), &nothing
	}
}

func innermost(s *verifier.State) *verifier.FuncState {
	f := s.Frames()
	return f[len(f)-1]
}

func (k *known) judge(answer string) *Prediction {
	p := &Prediction{Known: k.text}
	if k.scalar {
		if p.Known = strconv.FormatUint(k.umin, 10); k.umin != k.umax {
			p.Known += ".." + strconv.FormatUint(k.umax, 10)
		}
	}
	lo, hi, number := numbers(answer)
	switch {
	case answer == "":
		p.Reason = "nothing was answered"
	case k.unread:
		p.Known = "nothing: it was never written"
		p.Reason = "the register cannot be read here"
		if answer == "unread" || answer == "not readable" || answer == "?" {
			p.Score, p.Reason = 2, "nothing was written to it on this path"
		}
	case number && !k.scalar:
		p.Reason = "it holds no plain number but " + k.text
	case number && lo == k.umin && hi == k.umax:
		p.Score, p.Reason = 2, "exactly what the verifier knows"
	case number && lo <= k.umin && hi >= k.umax:
		p.Score, p.Reason = 1, "right, and wider than need be: the verifier knows "+p.Known
	case number:
		out := k.umin
		if out >= lo && out <= hi {
			out = k.umax
		}
		p.Reason = "the value can be " + strconv.FormatUint(out, 10) + ", which your answer leaves out"
	default:
		p.Score, p.Reason = sameType(k, answer)
	}
	return p
}

// numbers reads "7", "0..15" or "0x10..0xff".
func numbers(s string) (lo, hi uint64, ok bool) {
	a, b, isRange := strings.Cut(strings.ReplaceAll(s, "…", ".."), "..")
	if !isRange {
		b = a
	}
	lo, err1 := strconv.ParseUint(strings.TrimSpace(a), 0, 64)
	hi, err2 := strconv.ParseUint(strings.TrimSpace(b), 0, 64)
	return lo, hi, err1 == nil && err2 == nil && lo <= hi
}

// sameType compares a type by its name, and by what the answer has in
// brackets; the name alone is half of it when the author asked for more.
func sameType(k *known, answer string) (int, string) {
	name, args, _ := strings.Cut(strings.TrimSuffix(answer, ")"), "(")
	has, all, _ := strings.Cut(strings.TrimSuffix(k.text, ")"), "(")
	if k.scalar {
		has = "scalar"
	}
	if strings.TrimSpace(name) != has {
		return 0, "it is " + k.text + ", not " + answer
	}
	if k.scalar {
		return 1, "a plain number, yes; the verifier knows more: its range"
	}
	for _, want := range strings.Split(args, ",") {
		if want = strings.TrimSpace(want); want != "" && !strings.Contains(","+all+",", ","+want+",") {
			return 1, "the type is right; what is known of it is " + k.text
		}
	}
	return 2, "exactly what the verifier knows"
}
