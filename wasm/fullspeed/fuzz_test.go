package fullspeed

import (
	"errors"
	"testing"

	"skep/jit/portable"
	"skep/jit/wasm"
	"skep/vm/maps"
	"skep/wasm/protocol"
)

// refusing links nothing: programs get as far as their code.
type refusing struct{}

var errRefused = errors.New("refused")

func (refusing) Link(*wasm.Module, *portable.Runner) (portable.Instance, error) {
	return nil, errRefused
}

// FuzzHandle: any frame is answered with a frame that begins with a text.
func FuzzHandle(f *testing.F) {
	p := Program{Type: "xdp", Insns: []byte{0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0}, Maps: []maps.Spec{
		{Name: "m", Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 4, Init: []maps.KV{{Key: make([]byte, 4), Value: make([]byte, 8)}}},
	}}
	f.Add(p.Append(nil))
	f.Add((&Input{Packet: []byte{1}}).Append(nil))
	f.Add([]byte{KindRun, 1, 0, 0, 0})
	f.Add([]byte{KindState})
	f.Add([]byte{KindRepeat, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, frame []byte) {
		e := Engine{Linker: refusing{}, Context: &portable.Context{}}
		for range 2 {
			r := protocol.NewReader(e.Handle(nil, frame))
			if r.Str() == "" || r.Err() != nil {
				t.Fatalf("%x was answered without a problem, though nothing can be linked (%v)", frame, r.Err())
			}
		}
	})
}

// What is loaded comes out of the frame as it went in.
func TestProgram(t *testing.T) {
	e := Engine{Linker: refusing{}, Context: &portable.Context{}}
	for want, p := range map[string]Program{
		"there is no program type \"nothing\"": {Type: "nothing"},
		"there is no map type \"unknown\"":     {Type: "xdp", Maps: []maps.Spec{{Type: 250}}},
	} {
		if got := protocol.NewReader(e.Handle(nil, p.Append(nil))).Str(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for frame, want := range map[string]string{
		string([]byte{KindState}): errProgram.Error(),
		string([]byte{77}):        errProgram.Error(),
		"":                        errProgram.Error(),
	} {
		if got := protocol.NewReader(e.Handle(nil, []byte(frame))).Str(); got != want {
			t.Errorf("%x: %q, want %q", frame, got, want)
		}
	}
}
