// Package plan is the course: every lab, those that are written and those that
// are not yet, what each one needs, and the ways through them.
//
//	for _, l := range plan.Labs() {
//		fmt.Println(l.Code, l.Title, l.After)
//	}
//
// Whether a lab is written is not in here: it is when its folder is in
// labs/content. A test there holds the two together.
//
// Read next: labs.go for the labs, paths.go for the ways through them.
package plan

import "slices"

// Lab is a lab of the course.
type Lab struct {
	Code    string // H9
	ID      string // the folder's name in labs/content, once it is written
	Title   string
	Track   string   // identifier of one of Tracks
	Minutes int      // that a student takes, 0: a project of one to two weeks
	Level   int      // 1 read to 5 open design
	After   []string // codes of the labs that come before
	Topics  Topic    // what it is about, beside its track
}

// Topic is a set of subjects that go across the tracks.
type Topic uint8

const (
	Networking Topic = 1 << iota
	Security
	Observability
	Research // of the verifier
)

// Track is a group of labs: by what they teach, or by subject.
type Track struct {
	ID, Title, About string
	Topic            Topic // 0: the labs whose Track is ID
}

// Tracks are those that every lab is in exactly one of, in the course's order.
func Tracks() []Track { return tracks[:8:8] }

// Subjects are the tracks across the others.
func Subjects() []Track { return tracks[8:] }

var tracks = []Track{
	{ID: "machine", Title: "The machine", About: "Registers, memory and bytecode: what a program is made of. It needs no Linux, and everything else needs it."},
	{ID: "hooks", Title: "Hooks", About: "Where in the kernel a program runs, and what it sees there."},
	{ID: "maps", Title: "Maps", About: "Keeping numbers, and sharing them with user space."},
	{ID: "verifier", Title: "The verifier", About: "Why it says no, and how to make it say yes."},
	{ID: "portability", Title: "Portability and tools", About: "One program for many kernels, and the tools around it."},
	{ID: "uses", Title: "Uses", About: "What people run every day, built once by yourself."},
	{ID: "capstone", Title: "Capstones", About: "Larger work in teams, one to two weeks each."},
	{ID: "authors", Title: "For authors", About: "How to write a lab."},

	{ID: "networking", Title: "Networking", About: "From the first packet to a load balancer.", Topic: Networking},
	{ID: "security", Title: "Security", About: "See what is done on a machine, and forbid it.", Topic: Security},
	{ID: "observability", Title: "Observability", About: "Count, time and profile what runs, without stopping it.", Topic: Observability},
	{ID: "verifier-research", Title: "Verifier research", About: "For those who want to know why the verifier believes what it believes.", Topic: Research},
}

// In are the labs of a track with all that come before them, in the order in
// which they can be done.
func (t *Track) In() []Lab {
	if t.Topic == 0 {
		return filter(func(l *Lab) bool { return l.Track == t.ID })
	}
	need := map[string]bool{}
	var add func(code string)
	add = func(code string) {
		if l, ok := Find(code); ok && !need[code] {
			need[code] = true
			for _, before := range l.After {
				add(before)
			}
		}
	}
	for i := range labs {
		if labs[i].Topics&t.Topic != 0 {
			add(labs[i].Code)
		}
	}
	return filter(func(l *Lab) bool { return need[l.Code] })
}

func filter(keep func(*Lab) bool) []Lab {
	var out []Lab
	for i := range labs {
		if keep(&labs[i]) {
			out = append(out, labs[i])
		}
	}
	return inOrder(out)
}

// inOrder puts labs behind those that they need, and otherwise leaves them as
// they are.
func inOrder(list []Lab) []Lab {
	out := make([]Lab, 0, len(list))
	placed, here := map[string]bool{}, map[string]bool{}
	for i := range list {
		here[list[i].Code] = true
	}
	ready := func(l *Lab) bool {
		for _, before := range l.After {
			if here[before] && !placed[before] {
				return false
			}
		}
		return true
	}
	for len(out) < len(list) {
		before := len(out)
		for i := range list {
			if l := &list[i]; !placed[l.Code] && ready(l) {
				placed[l.Code] = true
				out = append(out, *l)
			}
		}
		if len(out) == before {
			return list // a circle, which a test excludes
		}
	}
	return out
}

// Find is the lab with a code.
func Find(code string) (Lab, bool) {
	for i := range labs {
		if labs[i].Code == code {
			return labs[i], true
		}
	}
	return Lab{}, false
}

// Labs are all labs, by track and number.
func Labs() []Lab { return labs }

// Depth is how many labs come before one at least, one behind the other.
func Depth(code string) int {
	deepest := 0
	if l, ok := Find(code); ok {
		for _, before := range l.After {
			deepest = max(deepest, Depth(before)+1)
		}
	}
	return deepest
}

// Needs says whether a lab comes before another, directly or through others.
func Needs(code, before string) bool {
	l, _ := Find(code)
	return slices.ContainsFunc(l.After, func(c string) bool { return c == before || Needs(c, before) })
}
