package btf

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parse(t *testing.T, b *Builder) *Spec {
	t.Helper()
	s, err := Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParseErrors(t *testing.T) {
	good := func() []byte {
		var b Builder
		i := b.Int("int", 4, IntSigned)
		b.Struct("s", 4, Member{Name: "m", Type: i})
		return b.Bytes()
	}
	put := func(off int, v uint32) func() []byte {
		return func() []byte {
			blob := good()
			binary.LittleEndian.PutUint32(blob[off:], v)
			return blob
		}
	}
	for _, c := range []struct {
		name string
		blob func() []byte
		want string
	}{
		{"empty", func() []byte { return nil }, "btf: at byte 0: the header takes 24 bytes and there are 0"},
		{"magic", put(0, 0x01020304), "btf: at byte 0: no BTF: the magic number 0xeb9f is missing"},
		{"big endian", put(0, 0x0001_9feb), "btf: at byte 0: big-endian BTF is not supported: compile with -target bpfel"},
		{"version", put(0, 0x0002_eb9f), "btf: at byte 2: version 2 is not known, expected 1"},
		{"header", put(4, 9), "btf: at byte 4: header length 9 does not fit a blob of 73 bytes"},
		{"types", put(12, 999), "btf: at byte 8: type section, offset 0 length 999, ends behind the blob of 73 bytes"},
		{"strings", put(20, 999), "btf: at byte 16: string section, offset 40 length 999, ends behind the blob of 73 bytes"},
		{"no NUL", func() []byte { return append(good()[:72], 'x') }, "btf: at byte 72: the string section must end with a NUL byte"},
		{"kind", put(28, 20<<24), "btf: type 1 at byte 28: kind 20 is not known, expected 1 to 19"},
		{"int name", put(24, 77), "btf: type 1 at byte 24: int names string 77, the string section has 9 bytes"},
		{"int bits", put(36, 33), "btf: type 1 at byte 36: int of 4 bytes cannot hold 33 bits at bit 0"},
		{"short struct", put(44, 4<<24|9), "btf: type 2 at byte 40: struct takes 120 bytes and the section has 24 left"},
		{"member name", put(52, 77), "btf: type 2 at byte 52: struct names string 77, the string section has 9 bytes"},
		{"member type", put(56, 7), "btf: type 2 at byte 56: struct refers to type 7, the last is 2"},
	} {
		blob := c.blob()
		if c.name == "no NUL" {
			blob = good()
			blob[len(blob)-1] = 'x'
		}
		_, err := Parse(blob)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
		}
	}
	if _, err := Parse(good()); err != nil {
		t.Error(err)
	}
}

// TestLargerHeader accepts the header of a later version.
func TestLargerHeader(t *testing.T) {
	var b Builder
	b.Int("int", 4, IntSigned)
	blob := b.Bytes()
	longer := append(append(append([]byte(nil), blob[:24]...), make([]byte, 8)...), blob[24:]...)
	binary.LittleEndian.PutUint32(longer[4:], 32)
	s, err := Parse(longer)
	if err != nil || s.Name(1) != "int" {
		t.Fatalf("%v", err)
	}
}

// TestLoops makes types that contain themselves: nothing may hang on them.
func TestLoops(t *testing.T) {
	var b Builder
	b.Typedef("t", 1)
	b.Const(2)
	b.Array(3, 3, 1<<31)
	b.Struct("s", 8, Member{Name: "s", Type: 4}, Member{Name: "s2", Type: 4}, Member{Type: 4}, Member{Type: 4})
	b.Pointer(5)
	b.FuncProto(6, Param{"a", 6}, Param{"b", 6})
	b.Var("v", b.Next(), LinkGlobal)
	s := parse(t, &b)
	for id := ID(0); int(id) < s.Len(); id++ {
		s.Size(id)
		s.Resolve(id)
		s.AppendDef(nil, id)
		s.AppendValue(nil, id, make([]byte, 64))
		s.PathAt(id, 3)
		s.StructAccess(id, 3, 4, true)
	}
}

