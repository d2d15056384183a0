package verdict

import (
	"encoding/binary"
	"sort"
	"strconv"
	"strings"

	"skep/verifier"
	"skep/verifier/trace"
	"skep/vm/asm"
	"skep/vm/btf"
	"skep/vm/hook"
	"skep/vm/maps"
	"skep/vm/object"
	"skep/vm/source"
	"skep/wasm/protocol"
	"skep/wasm/session"
)

// Options say how a source is loaded.
type Options struct {
	Hook      string // program type by bpftool's name; "" = what the program says, else xdp
	Privilege verifier.Privilege

	// Relocate adjusts an object's programs to a kernel ([object.Object.Relocate]).
	// It is a variable because the page has no kernel to adjust to, and so does
	// not link what it takes. Without it programs that ask for it are not modelled.
	Relocate func(*object.Object) ([]object.Program, error)
}

// Loaded is a program as a loader hands it to the kernel.
type Loaded struct {
	Program *verifier.Program
	Name    string
	Feature string // what the loader would need that is not modelled; "" for nothing
	lines   []line // by slot
}

// line says that a source line begins at a slot.
type line struct {
	slot int
	file string
	line uint32
	text string
}

// line is where the instruction at a slot comes from.
func (l *Loaded) line(slot int) (file string, number uint32) {
	i := sort.Search(len(l.lines), func(i int) bool { return l.lines[i].slot > slot }) - 1
	if i < 0 {
		return "", 0
	}
	return l.lines[i].file, l.lines[i].line
}

// Load reads a source and prepares the program of that number, in the order of
// the page's listing. Without a result the problems say why.
func Load(src protocol.WireSource, program int, o Options) (*Loaded, []protocol.Problem) {
	switch src.Kind {
	case protocol.SourceKindAsm:
		return loadAsm(src.Text, src.Name, o)
	case protocol.SourceKindObject:
		return loadObject(src, program, o)
	}
	return nil, trouble(protocol.WhereSource, "unknown kind of source", "")
}

func trouble(where protocol.Where, msg, hint string) []protocol.Problem {
	return []protocol.Problem{{Where: where, Message: msg, Hint: hint, Offset: -1}}
}

func loadAsm(text, file string, o Options) (*Loaded, []protocol.Problem) {
	res, problems := session.Assemble(text)
	if res == nil {
		return nil, problems
	}
	if len(res.Insns) == 0 {
		return nil, trouble(protocol.WhereSource, "there is no instruction in the source", "")
	}
	p := &verifier.Program{GPL: verifier.GPLCompatible(res.License), Insns: res.Insns}
	section := ""
	for i := range res.Funcs {
		if res.Funcs[i].Start == 0 {
			section = res.Funcs[i].Section
		}
	}
	said := res.ProgType
	if said != "" && section != "" {
		if s, _, ok := hook.ParseSection(section); !ok || s.Type.String() != said {
			section = ""
		}
	}
	if problems := setType(p, section, said, o.Hook); problems != nil {
		return nil, problems
	}
	types, ids := source.MapTypes(res)
	for i := range res.Maps {
		m, problems := asmMap(res, i, 0)
		if problems != nil {
			return nil, problems
		}
		if ids[i].Value != 0 && o.Privilege != verifier.Unprivileged { // BPF_BTF_LOAD takes CAP_BPF
			m.BTF, m.KeyType, m.ValueType = types, ids[i].Key, ids[i].Value
		}
		p.Maps = append(p.Maps, m)
	}
	for _, r := range res.Relocs {
		switch s := (verifier.Symbol{Insn: r.Insn, ID: uint32(res.Insns[r.Insn].Imm), Name: r.Name}); r.Kind {
		case asm.RelocKfunc:
			p.Kfuncs = append(p.Kfuncs, s)
		case asm.RelocVar:
			p.Ksyms = append(p.Ksyms, s)
		default:
			if r.Index < 0 {
				return nil, trouble(protocol.WhereSource, "there is no map "+strconv.Quote(r.Name), "")
			}
		}
	}
	l := &Loaded{Program: p, Name: "prog"}
	texts := strings.Split(text, "\n")
	if file == "" {
		file = "prog.s"
	}
	last := 0
	for slot, pos := range res.Lines {
		if pos.Line != last {
			last = pos.Line
			l.lines = append(l.lines, line{slot, file, uint32(last), sourceLine(texts, last)})
		}
	}
	return l, nil
}

