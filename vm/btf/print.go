package btf

import "strconv"

// printer writes C. Its fuel bounds the work on a hostile blob, in which
// types may contain each other without end.
type printer struct {
	offsets bool   // write where members lie
	base    uint32 // bits from the start of the outermost type to the struct in hand
	s       *Spec
	fuel    int
}

func (s *Spec) printer() *printer { return &printer{s: s, fuel: 1 << 14} }

// TypeName is a type as C names it: "struct iphdr *", "const char[16]".
// Anonymous structs are written out.
func (s *Spec) TypeName(id ID) string { return s.printer().decl(id, "", 0, 0) }

// AppendDecl writes the declaration of a name with a type: "struct iphdr *ip",
// "int (*cb)(void *ctx)". Funcs and vars bring their own name when none is given.
func (s *Spec) AppendDecl(dst []byte, id ID, name string) []byte {
	return append(dst, s.printer().decl(id, name, 0, 0)...)
}

// AppendDef writes the definition of a type with all its members, ending in
// ";": what a header would have. A datasec is its variables, a line each.
func (s *Spec) AppendDef(dst []byte, id ID) []byte { return s.printer().def(dst, id) }

// AppendLayout is [Spec.AppendDef] with the place of each member, from the
// start of the type: "__u32 pid; /* off 4, size 4 */", "__u8 urg: 1; /* off 13, bit 5 */",
// and the size of the whole behind it.
func (s *Spec) AppendLayout(dst []byte, id ID) []byte {
	p := s.printer()
	p.offsets = true
	dst = p.def(dst, id)
	if n, ok := s.Size(id); ok {
		dst = append(dst, " /* size "...)
		dst = append(strconv.AppendUint(dst, uint64(n), 10), " */"...)
	}
	return dst
}

func (p *printer) def(dst []byte, id ID) []byte {
	t := p.s.Type(id)
	switch t.Kind() {
	case KindStruct, KindUnion, KindEnum, KindEnum64:
		dst = append(dst, p.body(t, 0, 0)...)
		dst = append(dst, ';')
	case KindTypedef:
		dst = append(dst, "typedef "...)
		dst = append(dst, p.decl(t.Target(), t.Name(), 0, 0)...)
		dst = append(dst, ';')
	case KindDatasec:
		for i := range t.Vlen() {
			if i > 0 {
				dst = append(dst, '\n')
			}
			v := t.SecVar(i)
			if p.fuel < 0 {
				return append(dst, "/* ... */"...)
			}
			dst = append(dst, p.decl(v.Type, "", 0, 0)...)
			dst = append(dst, ';')
			dst = appendPlace(dst, uint64(v.Offset), ", size ", uint64(v.Size))
		}
	default:
		dst = append(dst, p.decl(id, "", 0, 0)...)
		dst = append(dst, ';')
	}
	return dst
}

func join(base, ident string) string {
	switch {
	case ident == "":
		return base
	case ident[0] == '[':
		return base + ident
	}
	return base + " " + ident
}

// decl builds the declarator inside out: ident is what has been built so far.
func (p *printer) decl(id ID, ident string, depth, indent int) string {
	if p.fuel--; p.fuel < 0 || depth > MaxDepth {
		return join("/* ... */", ident)
	}
	t := p.s.Type(id)
	name := t.Name()
	p.fuel -= len(name) / 16
	switch k := t.Kind(); k {
	case KindVoid:
		return join("void", ident)
	case KindInt, KindFloat, KindTypedef, KindDatasec:
		return join(name, ident)
	case KindStruct, KindUnion, KindEnum, KindEnum64:
		if name == "" {
			return join(p.body(t, depth+1, indent), ident)
		}
		return join(keyword(k)+" "+name, ident)
	case KindFwd:
		if t.KindFlag() {
			return join("union "+name, ident)
		}
		return join("struct "+name, ident)
	case KindPtr:
		outer := p.base
		defer func() { p.base = outer }()
		p.base = 0 // what it points to lies elsewhere
		switch p.s.Kind(p.s.SkipQualifiers(t.Target())) {
		case KindArray, KindFuncProto:
			return p.decl(t.Target(), "(*"+ident+")", depth+1, indent)
		}
		return p.decl(t.Target(), "*"+ident, depth+1, indent)
	case KindConst, KindVolatile, KindRestrict:
		word := k.String()
		if p.s.Kind(p.s.SkipQualifiers(t.Target())) == KindPtr {
			return p.decl(t.Target(), join(word, ident), depth+1, indent)
		}
		return word + " " + p.decl(t.Target(), ident, depth+1, indent)
	case KindTypeTag:
		return p.decl(t.Target(), join("__attribute__((btf_type_tag("+strconv.Quote(name)+")))", ident), depth+1, indent)
	case KindDeclTag:
		return p.decl(t.Target(), join("__attribute__((btf_decl_tag("+strconv.Quote(name)+")))", ident), depth+1, indent)
	case KindArray:
		a := t.Array()
		n := ""
		if a.Len != 0 {
			n = strconv.FormatUint(uint64(a.Len), 10)
		}
		return p.decl(a.Elem, ident+"["+n+"]", depth+1, indent)
	case KindFunc, KindVar:
		if ident == "" {
			ident = name
		}
		d := p.decl(t.Target(), ident, depth+1, indent)
		switch l := t.Linkage(); {
		case l == LinkStatic:
			return "static " + d
		case l == LinkExtern:
			return "extern " + d
		}
		return d
	case KindFuncProto:
		return p.decl(t.Target(), ident+"("+p.params(t, depth, indent)+")", depth+1, indent)
	}
	return join("/* ? */", ident)
}

