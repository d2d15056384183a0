package kernel

import (
	"strings"

	"skep/vm/btf"
)

// functions is the more of buildLayout that adds functionText.
func functions(need func(typ string)) func(*layouts) {
	for line := range strings.Lines(functionText) {
		for i, w := range strings.Fields(line)[1:] {
			if i > 0 {
				_, w, _ = strings.Cut(w, ":")
			}
			if w != "v" {
				need(w)
			}
		}
	}
	return func(l *layouts) {
		for line := range strings.Lines(functionText) {
			l.function(strings.Fields(line))
		}
	}
}

// function adds a kernel function, or the typedef of a raw tracepoint's, from a
// line of functionText.
func (l *layouts) function(words []string) {
	ret := btf.ID(0)
	if words[1] != "v" {
		ret = l.id(words[1])
	}
	params := make([]btf.Param, len(words)-2)
	for i, w := range words[2:] {
		name, typ, _ := strings.Cut(w, ":")
		params[i] = btf.Param{Name: name, Type: l.id(typ)}
	}
	proto := l.b.FuncProto(ret, params...)
	if strings.HasPrefix(words[0], "btf_trace_") {
		l.b.Typedef(words[0], l.b.Pointer(proto))
		return
	}
	l.b.Func(words[0], proto, 0)
}