// sourceLine is line n of a text, from 1, without the blanks around it.
func sourceLine(lines []string, n int) string {
	if n < 1 || n > len(lines) {
		return ""
	}
	return strings.TrimSpace(lines[n-1])
}

// TraceLines are the source lines for a trace.
func (l *Loaded) TraceLines() []trace.LineText {
	out := make([]trace.LineText, 0, len(l.lines))
	for _, s := range l.lines {
		out = append(out, trace.LineText{Slot: uint32(s.slot), File: s.file, Line: s.line, Text: s.text})
	}
	return out
}

func asmMap(res *asm.Result, i, depth int) (verifier.MapInfo, []protocol.Problem) {
	m := &res.Maps[i]
	info := verifier.MapInfo{Name: kernelName(m.Name), KeySize: m.Key, ValueSize: m.Value, MaxEntries: m.Entries, Flags: m.Flags}
	typ, ok := maps.ByName(m.Type)
	if !ok {
		return info, trouble(protocol.WhereSource, "unknown map type "+strconv.Quote(m.Type), "")
	}
	info.Type = typ
	if m.Inner != "" && depth == 0 {
		for j := range res.Maps {
			if res.Maps[j].Name == m.Inner {
				inner, problems := asmMap(res, j, 1)
				if problems != nil {
					return info, problems
				}
				info.Inner = &inner
			}
		}
	}
	return info, nil
}

// setType fills what a section, or else a program type, says.
func setType(p *verifier.Program, section, said, want string) []protocol.Problem {
	s, target, ok := hook.ParseSection(section)
	if ok && (want == "" || want == s.Type.String()) {
		p.Type, p.Attach = s.Type, s.Attach
		if s.Sleepable {
			p.Flags |= verifier.FlagSleepable
		}
		if s.Frags {
			p.Flags |= verifier.FlagXDPHasFrags
		}
		switch s.Type {
		case hook.Tracing, hook.LSM, hook.Ext, hook.StructOps:
			p.AttachTo = target
		}
		return nil
	}
	name := want
	if name == "" {
		name = said
	}
	if name == "" {
		name = "xdp"
	}
	if p.Type, ok = hook.ByName(name); !ok {
		return trouble(protocol.WhereOption, "there is no program type "+strconv.Quote(name), "")
	}
	if !hook.AttachAllowed(p.Type, 0) {
		for _, s := range hook.Sections() {
			if s.Type == p.Type {
				p.Attach = s.Attach
				break
			}
		}
	}
	return nil
}

