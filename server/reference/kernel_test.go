package reference

import (
	"encoding/hex"
	"io/fs"
	"os"
	"strings"
	"testing"

	"skep/server/sandbox"
	"skep/server/sandbox/sandboxtest"
	"skep/verifier"
	"skep/vm/btf"
	"skep/vm/isa"
	"skep/vm/object"
	"skep/wasm/protocol"
	"skep/wasm/verdict"
	"skep/web"
)

// TestKernelAccepts: what the pages show is taken by a real kernel, every
// program of the gallery and every example of the reference, but for the one
// that is there to be refused.
func TestKernelAccepts(t *testing.T) {
	client := sandboxtest.Require(t, Kernel)
	k, err := sandbox.FindKernel(Kernel)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(k.BTFFile())
	if err != nil {
		t.Fatal(err)
	}
	types, err := btf.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	refused := map[string]bool{"past-the-end": true}
	var recs []*sandbox.Record
	var want []bool
	add := func(name string, src protocol.WireSource, programs int) {
		for i := range programs {
			l, problems := verdict.Load(src, i, verdict.Options{
				Privilege: verifier.Root, Relocate: func(o *object.Object) ([]object.Program, error) { return o.Relocate(types) },
			})
			if l == nil {
				t.Errorf("%s: %+v", name, problems)
				continue
			}
			recs = append(recs, record(name, l.Program))
			want = append(want, !refused[name])
		}
	}
	list, err := snippets()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		add("snippet "+s.name, protocol.WireSource{Text: s.text}, 1)
	}
	m, err := web.ReadManifest(web.Assets())
	if err != nil {
		t.Skip(err) // make web builds the gallery
	}
	for _, e := range m.Examples {
		body, err := fs.ReadFile(web.Assets(), e.Source)
		if e.Object != "" {
			body, err = fs.ReadFile(web.Assets(), e.Object)
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Object == "" {
			add(e.ID, protocol.WireSource{Text: string(body)}, 1)
			continue
		}
		o, err := object.LoadNamed(body, e.ID)
		if err != nil {
			t.Fatal(err)
		}
		add(e.ID, protocol.WireSource{Kind: protocol.SourceKindObject, Bytes: body, Name: e.ID}, len(o.Programs))
	}
	for i, v := range client.VerifyAll(t, recs) {
		if v.OK != want[i] {
			t.Errorf("%s: the kernel says %v: %s %s", recs[i].ID, v.OK, v.Error, tail(v.Log))
		}
	}
	t.Logf("%d programs", len(recs))
}

// tail is the end of a log, where it says what is wrong.
func tail(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	return strings.Join(lines[max(0, len(lines)-4):], " | ")
}

func record(name string, p *verifier.Program) *sandbox.Record {
	r := &sandbox.Record{
		ID: name, ProgType: p.Type.String(), ExpectedAttachType: uint32(p.Attach), ProgFlags: p.Flags, LogLevel: verifier.LogLevel1,
		Insns: isa.EncodeAll(p.Insns), FuncInfo: p.FuncInfo, LineInfo: p.LineInfo, AttachTo: p.AttachTo, BTF: blob(p.BTF),
	}
	if p.GPL {
		r.License = "GPL"
	}
	for i := range p.Maps {
		r.Maps = append(r.Maps, recordMap(&p.Maps[i]))
	}
	return r
}

func recordMap(m *verifier.MapInfo) sandbox.RecordMap {
	r := sandbox.RecordMap{
		Name: m.Name, Type: m.Type.String(), KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries, MapFlags: m.Flags,
		MapExtra: m.Extra, BTF: blob(m.BTF), KeyTypeID: uint32(m.KeyType), ValueTypeID: uint32(m.ValueType), Data: m.Data, Frozen: m.Frozen,
	}
	if m.Inner != nil {
		in := recordMap(m.Inner)
		r.Inner = &in
	}
	return r
}

func blob(s *btf.Spec) string {
	if s == nil {
		return ""
	}
	return hex.EncodeToString(s.Bytes())
}