func TestSplit(t *testing.T) {
	var base Builder
	i := base.Int("int", 4, IntSigned)
	base.Struct("pair", 8, Member{Name: "a", Type: i}, Member{Name: "b", Type: i, Offset: 32})
	bs := parse(t, &base)
	split := NewSplitBuilder(bs)
	st := split.Struct("more", 12, Member{Name: "a", Type: i}, Member{Name: "p", Type: 2, Offset: 32})
	s, err := ParseSplit(split.Bytes(), bs)
	if err != nil {
		t.Fatal(err)
	}
	if st != 3 || s.FirstID() != 3 || s.Len() != 4 || s.Base() != bs {
		t.Errorf("id %d first %d len %d", st, s.FirstID(), s.Len())
	}
	if got := string(s.AppendDef(nil, st)); got != "struct more {\n\tint a;\n\tstruct pair p;\n};" {
		t.Error(got)
	}
	for _, name := range []string{"pair", "more"} {
		if _, ok := s.Lookup(name, KindStruct); !ok {
			t.Errorf("%s not found", name)
		}
	}
}

func TestEssentialName(t *testing.T) {
	for name, want := range map[string]string{
		"task_struct": "task_struct", "task_struct___old": "task_struct", "a___b": "a", "a___b___c": "a___b",
		"a____b": "a____b", "___b": "___b", "a___": "a___", "": "", "x__y": "x__y", "ab___cd_": "ab",
	} {
		if got := EssentialName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// sample has a type of each kind.
type sample struct {
	*Spec
	b                                                                   Builder
	int, u32, u64, char, bool, i128, ptr, str, pair, bits, arr, flex    ID
	union, nested, enum, enum64, enumNeg, fwd, void, fn, fnptr, typedef ID
	constPtr, ptrConst, tagged, variable, sec, float, double, function  ID
	arrPtr, matrix, holey                                               ID
}

func newSample(t *testing.T) *sample {
	var s sample
	b := &s.b
	s.int = b.Int("int", 4, IntSigned)
	s.u32 = b.Int("unsigned int", 4, 0)
	s.u64 = b.Int("long long unsigned int", 8, 0)
	s.char = b.Int("char", 1, IntSigned)
	s.bool = b.Int("_Bool", 1, IntBool)
	s.i128 = b.Int("__int128", 16, IntSigned)
	s.str = b.Array(s.char, s.u32, 8)
	s.pair = b.Struct("pair", 8, Member{Name: "a", Type: s.int}, Member{Name: "b", Type: s.u32, Offset: 32})
	s.ptr = b.Pointer(s.pair)
	s.enum = b.Enum("color", 4, false, Enumerator{"RED", 1}, Enumerator{"GREEN", 2})
	s.enumNeg = b.Enum("sign", 4, true, Enumerator{"NEG", ^uint64(0)}, Enumerator{"POS", 1})
	s.enum64 = b.Enum64("huge", false, Enumerator{"BIG", 1 << 40})
	s.bits = b.Struct("bits", 8, Member{Name: "x", Type: s.u32, Bits: 3}, Member{Name: "y", Type: s.int, Offset: 3, Bits: 7},
		Member{Name: "e", Type: s.enum, Offset: 10, Bits: 2}, Member{Name: "z", Type: s.u32, Offset: 32})
	s.arr = b.Array(s.pair, s.u32, 2)
	s.flex = b.Struct("flex", 4, Member{Name: "n", Type: s.u32}, Member{Name: "tail", Type: b.Next() + 1, Offset: 32})
	b.Array(s.u32, s.u32, 0)
	s.union = b.Union("either", 8, Member{Name: "i", Type: s.int}, Member{Name: "l", Type: s.u64})
	anon := b.Union("", 4, Member{Name: "u", Type: s.u32}, Member{Name: "c", Type: b.Next() + 1})
	b.Array(s.char, s.u32, 4)
	s.nested = b.Struct("nested", 32, Member{Type: anon}, Member{Name: "p", Type: s.pair, Offset: 32},
		Member{Name: "name", Type: s.str, Offset: 96}, Member{Name: "next", Type: s.ptr, Offset: 192})
	s.fwd = b.Fwd("opaque", false)
	s.void = b.Pointer(0)
	proto := b.FuncProto(s.int, Param{"ctx", s.void}, Param{"p", s.ptr}, Param{})
	s.fn = b.Func("handler", proto, LinkGlobal)
	s.function = proto
	s.fnptr = b.Pointer(proto)
	s.typedef = b.Typedef("handler_t", s.fnptr)
	s.constPtr = b.Const(s.ptr)
	s.ptrConst = b.Pointer(b.Const(s.char))
	s.tagged = b.Pointer(b.TypeTag("user", s.pair))
	s.variable = b.Var("counter", s.u64, LinkStatic)
	s.sec = b.Datasec(".bss", 12, SecVar{s.variable, 0, 8}, SecVar{b.Var("level", s.int, LinkGlobal), 8, 4})
	s.float = b.Float("float", 4)
	s.double = b.Float("double", 8)
	s.arrPtr = b.Pointer(s.arr)
	s.matrix = b.Array(b.Array(s.int, s.u32, 3), s.u32, 2)
	b.DeclTag("tag", s.pair, 1)
	b.Volatile(s.int)
	b.Restrict(s.ptr)
	s.holey = b.Struct("holey", 16, Member{Name: "a", Type: s.int}, Member{Name: "b", Type: s.u64, Offset: 64})
	s.Spec = parse(t, b)
	return &s
}

func TestTypeName(t *testing.T) {
	s := newSample(t)
	for _, c := range []struct {
		id   ID
		name string
		want string
	}{
		{0, "", "void"},
		{s.int, "x", "int x"},
		{s.ptr, "p", "struct pair *p"},
		{s.ptr, "", "struct pair *"},
		{s.str, "name", "char name[8]"},
		{s.str, "", "char[8]"},
		{s.matrix, "m", "int m[2][3]"},
		{s.arrPtr, "pa", "struct pair (*pa)[2]"},
		{s.fnptr, "cb", "int (*cb)(void *ctx, struct pair *p, ...)"},
		{s.fn, "", "int handler(void *ctx, struct pair *p, ...)"},
		{s.typedef, "h", "handler_t h"},
		{s.constPtr, "p", "struct pair *const p"},
		{s.ptrConst, "s", "const char *s"},
		{s.tagged, "u", `struct pair __attribute__((btf_type_tag("user"))) *u`},
		{s.variable, "", "static long long unsigned int counter"},
		{s.enum, "e", "enum color e"},
		{s.fwd, "", "struct opaque"},
	} {
		if got := string(s.AppendDecl(nil, c.id, c.name)); got != c.want {
			t.Errorf("type %d: %q, want %q", c.id, got, c.want)
		}
	}
	for id, want := range map[ID]string{
		s.bits:    "struct bits {\n\tunsigned int x: 3;\n\tint y: 7;\n\tenum color e: 2;\n\tunsigned int z;\n};",
		s.nested:  "struct nested {\n\tunion {\n\t\tunsigned int u;\n\t\tchar c[4];\n\t};\n\tstruct pair p;\n\tchar name[8];\n\tstruct pair *next;\n};",
		s.enumNeg: "enum sign {\n\tNEG = -1,\n\tPOS = 1,\n};",
		s.flex:    "struct flex {\n\tunsigned int n;\n\tunsigned int tail[];\n};",
		s.typedef: "typedef int (*handler_t)(void *ctx, struct pair *p, ...);",
		s.sec:     "static long long unsigned int counter; /* off 0, size 8 */\nint level; /* off 8, size 4 */",
		s.fn:      "int handler(void *ctx, struct pair *p, ...);",
	} {
		if got := string(s.AppendDef(nil, id)); got != want {
			t.Errorf("type %d:\n%s\nwant\n%s", id, got, want)
		}
	}
}

func TestValue(t *testing.T) {
	s := newSample(t)
	bytes := func(words ...any) []byte {
		var b []byte
		for _, w := range words {
			switch w := w.(type) {
			case string:
				b = append(b, w...)
			case int:
				b = binary.LittleEndian.AppendUint32(b, uint32(w))
			case uint64:
				b = binary.LittleEndian.AppendUint64(b, w)
			}
		}
		return b
	}
	for _, c := range []struct {
		name string
		id   ID
		data []byte
		want string
	}{
		{"int", s.int, bytes(-3), "-3"},
		{"unsigned", s.u32, bytes(-1), "4294967295"},
		{"u64", s.u64, bytes(uint64(1<<63 + 1)), "9223372036854775809"},
		{"char", s.char, []byte("A"), "65"},
		{"bool", s.bool, []byte{1}, "true"},
		{"i128", s.i128, bytes(uint64(5), uint64(1)), `"0x10000000000000005"`},
		{"pointer", s.ptr, bytes(uint64(4096)), "4096"},
		{"string", s.str, []byte("eth0\x00\x00\x00\x00"), `"eth0"`},
		{"quotes", s.str, []byte("a\"b\\\x00..."), `"a\"b\\"`},
		{"no string", s.str, []byte{1, 2, 0, 0, 0, 0, 0, 0}, "[1,2,0,0,0,0,0,0]"},
		{"unterminated", s.str, []byte("abcdefgh"), "[97,98,99,100,101,102,103,104]"},
		{"struct", s.pair, bytes(-1, 2), `{"a":-1,"b":2}`},
		{"bitfields", s.bits, bytes(5|(0x7f<<3)|(2<<10), 9), `{"x":5,"y":-1,"e":"GREEN","z":9}`},
		{"array", s.arr, bytes(1, 2, 3, 4), `[{"a":1,"b":2},{"a":3,"b":4}]`},
		{"matrix", s.matrix, bytes(1, 2, 3, 4, 5, 6), "[[1,2,3],[4,5,6]]"},
		{"flexible", s.flex, bytes(2, 7, 8), `{"n":2,"tail":[7,8]}`},
		{"flexible empty", s.flex, bytes(0), `{"n":0,"tail":[]}`},
		{"union", s.union, bytes(uint64(1<<32 | 7)), `{"i":7,"l":4294967303}`},
		{"nested", s.nested, bytes(65, 1, 2, "name\x00\x00\x00\x00", 0, uint64(16)),
			`{"u":65,"c":"A","p":{"a":1,"b":2},"name":"name","next":16}`},
		{"enum", s.enum, bytes(2), `"GREEN"`},
		{"enum other", s.enum, bytes(9), "9"},
		{"enum negative", s.enumNeg, bytes(-1), `"NEG"`},
		{"enum64", s.enum64, bytes(uint64(1 << 40)), `"BIG"`},
		{"typedef", s.typedef, bytes(uint64(1)), "1"},
		{"float", s.float, bytes(0x3fc00000), "1.5"},
		{"double", s.double, bytes(uint64(0x7ff8000000000000)), `"NaN"`},
		{"section", s.sec, bytes(uint64(8), -2), `{"counter":8,"level":-2}`},
		{"short", s.pair, bytes(1), `{"a":1,"b":null}`},
		{"void", 0, nil, "null"},
	} {
		if got := string(s.AppendValue(nil, c.id, c.data)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestWalk(t *testing.T) {
	s := newSample(t)
	var got []string
	data := make([]byte, 32)
	data[0], data[4], data[8] = 'x', 7, 9
	copy(data[12:], "eth0")
	s.Walk(s.nested, data, func(n Node) bool {
		got = append(got, strings.Repeat(" ", n.Depth)+n.Name+":"+dec(n.Offset/8)+":"+dec(n.Bits)+" "+s.TypeName(n.Type)+" "+n.Text)
		return true
	})
	want := []string{
		":0:256 struct nested ",
		" u:0:32 unsigned int 120",
		` c:0:32 char[4] "x"`,
		" p:4:64 struct pair ",
		"  a:4:32 int 7",
		"  b:8:32 unsigned int 9",
		` name:12:64 char[8] "eth0"`,
		" next:24:64 struct pair * 0x0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestStructWalk(t *testing.T) {
	s := newSample(t)
	for _, c := range []struct {
		name      string
		id        ID
		off, size uint32
		want      string
	}{
		{"scalar", s.pair, 4, 4, "scalar"},
		{"part of a scalar", s.pair, 5, 2, "scalar"},
		{"scalar in struct", s.nested, 8, 4, "scalar"},
		{"pointer", s.nested, 24, 8, "ptr pair next"},
		{"half a pointer", s.nested, 24, 4, "cannot access ptr member next with moff 24 in struct nested with off 24 size 4"},
		{"beyond", s.pair, 8, 4, "access beyond struct pair at off 8 size 4"},
		{"over the end of a member", s.pair, 2, 4, "access beyond the end of member a (mend:4) in struct pair with off 2 size 4"},
		{"hole", s.holey, 4, 4, "struct holey doesn't have field at offset 4"},
		{"bitfield", s.bits, 0, 4, "scalar"},
		{"flexible", s.flex, 12, 4, "scalar"},
		{"no struct", s.int, 0, 4, "Type 'int' is not a struct"},
	} {
		w, err := s.StructAccess(c.id, c.off, c.size, true)
		got := "scalar"
		switch {
		case err != nil:
			got = err.Msg
		case w.Kind == WalkPtr:
			got = "ptr " + s.Name(w.Type) + " " + w.Field
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if w, err := s.StructWalk(s.nested, 4, 4, 0, true); err != nil || w.Kind != WalkStruct || s.Name(w.Type) != "pair" {
		t.Errorf("%+v %v", w, err)
	}
	if w, err := s.StructAccess(s.nested, 0, 4, true); err != nil || w.Kind != WalkScalar || w.Flags != PtrUntrusted {
		t.Errorf("through a union: %+v %v", w, err)
	}
}

func TestPath(t *testing.T) {
	s := newSample(t)
	for _, c := range []struct {
		id   ID
		off  uint32
		want string
	}{
		{s.nested, 8, "p.b"}, {s.nested, 0, "u"}, {s.nested, 13, "name[1]"}, {s.arr, 12, "[1].b"}, {s.flex, 12, "tail[2]"},
		{s.matrix, 20, "[1][2]"}, {s.bits, 4, "z"}, {s.int, 0, ""}, {s.nested, 99, ""},
	} {
		if got := string(AppendPath(nil, s.PathAt(c.id, c.off))); got != c.want {
			t.Errorf("type %d offset %d: %q, want %q", c.id, c.off, got, c.want)
		}
	}
}

func TestExt(t *testing.T) {
	var b Builder
	i := b.Int("int", 4, IntSigned)
	f := b.Func("prog", b.FuncProto(i), LinkGlobal)
	e := NewExtBuilder(&b)
	lines := []Line{{0, "a.c", "\treturn f();", 3, 9}, {2, "a.c", "}", 4, 1}}
	e.Funcs("xdp", FuncInfo{0, f})
	e.Lines("xdp", lines...)
	e.CoreRelos("tc", CoreRelo{1, i, "0:1", CoreFieldExists})
	s := parse(t, &b)
	x, err := ParseExt(e.Bytes(), s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"tc", "xdp"}, x.Sections()); diff != "" {
		t.Error(diff)
	}
	infos, err := x.Lines("xdp")
	if err != nil || len(infos) != 2 {
		t.Fatal(infos, err)
	}
	for pc, want := range map[int]Line{0: lines[0], 1: lines[0], 2: lines[1], 77: lines[1]} {
		l, ok := LineAt(infos, pc)
		if diff := cmp.Diff(want, s.Line(l)); !ok || diff != "" {
			t.Errorf("%d: %s", pc, diff)
		}
	}
	relos, _ := x.CoreRelos("tc")
	if diff := cmp.Diff([]CoreRelo{{1, i, "0:1", CoreFieldExists}}, relos); diff != "" {
		t.Error(diff)
	}
	raw := EncodeLineInfo(infos)
	again, err := DecodeLineInfo(raw, LineInfoSize)
	if diff := cmp.Diff(infos, again); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if _, err := DecodeLineInfo(raw[:5], LineInfoSize); err == nil {
		t.Error("half a record is accepted")
	}
	blob := e.Bytes()
	blob[32] = 2
	if _, err := ParseExt(blob, s); err == nil || !strings.Contains(err.Error(), "func_info: record size 2") {
		t.Error(err)
	}
}

func TestFix(t *testing.T) {
	var b Builder
	i := b.Int("int", 4, IntSigned)
	f := b.Func("kfunc", b.FuncProto(i, Param{"", i}, Param{"b", i}), LinkExtern)
	v := b.Var("extern", f, LinkExtern)
	sec := b.Datasec(".ksyms", 0, SecVar{f, 0, 0}, SecVar{v, 0, 0})
	var dummy ID
	s, err := Parse(parse(t, &b).Extend(func(b *Builder) { dummy = b.Var("dummy", i, LinkGlobal) }))
	if err != nil {
		t.Fatal(err)
	}
	s.SetDatasec(sec, 8, []SecVar{{dummy, 0, 4}, {v, 4, 4}})
	s.SetLinkage(f, LinkGlobal)
	s.SetLinkage(v, LinkGlobal)
	s.SetVarType(v, i)
	s.NameParams(s.Type(f).Target(), dummy)
	again, err := Parse(s.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	got := string(again.AppendDef(nil, sec)) + "\n" + string(again.AppendDef(nil, f))
	want := "int dummy; /* off 0, size 4 */\nint extern; /* off 4, size 4 */\nint kfunc(int dummy, int b);"
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