func loadObject(src protocol.WireSource, number int, o Options) (*Loaded, []protocol.Problem) {
	name := src.Name
	if name == "" {
		name = "prog"
	}
	obj, err := object.LoadNamed(src.Bytes, name)
	if err != nil {
		return nil, []protocol.Problem{session.ObjectProblem(err)}
	}
	if number < 0 || number >= len(obj.Programs) {
		return nil, trouble(protocol.WhereObject, "there is no such program in the object", "")
	}
	feature := kconfig(obj)
	programs := obj.Programs
	if o.Relocate != nil {
		if programs, err = o.Relocate(obj); err != nil {
			return nil, []protocol.Problem{session.ObjectProblem(err)}
		}
	} else if len(programs[number].CoreRelos) > 0 {
		feature = "CO-RE relocation: there is no kernel here to adjust the program to"
	}
	op := &programs[number]
	p := &verifier.Program{GPL: verifier.GPLCompatible(obj.License), Insns: op.Insns}
	if problems := setType(p, op.Section, "", o.Hook); problems != nil {
		return nil, problems
	}
	spec := obj.BTF
	if o.Privilege == verifier.Unprivileged {
		spec = nil // BPF_BTF_LOAD takes CAP_BPF; libbpf goes on without
	}
	for i := range obj.Maps {
		p.Maps = append(p.Maps, objectMap(&obj.Maps[i], spec, 0))
	}
	for _, r := range op.Ksyms {
		s := verifier.Symbol{Insn: r.Insn, ID: uint32(op.Insns[r.Insn].Imm), Name: obj.Externs[r.Extern].Name}
		if r.Call {
			p.Kfuncs = append(p.Kfuncs, s)
		} else {
			p.Ksyms = append(p.Ksyms, s)
		}
	}
	l := &Loaded{Program: p, Name: op.Name, Feature: feature}
	if spec != nil {
		p.BTF = spec
		for _, f := range op.FuncInfo {
			p.FuncInfo = words(p.FuncInfo, f.Insn, uint32(f.Type))
		}
		for _, i := range op.LineInfo {
			p.LineInfo = words(p.LineInfo, i.Insn, i.FileOff, i.TextOff, i.LineCol)
		}
	}
	if obj.BTF != nil {
		for _, i := range op.LineInfo {
			at := obj.BTF.Line(i)
			l.lines = append(l.lines, line{int(i.Insn), baseName(at.File), uint32(at.Line), strings.TrimSpace(at.Text)})
		}
	}
	return l, nil
}

func words(dst []byte, w ...uint32) []byte {
	for _, v := range w {
		dst = binary.LittleEndian.AppendUint32(dst, v)
	}
	return dst
}

// kconfig gives externs of .kconfig the values that libbpf does, and returns
// the first that it would read from the running kernel's configuration.
func kconfig(obj *object.Object) (feature string) {
	obj.SetKconfig("LINUX_KERNEL_VERSION", 6<<16|12<<8)
	obj.SetKconfig("LINUX_HAS_BPF_COOKIE", 1)
	obj.SetKconfig("LINUX_HAS_SYSCALL_WRAPPER", 1)
	for i := range obj.Externs {
		x := &obj.Externs[i]
		if x.Kind == object.ExternKconfig && !x.Weak && len(x.Name) > 7 && x.Name[:7] == "CONFIG_" {
			return "kernel configuration " + x.Name
		}
	}
	return ""
}

func objectMap(m *object.MapSpec, spec *btf.Spec, depth int) verifier.MapInfo {
	info := verifier.MapInfo{
		Name: kernelName(m.Name), Type: maps.Type(m.Type), KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries,
		Flags: m.Flags, Extra: m.Extra, Frozen: m.Frozen, Data: m.Contents,
	}
	if spec != nil && takesBTF(m, spec) {
		info.BTF, info.KeyType, info.ValueType = spec, m.KeyType, m.ValueType
	}
	if info.Type == maps.PerfEventArray && info.MaxEntries == 0 {
		info.MaxEntries = 1 // libbpf: one for each possible CPU
	}
	if m.Inner != nil && depth == 0 {
		inner := objectMap(m.Inner, spec, 1)
		info.Inner = &inner
	}
	return info
}

// takesBTF reports whether the kernel has the types of a map's key and value:
// libbpf does not offer them for some map types, and makes the map without
// them when the kernel refuses (bpf_object__create_map, map_check_btf).
func takesBTF(m *object.MapSpec, spec *btf.Spec) bool {
	switch maps.Type(m.Type) {
	case maps.PerfEventArray, maps.CgroupArray, maps.StackTrace, maps.ArrayOfMaps, maps.HashOfMaps, maps.Devmap, maps.DevmapHash,
		maps.CPUMap, maps.XSKMap, maps.Sockmap, maps.SockHash, maps.Queue, maps.Stack, maps.Arena, maps.Ringbuf, maps.UserRingbuf:
		return false
	}
	if m.ValueType == 0 {
		return false
	}
	return m.KeyType != 0 || spec.Kind(m.ValueType) == btf.KindDatasec
}

// kernelName is a name as it fits into the kernel (BPF_OBJ_NAME_LEN).
func kernelName(s string) string { return s[:min(len(s), 15)] }

func baseName(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[i+1:]
		}
	}
	return path
}
