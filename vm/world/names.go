package world

import (
	"strconv"
	"strings"

	"skep/vm/hook"
)

// ContextField is a part of the context of a firing whose program type has no
// struct for it: an argument by its name in the kernel.
type ContextField struct {
	Name      string
	Off, Size int // bytes
}

// Context is what the context of a firing is made of, nil where the program
// type says it (hook.ProgType.Layout) or nobody knows.
func (w *World) Context(f *Firing) []ContextField {
	s := f.site
	if f.Timer != nil || s == nil {
		return nil
	}
	p := &w.progs[f.Program]
	switch p.sec.Type {
	case hook.Tracing, hook.LSM, hook.RawTracepoint, hook.RawTracepointWritable, hook.StructOps:
	case hook.Tracepoint:
		return w.recordFields(s)
	default:
		return nil
	}
	var names []string
	switch s.kind {
	case atRawTP:
		switch s.name {
		case "sys_enter":
			names = []string{"regs", "id"}
		case "sys_exit":
			names = []string{"regs", "ret"}
		default:
			if i := strings.Index(tracepoints, "/"+s.name+" "); i >= 0 {
				before, _, _ := strings.Cut(tracepoints[i:], "|")
				names = strings.Fields(before)[1:]
			}
		}
	case atIter:
		names = []string{"meta", s.name}
	case atLSM:
		text, _ := row(lsms, s.name)
		names = append(strings.Fields(text), "ret")
	default:
		if names = funcArgs(s.name); s.syscall != "" {
			names = []string{"regs"}
		}
		if s.kind == atExit || s.kind == atModify {
			names = append(names[:len(names):len(names)], "ret")
		}
	}
	n := len(s.args)
	if s.kind == atExit || s.kind == atModify || s.kind == atLSM {
		n++
	}
	if s.kind == atIter {
		n = len(s.raw) / 8
	}
	out := make([]ContextField, n)
	for i := range out {
		out[i] = ContextField{"arg" + strconv.Itoa(i), 8 * i, 8}
		if i < len(names) {
			out[i].Name = names[i]
		}
	}
	return out
}

// recordFields is the fields of a tracepoint's record.
func (w *World) recordFields(s *site) []ContextField {
	out := []ContextField{{"common_type", 0, 2}, {"common_flags", 2, 1}, {"common_preempt_count", 3, 1}, {"common_pid", 4, 4}}
	_, format := tracepoint(s.name)
	if category, name, _ := strings.Cut(s.name, "/"); category == "syscalls" || category == "raw_syscalls" {
		name, exit := strings.CutPrefix(name, "sys_exit")
		format = []string{"nr:i4"}
		if exit {
			format = append(format, "ret:p")
		} else {
			_, names := syscall(strings.TrimPrefix(name, "sys_enter_"), w.cfg.ARM64)
			for _, n := range names {
				format = append(format, n+":p")
			}
		}
	}
	at := 8
	for _, f := range format {
		name, typ, _ := strings.Cut(f, ":")
		n, align := fieldSize(typ)
		at = (at + align - 1) &^ (align - 1)
		out = append(out, ContextField{name, at, n})
		at += n
	}
	return out
}

// fieldSize is the size and alignment of a field by its type in tracepoints.
func fieldSize(typ string) (size, align int) {
	switch typ[0] {
	case 'p':
		return 8, 8
	case 's':
		return 4, 4
	}
	n := int(decimal(typ[1:]))
	if typ[0] == 'c' {
		return n, 1
	}
	return n, n
}

func decimal(s string) uint32 {
	n, _ := strconv.ParseUint(s, 10, 32)
	return uint32(n)
}
