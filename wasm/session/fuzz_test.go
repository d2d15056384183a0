package session

import (
	"encoding/hex"
	"strings"
	"testing"

	"skep/wasm/protocol"
)

// FuzzHandle: no sequence of frames makes the engine panic or hang.
func FuzzHandle(f *testing.F) {
	add := func(ms ...protocol.Message) {
		var b []byte
		for _, m := range ms {
			frame := protocol.Pack(nil, 1, m)
			b = append(b, byte(len(frame)), byte(len(frame)>>8))
			b = append(b, frame...)
		}
		f.Add(b)
	}
	opts := DefaultOptions()
	opts.Budget = 2000
	for _, p := range programs {
		add(&protocol.Load{Source: protocol.WireSource{Text: p.source}},
			&protocol.Start{Input: protocol.WireInput{Text: three}, Options: opts},
			&protocol.Breakpoints{PCs: []uint32{3}},
			&protocol.Move{Movement: protocol.MovementRun, Slice: 100},
			&protocol.Continue{Slice: 100},
			&protocol.LastWrite{Watch: protocol.WireWatch{Reg: 3}},
			&protocol.Move{Movement: protocol.MovementPrevChange, Slice: 100, Watch: protocol.WireWatch{Reg: 1}},
			&protocol.MapEntries{Count: 10}, &protocol.Memory{Region: 83904}, &protocol.OutputPcap{}, &protocol.Look{})
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Engine
		for range 20 {
			if len(b) < 2 {
				return
			}
			n := min(int(b[0])|int(b[1])<<8, len(b)-2)
			frame := b[2 : 2+n]
			b = b[2+n:]
			if _, m, err := protocol.ParseRequest(frame); err == nil {
				if st, ok := m.(*protocol.Start); ok && st.Options.Budget > 5000 {
					return // long runs are not what is looked for
				}
				if x, ok := m.(*protocol.Exec); ok && x.Budget > 5000 {
					return
				}
			}
			reply := e.Handle(nil, frame)
			h, err := protocol.ParseHeader(reply)
			if err != nil {
				t.Fatalf("reply % x: %v", reply, err)
			}
			var failed protocol.Failed
			if h.ID == failed.ID() && protocol.Parse(reply, &failed) == nil && strings.Contains(failed.Problem.Message, "defect") {
				t.Fatalf("%s: %s", hex.EncodeToString(frame), failed.Problem.Message)
			}
		}
	})
}

// FuzzMoves: any sequence of movements, whole or given up half way, leads to
// views that are those of their step in a plain walk.
func FuzzMoves(f *testing.F) {
	for i := range programs {
		f.Add(byte(i), []byte{0, 5, 1, 2, 2, 9, 3, 4, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0, 9, 0, 11, 0, 12, 1, 13, 1, 12, 255, 13, 255, 10, 0})
	}
	plain := make([][]string, len(programs))
	f.Fuzz(func(t *testing.T, program byte, moves []byte) {
		p := int(program) % len(programs)
		s, v := start(t, programs[p].source, three)
		if plain[p] == nil {
			plain[p] = []string{encoded(v)}
			for {
				if v = walk(t, s, protocol.MovementStep, 1); v.Stop != protocol.StopReasonMoved {
					break
				}
				plain[p] = append(plain[p], encoded(v))
			}
			s, _ = start(t, programs[p].source, three)
		}
		for i := 0; i+1 < len(moves) && i < 60; i += 2 {
			how, n := protocol.Movement(moves[i]%14), uint32(moves[i+1])
			s.SetBreakpoints([]uint32{n % 11})
			w := protocol.WireWatch{Reg: uint8(n)}
			if n >= 128 {
				w = protocol.WireWatch{Kind: protocol.WatchKindMemory, Range: protocol.Range{Region: s.top32() - 512, Offset: 480 + int32(n%32), Length: n % 9}}
			}
			m := s.Move(how, n, w, n%64+1)
			for slices := 0; m.View == nil; slices++ {
				if slices == int(n%7)+3 {
					m = s.Cancel()
					continue
				}
				m = s.Continue(n%64 + 1)
			}
			if got := m.View; int(got.Step) >= len(plain[p]) || encoded(got) != plain[p][got.Step] {
				t.Fatalf("%s: after movement %d (%d of %d, n %d) step %d of %d looks otherwise", programs[p].name, how, i/2, len(moves)/2, n, got.Step, len(plain[p])-1)
			}
			s.LastWrite(w)
			if now := s.view(); encoded(now) != plain[p][now.Step] {
				t.Fatalf("%s: step %d looks otherwise after lastWrite", programs[p].name, now.Step)
			}
		}
	})
}

func (s *Session) top32() uint32 { return uint32(s.top) }
