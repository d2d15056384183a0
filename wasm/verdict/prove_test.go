package verdict

import (
	"slices"
	"testing"

	"skep/wasm/protocol"
)

// Facts are of accepted programs only, and for as many CPUs as were asked for.
func TestProve(t *testing.T) {
	ask := func(text string, cpus uint32) *protocol.Facts {
		t.Helper()
		frame := protocol.Pack(nil, 1, &protocol.Prove{Source: protocol.WireSource{Text: text}, CPUs: cpus})
		var p protocol.Proved
		if err := protocol.ParseOne(new(Server).Handle(nil, frame), &p); err != nil {
			t.Fatal(err)
		}
		return p.Facts
	}
	const cpu = "call 8\nif r0 == 0 goto +1\nr0 = 1\nexit"
	if f := ask(cpu, 1); f == nil || f.CPUs != 1 || !slices.Equal(f.Always, []uint32{1}) {
		t.Errorf("one CPU is number 0: %+v", f)
	}
	if f := ask(cpu, 2); f == nil || f.CPUs != 2 || len(f.Always) > 0 || !f.Alone {
		t.Errorf("two CPUs: %+v", f)
	}
	if f := ask("r0 = 7\nr1 = r10\nr1 += -8\n*(u64 *)(r1 + 0) = 3\nr2 = 5\nr0 /= r2\nexit", 1); f == nil || !slices.Equal(f.NonZero, []uint32{5}) {
		t.Errorf("a division: %+v", f)
	}
	for _, text := range []string{"exit", "r0 = ", ".map m prog_array key=4 value=4 entries=1\nr0 = *(u8 *)(r1 + 4000)\nexit"} {
		if f := ask(text, 1); f != nil {
			t.Errorf("%q: %+v", text, f)
		}
	}
	if f := ask(".map m prog_array key=4 value=4 entries=1\nr0 = 0\nexit", 1); f == nil || f.Alone {
		t.Errorf("another program may tail call it from a function: %+v", f)
	}
}
