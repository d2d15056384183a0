package btf

import "testing"

// exercise calls everything that looks into a blob.
func exercise(s *Spec, data []byte) {
	for i := 0; i < min(s.Len(), 50); i++ {
		id := ID(i)
		t := s.Type(id)
		s.Size(id)
		s.TypeName(id)
		s.AppendLayout(nil, id)
		s.AppendValue(nil, id, data[:min(len(data), 64)])
		s.StructAccess(id, uint32(i), 4, true)
		s.PathAt(id, uint32(i))
		s.Lookup(t.Name(), t.Kind())
		t.MemberByName("x")
		t.Int()
		t.Array()
		t.Component()
		t.Linkage()
		for j := range min(t.Vlen(), 8) {
			t.Member(j)
			t.Param(j)
			t.Enumerator(j)
			t.SecVar(j)
		}
	}
	r := NewRelocator(s, s)
	for i := 0; i < min(s.Len(), 20); i++ {
		for k := CoreKind(0); k <= numCoreKinds; k++ {
			for _, access := range []string{"0", "0:1", "1:0:0", ""} {
				relo := CoreRelo{Type: ID(i), Access: access, Kind: k}
				r.Fix(relo)
				s.AppendCoreRelo(nil, relo)
			}
		}
	}
}

func FuzzBTF(f *testing.F) {
	t := &testing.T{}
	f.Add(newSample(t).b.Bytes())
	var loop Builder
	loop.Typedef("t", 1)
	loop.Struct("s", 8, Member{Name: "s", Type: 2}, Member{Type: 2})
	f.Add(loop.Bytes())
	f.Fuzz(func(t *testing.T, blob []byte) {
		s, err := Parse(blob)
		if err != nil {
			return
		}
		exercise(s, blob)
		if _, err := ParseSplit(blob, s); err == nil {
			s2, _ := ParseSplit(blob, s)
			exercise(s2, blob)
		}
	})
}

func FuzzBTFExt(f *testing.F) {
	var b Builder
	i := b.Int("int", 4, IntSigned)
	fn := b.Func("prog", b.FuncProto(i), LinkGlobal)
	e := NewExtBuilder(&b)
	e.Funcs("xdp", FuncInfo{0, fn})
	e.Lines("xdp", Line{0, "a.c", "int x;", 1, 2}, Line{3, "a.c", "}", 2, 1})
	e.CoreRelos("xdp", CoreRelo{1, i, "0:1", CoreFieldExists})
	s, err := Parse(b.Bytes())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(e.Bytes())
	f.Fuzz(func(t *testing.T, blob []byte) {
		x, err := ParseExt(blob, s)
		if err != nil {
			return
		}
		for _, name := range x.Sections() {
			x.Funcs(name)
			lines, _ := x.Lines(name)
			for _, l := range lines {
				s.Line(l)
			}
			relos, _ := x.CoreRelos(name)
			for _, r := range relos {
				s.AppendCoreRelo(nil, r)
			}
		}
	})
}