func (p *printer) params(t Type, depth, indent int) string {
	if t.Vlen() == 0 {
		return "void"
	}
	var out []byte
	for i := range t.Vlen() {
		if i > 0 {
			out = append(out, ", "...)
		}
		q := t.Param(i)
		if p.fuel -= len(q.Name) / 16; p.fuel < 0 || q.Type == 0 && q.Name == "" {
			return string(append(out, "..."...))
		}
		out = append(out, p.decl(q.Type, q.Name, depth+1, indent)...)
	}
	return string(out)
}

func keyword(k Kind) string {
	switch k {
	case KindUnion:
		return "union"
	case KindEnum, KindEnum64:
		return "enum"
	}
	return "struct"
}

// body is a struct, union or enum with its braces.
func (p *printer) body(t Type, depth, indent int) string {
	out := append([]byte(keyword(t.Kind())), ' ')
	if name := t.Name(); name != "" {
		out = append(append(out, name...), ' ')
	}
	out = append(out, '{')
	for i := range t.Vlen() {
		out = newline(out, indent+1)
		if p.fuel--; p.fuel < 0 || depth > MaxDepth {
			out = append(out, "/* ... */"...)
			break
		}
		if t.Kind().IsEnum() {
			e := t.Enumerator(i)
			p.fuel -= len(e.Name) / 16
			out = appendEnumerator(out, t, e)
			continue
		}
		m := t.Member(i)
		p.fuel -= len(m.Name) / 16
		outer := p.base
		p.base += m.Offset
		out = append(out, p.decl(m.Type, m.Name, depth+1, indent+1)...)
		if m.Bits != 0 {
			out = append(out, ": "...)
			out = strconv.AppendUint(out, uint64(m.Bits), 10)
		}
		out = append(out, ';')
		if p.offsets && m.Bits != 0 {
			out = appendPlace(out, uint64(p.base/8), ", bit ", uint64(p.base%8))
		} else if p.offsets {
			n, _ := p.s.Size(m.Type)
			out = appendPlace(out, uint64(p.base/8), ", size ", uint64(n))
		}
		p.base = outer
	}
	out = newline(out, indent)
	return string(append(out, '}'))
}

// appendPlace is the comment that says where a member or variable lies.
func appendPlace(dst []byte, off uint64, what string, n uint64) []byte {
	dst = strconv.AppendUint(append(dst, " /* off "...), off, 10)
	dst = strconv.AppendUint(append(dst, what...), n, 10)
	return append(dst, " */"...)
}

func newline(dst []byte, indent int) []byte {
	dst = append(dst, '\n')
	for range indent {
		dst = append(dst, '\t')
	}
	return dst
}

func appendEnumerator(dst []byte, t Type, e Enumerator) []byte {
	dst = append(append(dst, e.Name...), " = "...)
	if t.KindFlag() {
		dst = strconv.AppendInt(dst, int64(e.Value), 10)
	} else {
		dst = strconv.AppendUint(dst, e.Value, 10)
	}
	return append(dst, ',')
}
