package btf

import "testing"

// Definitions with the place of each member.
func TestLayout(t *testing.T) {
	s := newSample(t)
	for id, want := range map[ID]string{
		s.bits: "struct bits {\n\tunsigned int x: 3; /* off 0, bit 0 */\n\tint y: 7; /* off 0, bit 3 */\n" +
			"\tenum color e: 2; /* off 1, bit 2 */\n\tunsigned int z; /* off 4, size 4 */\n}; /* size 8 */",
		s.nested: "struct nested {\n\tunion {\n\t\tunsigned int u; /* off 0, size 4 */\n\t\tchar c[4]; /* off 0, size 4 */\n\t}; /* off 0, size 4 */\n" +
			"\tstruct pair p; /* off 4, size 8 */\n\tchar name[8]; /* off 12, size 8 */\n\tstruct pair *next; /* off 24, size 8 */\n}; /* size 32 */",
		s.fn: "int handler(void *ctx, struct pair *p, ...);",
	} {
		if got := string(s.AppendLayout(nil, id)); got != want {
			t.Errorf("layout of type %d:\n%s\nwant\n%s", id, got, want)
		}
	}
}
