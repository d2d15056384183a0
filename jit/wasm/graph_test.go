package wasm

import (
	"strconv"
	"strings"
	"testing"

	"skep/jit/ir"
)

// count is how many instructions of a name the first body has.
func count(t *testing.T, c *Code, name string) (n int) {
	t.Helper()
	s := c.Bodies[0]
	for at := s.Start; at < s.End; {
		text, size := Text(c.Text[at:s.End])
		if size == 0 {
			t.Fatalf("no text at %d", at)
		}
		if text == name || strings.HasPrefix(text, name+" ") {
			n++
		}
		at += size
	}
	return n
}

// Loops that are entered at their head become loops; others, and what would
// nest too deep, a loop around a table.
func TestStructure(t *testing.T) {
	nested := "r0 = 0\nr1 = 9\nouter:\nr2 = 9\ninner:\nr0 += r2\nr2 += -1\nif r2 != 0 goto inner\nr1 += -1\nif r1 != 0 goto outer\nexit"
	irreducible := "r0 = 9\nif r1 == 0 goto b\na:\nr0 += -1\nif r0 == 0 goto out\nb:\nr0 += -2\nif r0 s> 0 goto a\nout:\nexit"
	var deep strings.Builder
	for i := range 1200 { // each arm dominates the next test
		deep.WriteString("if r1 == " + strconv.Itoa(i) + " goto l" + strconv.Itoa(i) + "\nexit\nl" + strconv.Itoa(i) + ":\nr2 += 1\n")
	}
	deep.WriteString("r0 = r2\nexit")
	for _, c := range []struct {
		name, text    string
		loops, tables int
	}{
		{"straight", "r0 = 1\nexit", 0, 0},
		{"diamond", "r0 = 1\nif r1 == 0 goto +1\nr0 = 2\nexit", 0, 0},
		{"nested loops", nested, 2, 0},
		{"two entries to a loop", irreducible, 1, 1},
		{"one block is the loop", "top:\nif r1 != 0 goto top\nexit", 1, 0},
		{"too deep", deep.String(), 1, 1},
	} {
		code := lowered(t, c.text, ir.Facts{})
		if l, b := count(t, code, "loop"), count(t, code, "br_table"); l != c.loops || b != c.tables {
			t.Errorf("%s: %d loops and %d tables, want %d and %d", c.name, l, b, c.loops, c.tables)
		}
	}
}

// What is too large is refused, not tried.
func TestTooLarge(t *testing.T) {
	text := strings.Repeat("if r1 == 1 goto +1\nr0 += 1\n", maxDispatch) + "exit"
	_, err := Lower(unit(t, text, ir.Facts{}), Target{Base: 1 << 16, Context: 1 << 15})
	if err == nil || !strings.Contains(err.Error(), "more than 20,000 blocks") {
		t.Errorf("%v", err)
	}
	if _, err := Lower(unit(t, "exit", ir.Facts{}), Target{}); err == nil {
		t.Error("an arena at address 0 was accepted")
	}
	c := lowered(t, "r0 = 0\nexit", ir.Facts{})
	for _, op := range []int32{-1, 99} {
		if _, err := c.Entry(op); err == nil {
			t.Errorf("an entry at op %d was made", op)
		}
	}
}

// With facts no access is checked: nothing is asked of "reach", import 1.
func TestChecks(t *testing.T) {
	const text = "r2 = *(u64 *)(r1 +8)\n*(u32 *)(r1 +0) = r2\nr0 = atomic64_fetch_add((u64 *)(r1 +16), r0)\nr0 = *(u64 *)(r10 -8)\nexit"
	if n := count(t, lowered(t, text, ir.Facts{}), "call 1"); n != 3 {
		t.Errorf("%d accesses are checked, want 3", n)
	}
	if n := count(t, lowered(t, text, ir.Facts{Accepted: true}), "call 1"); n != 0 {
		t.Errorf("%d accesses are checked in spite of the facts", n)
	}
}

// In a memory that is shared what is not checked is cut to the arena, but for
// the frame.
func TestMask(t *testing.T) {
	u := unit(t, "r2 = *(u64 *)(r1 +8)\n*(u64 *)(r10 -8) = r2\nr1 += r2\n*(u8 *)(r1 -32768) = 1\nexit", ir.Facts{Accepted: true})
	c, err := Lower(u, Target{Base: 1 << 16, Context: 1 << 15, Mask: 1<<24 - 1})
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, c, "i32.and"); n != 2 {
		t.Errorf("%d addresses are cut, want 2", n)
	}
}

// BenchmarkLower is the time to make the module of a program of a thousand
// instructions.
func BenchmarkLower(b *testing.B) {
	text := strings.Repeat("r0 += r1\nr1 <<= 3\nr2 = *(u64 *)(r1 +8)\n*(u64 *)(r10 -8) = r2\nif r2 > 7 goto +1\nr3 ^= r2\nw4 *= 31\nr5 -= r4\n", 125) + "exit"
	for _, f := range []ir.Facts{{}, {Accepted: true}} {
		u := unit(b, text, f)
		b.Run("accepted="+strconv.FormatBool(f.Accepted), func(b *testing.B) {
			size := 0
			for b.Loop() {
				c, err := Lower(u, Target{Base: 1 << 16, Context: 1 << 15})
				if err != nil {
					b.Fatal(err)
				}
				size = len(c.Text)
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}
