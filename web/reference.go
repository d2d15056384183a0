package web

import (
	"slices"
	"strings"
)

// Reference is what the reference pages show. Package server/reference makes
// it of the engine's own tables, which this package may not import.
type Reference struct {
	Kernel       string // Linux version that the tables are of: "6.12"
	Helpers      []HelperDoc
	Maps         []MapDoc
	Programs     []ProgramDoc
	Instructions []InsnGroup
}

// HelperDoc is a helper as the reference page shows it.
type HelperDoc struct {
	Number int
	Name   string // with bpf_
	Args   []string
	Ret    string
	Since  string // Linux version
	Doc    string // one sentence
	// Notes are its yes-or-no facts in words, as "GPL programs only".
	Notes []string
	// Programs are the program types that may call it, with every capability.
	Programs  []string
	Simulated bool
	Try       []Try
}

// MapDoc is a map type.
type MapDoc struct {
	Name  string // bpftool's
	Const string // the kernel's
	Since string
	Doc   string
	// Key, Value and Entries say what each size may be.
	Key, Value, Entries string
	Flags               []string // that it may be created with
	Must                []string // of these, the ones it must have
	Notes               []string
	Helpers             []string // that programs reach it by
	Simulated           bool
	Try                 []Try
}

// ProgramDoc is a program type.
type ProgramDoc struct {
	Name     string // bpftool's
	Since    string
	Doc      string
	Sections []string
	Context  string // "struct xdp_md", or words
	Fields   []FieldDoc
	Returns  []ReturnDoc
	Enforced string // range of return values that the verifier enforces; may be empty
	Notes    []string
	Helpers  int // how many it may call
	Try      []Try
}

// FieldDoc is a member of a context.
type FieldDoc struct {
	Name, Type string
	Offset     int // bytes
}

// ReturnDoc is a return value: its number, the name where it has one, and what
// the kernel does.
type ReturnDoc struct{ Value, Name, Meaning string }

// InsnGroup is a family of instructions.
type InsnGroup struct {
	ID    string // for links
	Title string
	Rows  []InsnDoc
}

// InsnDoc is an instruction form.
type InsnDoc struct {
	ID       string // for links: mnemonic and opcode, "add-07"
	Name     string
	Text     string // as the kernel's log writes it
	Encoding string // opcode and the fields that are fixed
	Since    string // empty when Linux has none
	Group    string // of RFC 9669
	Doc      string
}

// Try is a program that shows something; Href is relative to the top.
type Try struct{ Title, Href string }

// simulated counts the helpers that do something in the page.
func (r *Reference) simulated() int {
	n := 0
	for i := range r.Helpers {
		if r.Helpers[i].Simulated {
			n++
		}
	}
	return n
}

// insns counts instruction forms.
func (r *Reference) insns() int {
	n := 0
	for i := range r.Instructions {
		n += len(r.Instructions[i].Rows)
	}
	return n
}

// callers puts a list of program types into words: what is not in it when
// that is shorter.
func (r *Reference) callers(programs []string) string {
	var without []string
	for i := range r.Programs {
		if name := r.Programs[i].Name; name != "ext" && !slices.Contains(programs, name) {
			without = append(without, name)
		}
	}
	switch {
	case len(programs) == 0:
		return "no program type, as Debian builds the kernel"
	case len(without) == 0:
		return "from every program type"
	case len(without) < len(programs):
		return "from every program type but " + join(without)
	}
	return "from " + join(programs)
}

func join(words []string) string { return strings.Join(words, ", ") }

func joinArgs(args []string) string {
	if len(args) == 0 {
		return "no arguments"
	}
	return join(args)
}

// sentence gives a phrase of a table a capital letter and a full stop.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// tries adds the gallery's examples that show something to the small ones.
func (m *Manifest) tries(small []Try, shows string) []Try {
	all := slices.Clone(small)
	for i := range m.Examples {
		if e := &m.Examples[i]; slices.Contains(e.Shows, shows) {
			all = append(all, Try{Title: e.Title + " (gallery)", Href: "?example=" + e.ID})
		}
	}
	return all
}
