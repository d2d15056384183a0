package labs

import (
	"strconv"
	"strings"

	"skep/labs/grade"
)

// Draw is a number that each student has another one of: $NAME in the events,
// the grade block and the programs of an exercise.
type Draw struct {
	Name   string // of small letters
	Lo, Hi int64  // the range, both included
}

// For is what seed draws. web/src/lab/draw.ts draws the same.
func (d *Draw) For(exercise string, seed uint64) int64 {
	h := uint64(0xcbf29ce484222325)
	for _, c := range []byte(exercise + "/" + d.Name) { // FNV-1a
		h = (h ^ uint64(c)) * 0x100000001b3
	}
	// A step of SplitMix64.
	z := (seed ^ h) + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	return d.Lo + int64(z%uint64(d.Hi-d.Lo+1))
}

// For is the exercise of a student: with numbers for what is drawn. What was
// read from a file has been tried, so its grade block can be read with any of them.
func (ex *Exercise) For(seed uint64) *Exercise {
	if len(ex.Draws) == 0 {
		return ex
	}
	out, fill := *ex, ex.filler(seed)
	out.Setup, out.Trace, out.GradeText = fill(ex.Setup), fill(ex.Trace), fill(ex.GradeText)
	out.Grade, _ = grade.Parse(out.GradeText)
	sources := func(list []Source) []Source {
		own := append([]Source(nil), list...)
		for i := range own {
			own[i].Text = fill(own[i].Text)
		}
		return own
	}
	out.Starters, out.Solutions = sources(ex.Starters), sources(ex.Solutions)
	out.Wrong = append([]Wrong(nil), ex.Wrong...)
	for i := range out.Wrong {
		w := &out.Wrong[i]
		w.Source.Text = fill(w.Source.Text)
		w.Fails = append([]string(nil), w.Fails...)
		for k := range w.Fails {
			w.Fails[k] = fill(w.Fails[k])
		}
	}
	return &out
}

// filler puts the numbers of a seed into a text.
func (ex *Exercise) filler(seed uint64) func(string) string {
	var pairs []string
	for i := range ex.Draws {
		d := &ex.Draws[i]
		pairs = append(pairs, "$"+d.Name, strconv.FormatInt(d.For(ex.ID, seed), 10))
	}
	return strings.NewReplacer(pairs...).Replace
}

// maxDraws bounds what an exercise draws.
const maxDraws = 8

// draws reads a draw block: a line "NAME LO..HI" for each number.
func (r *reader) draws(ex *Exercise, body string, first int) {
	fail := func(line int, msg string) { r.errs = append(r.errs, Error{r.file, first + line, 1, msg}) }
	for i, line := range strings.Split(body, "\n") {
		name, span, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" {
			continue
		}
		a, b, _ := strings.Cut(strings.TrimSpace(span), "..")
		lo, err := strconv.ParseInt(a, 10, 32)
		hi, err2 := strconv.ParseInt(b, 10, 32)
		d := Draw{name, lo, hi}
		switch {
		case strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") != "" || err != nil || err2 != nil || lo > hi:
			fail(i, "what is drawn is written: port 1024..65535, a name of small letters and a range")
		case len(ex.Draws) == maxDraws:
			fail(i, "an exercise draws at most "+strconv.Itoa(maxDraws)+" numbers")
		default:
			for _, o := range ex.Draws {
				if strings.HasPrefix(o.Name, name) || strings.HasPrefix(name, o.Name) {
					fail(i, "the names "+o.Name+" and "+name+" begin alike: $"+o.Name+" could be either")
				}
			}
			ex.Draws = append(ex.Draws, d)
		}
	}
}

// drawn says that what an exercise draws is used, and nothing else.
func (r *reader) drawn(ex *Exercise, offset int) {
	all := ex.Setup + ex.Trace + ex.GradeText
	for i := range ex.Draws {
		if !strings.Contains(all, "$"+ex.Draws[i].Name) {
			r.failDoc(offset, "the exercise draws "+ex.Draws[i].Name+" and no event or rule has $"+ex.Draws[i].Name)
		}
	}
	if _, rest, ok := strings.Cut(ex.filler(1)(all), "$"); ok {
		name := rest[:len(rest)-len(strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz"))]
		r.failDoc(offset, "nothing draws $"+name+": a ```draw block before the others has a line such as "+name+" 1000..1999")
	}
}
