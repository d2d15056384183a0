package reactor

import (
	"errors"
	"testing"

	"skep/wasm/protocol"
)

func welcome(*protocol.GradeHello) *protocol.GradeWelcome {
	return &protocol.GradeWelcome{Kernel: "6.12"}
}

func TestAnswer(t *testing.T) {
	hello := protocol.Pack(nil, 7, &protocol.GradeHello{})
	greet := func(id uint16, frame []byte) (protocol.Encoder, error) {
		return Reply(frame, new(protocol.GradeHello), welcome)
	}
	for _, tc := range []struct {
		name    string
		frame   []byte
		answer  func(id uint16, frame []byte) (protocol.Encoder, error)
		session uint32
		failed  string // "" for a welcome
	}{
		{"welcome", hello, greet, 7, ""},
		{"short", []byte("garbage"), greet, 0, "frame: shorter than its header"},
		{"other message", protocol.Pack(nil, 7, &protocol.VerifyHello{}), greet, 7, "frame: unknown message number"},
		{"error", hello, func(uint16, []byte) (protocol.Encoder, error) { return nil, errors.New("no such thing") }, 7, "no such thing"},
		{"panic", hello, func(uint16, []byte) (protocol.Encoder, error) { panic("lost") }, 7, "the tester has a defect: lost"},
		{"run-time error", hello, func(_ uint16, frame []byte) (protocol.Encoder, error) { return nil, errors.New(string(frame[1<<20])) }, 7,
			"the tester has a defect: runtime error: index out of range [1048576] with length 8"},
		{"other panic", hello, func(uint16, []byte) (protocol.Encoder, error) { panic(1) }, 7, "the tester has a defect: unknown panic"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out := Answer([]byte("before"), tc.frame, "the tester", tc.answer)
			if string(out[:6]) != "before" {
				t.Fatalf("the reply is not appended: %q", out)
			}
			out = out[6:]
			h, err := protocol.ParseHeader(out)
			if err != nil || h.Session != tc.session {
				t.Fatalf("session %d (%v), want %d", h.Session, err, tc.session)
			}
			if tc.failed == "" {
				var w protocol.GradeWelcome
				if err := protocol.Parse(out, &w); err != nil || w.Kernel != "6.12" {
					t.Errorf("%+v, %v", w, err)
				}
				return
			}
			var f protocol.Failed
			if err := protocol.Parse(out, &f); err != nil || f.Problem.Message != tc.failed {
				t.Errorf("%q (%v), want %q", f.Problem.Message, err, tc.failed)
			}
		})
	}
}
