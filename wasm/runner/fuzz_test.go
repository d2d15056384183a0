package runner

import (
	"errors"
	"testing"

	"skep/jit/portable"
	"skep/jit/wasm"
	"skep/wasm/protocol"
)

// paper is a page that links nothing: programs get as far as their code.
type paper struct{}

func (paper) Link(*wasm.Module, *portable.Runner) (portable.Instance, error) {
	return nil, errors.New("refused")
}
func (paper) Now() uint64 { return 0 }

func start(e *Engine, input string) {
	e.Handle(nil, protocol.Pack(nil, 1, &protocol.Load{Source: protocol.WireSource{Text: "r0 = 2\nexit"}}))
	e.Handle(nil, protocol.Pack(nil, 1, &protocol.Start{Input: protocol.WireInput{Text: input}}))
}

// FuzzHandle: any frames are answered with one that is whole.
func FuzzHandle(f *testing.F) {
	f.Add(protocol.Pack(nil, 1, &protocol.FullStart{Repeat: 3, Facts: &protocol.Facts{Dead: []uint32{0}}}))
	f.Add(protocol.Pack(nil, 1, &protocol.FullRun{Fuel: 1}))
	f.Add(protocol.Pack(nil, 1, &protocol.FullMeasure{Runs: 1}))
	f.Add(protocol.Pack(nil, 2, &protocol.FullRun{Stop: true}))
	f.Add(protocol.Pack(nil, 1, &protocol.Look{}))
	f.Add(protocol.Pack(nil, 1, &protocol.Close{}))
	f.Fuzz(func(t *testing.T, frame []byte) {
		e := Engine{Page: paper{}}
		start(&e, "eth")
		for range 2 {
			if _, err := protocol.ParseHeader(e.Handle(nil, frame)); err != nil {
				t.Fatalf("%x was answered with what is no frame: %v", frame, err)
			}
		}
	})
}

// What cannot be begun is said; a session that is started anew can be stepped.
func TestRefused(t *testing.T) {
	e := Engine{Page: paper{}}
	ask := func(q protocol.Message, a protocol.Decoder) {
		t.Helper()
		if err := protocol.ParseOne(e.Handle(nil, protocol.Pack(nil, 1, q)), a); err != nil {
			t.Fatal(err)
		}
	}
	var s protocol.FullStarted
	if ask(&protocol.FullStart{}, &s); len(s.Problems) != 1 || s.Problems[0].Message != "nothing is running yet" {
		t.Errorf("without a program: %+v", s.Problems)
	}
	start(&e, "eth")
	if ask(&protocol.FullStart{}, &s); len(s.Problems) != 1 || s.Problems[0].Message != "refused" {
		t.Errorf("code that is not linked: %+v", s.Problems)
	}
	var failed protocol.Failed
	ask(&protocol.FullRun{Fuel: 1}, &failed)
	ask(&protocol.FullMeasure{Runs: 1}, &failed)
	start(&e, "eth")
	var m protocol.Moved
	if ask(&protocol.Look{}, &m); m.View == nil {
		t.Error("a session that was started anew has no view")
	}
}
