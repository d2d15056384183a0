package labs

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// Tracks are the course's, in its order.
var Tracks = []string{"machine", "hooks", "maps", "verifier", "portability", "uses", "capstone", "authors"}

// privileges a program may be loaded with.
var privileges = []string{"", "root", "cap_bpf", "unprivileged"}

// front reads the YAML between the first two lines of three dashes and gives
// the offset at which the prose begins.
func (r *reader) front() int {
	body, ok := strings.CutPrefix(r.text, "---\n")
	if !ok {
		r.fail(0, "a lab begins with front matter: a line ---, then id:, title:, track:, minutes:, level:, then ---")
		return 0
	}
	yml, _, ok := strings.Cut(body, "\n---\n")
	if !ok {
		r.fail(0, "the front matter that begins here has no end: a line --- is missing")
		return len(r.text)
	}
	f := &r.lab.Front
	if err := yaml.UnmarshalWithOptions([]byte(yml), f, yaml.Strict()); err != nil {
		line, col, msg := 1, 1, err.Error()
		var y yaml.Error
		if errors.As(err, &y) {
			msg = y.GetMessage()
			if t := y.GetToken(); t != nil {
				line, col = t.Position.Line, t.Position.Column
			}
		}
		r.errs = append(r.errs, Error{r.file, line + 1, col, msg})
	}
	r.checkFront(yml)
	return len("---\n") + len(yml) + len("\n---\n")
}

func (r *reader) checkFront(yml string) {
	f := &r.lab.Front
	at := func(key string) int {
		if i := strings.Index("\n"+yml, "\n"+key+":"); i >= 0 {
			return len("---\n") + i
		}
		return 0
	}
	if f.ID != r.dir {
		r.fail(at("id"), "id: must be the folder's name, "+strconv.Quote(r.dir))
	}
	if f.Title["en"] == "" {
		r.fail(at("title"), `title: needs an English one: title: {en: "…"}`)
	}
	if !slices.Contains(Tracks, f.Track) {
		r.fail(at("track"), "track: is one of "+strings.Join(Tracks, ", "))
	}
	if f.Minutes < 1 || f.Minutes > 600 {
		r.fail(at("minutes"), "minutes: says how long a student takes, 1 to 600")
	}
	if f.Level < 1 || f.Level > 5 {
		r.fail(at("level"), "level: is 1 (read) to 5 (open design)")
	}
	if !slices.Contains(privileges, f.Verifier.Privilege) {
		r.fail(at("verifier"), "verifier: privilege: is one of root, cap_bpf, unprivileged")
	}
}
