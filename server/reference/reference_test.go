package reference

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"io"
	"slices"
	"strings"
	"testing"

	"skep/vm/helper"
	"skep/vm/maps"
	"skep/wasm/protocol"
	"skep/wasm/session"
	"skep/wasm/verdict"
)

// Every example does what it is there for: the verifier takes it, it runs
// without a fault, and it calls the helpers and has the maps that link to it.
func TestSnippets(t *testing.T) {
	all, err := snippets()
	if err != nil {
		t.Fatal(err)
	}
	shownHelpers, shownMaps := map[string]bool{}, map[string]bool{}
	for i := range all {
		sn := &all[i]
		t.Run(sn.name, func(t *testing.T) {
			src := protocol.WireSource{Text: sn.text}
			v := verdict.Verify(&protocol.Verify{Source: src, Options: protocol.VerifyOptions{Privilege: protocol.PrivilegeRoot}})
			if v.Outcome != protocol.OutcomeAccepted {
				t.Errorf("the verifier: %v %+v", v.Outcome, v.Problems)
			}
			s := session.New()
			l := s.Load(src)
			if l.Listing == nil {
				t.Fatalf("%+v", l.Problems)
			}
			st := s.Start(protocol.WireInput{Text: strings.Join(sn.input, "\n")}, session.DefaultOptions(), sn.entries)
			if st.View == nil {
				t.Fatalf("%+v", st.Problems)
			}
			called := map[string]bool{}
			view := st.View
			for view.Stop == protocol.StopReasonStart || view.Stop == protocol.StopReasonMoved {
				view = s.Move(protocol.MovementStep, 1, protocol.WireWatch{}, 100).View
				for _, c := range view.Calls {
					called[c.Name] = true
				}
			}
			if view.Fault != nil {
				t.Errorf("fault: %s", view.Fault.Message)
			}
			for _, name := range sn.shows {
				if helper.ByName(name) != nil {
					shownHelpers[name] = true
					if !called[name] {
						t.Errorf("%s is never called: %v", name, called)
					}
				} else if typ, ok := maps.ByName(name); ok {
					shownMaps[name] = true
					if !slices.ContainsFunc(l.Listing.Maps, func(m protocol.MapInfo) bool { return m.Type == typ.String() }) {
						t.Errorf("there is no map of type %s", name)
					}
				} else {
					t.Errorf("%q is neither a helper nor a map type", name)
				}
			}
			if title := sn.title(); len(title) < 8 || len(title) > 72 || strings.Contains(title, "\n") {
				t.Errorf("title %q", title)
			}
			link, err := sn.link()
			if err != nil {
				t.Fatal(err)
			}
			body, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(link, "#1."))
			if err != nil {
				t.Fatal(err)
			}
			plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(body[4:])))
			if err != nil {
				t.Fatal(err)
			}
			var rec protocol.LinkRecord
			r := protocol.NewReader(plain)
			rec.Decode(r)
			if r.Err() != nil || r.Rest() != 0 || rec.Text != sn.text {
				t.Errorf("the link does not hold the program: %v", r.Err())
			}
		})
	}
	t.Logf("%d helpers and %d map types have an example", len(shownHelpers), len(shownMaps))
	if len(shownHelpers) < 25 || len(shownMaps) < 15 {
		t.Errorf("%d helpers and %d map types have an example, at least 25 and 15 are promised", len(shownHelpers), len(shownMaps))
	}
}

func TestData(t *testing.T) {
	d := Data()
	if len(d.Helpers) != 211 || len(d.Maps) != 33 || len(d.Programs) != 32 {
		t.Errorf("%d helpers, %d maps, %d program types", len(d.Helpers), len(d.Maps), len(d.Programs))
	}
	ids := map[string]string{}
	id := func(page, id string) {
		if id == "" || strings.ContainsAny(id, " \"") || ids[page+id] != "" {
			t.Errorf("%s: id %q is empty, twice there or no id", page, id)
		}
		ids[page+id] = id
	}
	for _, h := range d.Helpers {
		id("helpers ", h.Name)
		if h.Doc == "" || h.Since == "" || len(h.Programs) == 0 && h.Name != "bpf_override_return" {
			t.Errorf("%s: %+v", h.Name, h)
		}
	}
	for _, m := range d.Maps {
		id("maps ", m.Name)
		for _, h := range m.Helpers {
			if helper.ByName(h) == nil {
				t.Errorf("%s names %s, which is no helper", m.Name, h)
			}
		}
	}
	for _, p := range d.Programs {
		id("programs ", p.Name)
	}
	n := 0
	for _, g := range d.Instructions {
		id("instructions ", g.ID)
		for _, r := range g.Rows {
			n++
			id("instructions ", r.ID)
		}
	}
	if n != 182 {
		t.Errorf("%d instruction forms, the table has 182", n)
	}
}

// What is listed with a map type takes a map, or a record of one.
func TestReach(t *testing.T) {
	for i := 1; i < maps.NumTypes; i++ {
		for _, name := range reach[i] {
			p := helper.ByName(name)
			takes := slices.ContainsFunc(p.Args[:], func(k helper.ArgKind) bool {
				return k.Base() == helper.ArgConstMapPtr || k.Base() == helper.ArgPtrToRingbufMem || k.Base() == helper.ArgPtrToDynptr
			})
			if !takes {
				t.Errorf("%s takes no map, but is listed with %v", name, maps.Type(i))
			}
		}
	}
}
