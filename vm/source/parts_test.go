package source_test

import (
	"os"
	"strings"
	"testing"

	"skep/vm/source"
)

// The BTF that .map makes for the kernel structs in its values.
func TestMapTypes(t *testing.T) {
	text, err := os.ReadFile("testdata/parts.s")
	if err != nil {
		t.Fatal(err)
	}
	src, errs := source.Assembly(string(text))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	m := &src.Maps[0]
	const want = `struct m {
	struct bpf_spin_lock spin_lock; /* off 0, size 4 */
	unsigned int at4; /* off 4, size 4 */
	struct bpf_timer timer; /* off 8, size 16 */
}; /* size 24 */`
	if got := string(src.BTF.AppendLayout(nil, m.Value)); got != want {
		t.Errorf("value type:\n%s\nwant\n%s", got, want)
	}
	if key := src.BTF.TypeName(m.Key); key != "unsigned int" {
		t.Errorf("key type %s", key)
	}
	if off, ok := m.Spec.LockOffset(); !ok || off != 0 || len(m.Spec.Special) != 2 || m.Spec.Special[1].Off != 8 {
		t.Errorf("special parts %v", m.Spec.Special)
	}

	for _, c := range []struct{ decl, want string }{
		{"key=5 value=100 entries=1 wq=24", ""},
		{"key=4 value=24 entries=1 lock=0 timer=4", "bpf_timer at 4 is not aligned"},
		{"key=4 value=20 entries=1 timer=8", "bpf_timer at 8 does not fit a value of 20 bytes"},
		{"key=4 value=24 entries=1 lock=0 timer=0", "overlaps the struct before it"},
		{"key=4 value=4294967295 entries=1 lock=4294967292", "does not fit"},
	} {
		src, errs := source.Assembly(".map m hash " + c.decl + "\nr0 = 0\nexit")
		if c.want != "" {
			if len(errs) == 0 || !strings.Contains(errs[0].Msg, c.want) {
				t.Errorf("%s: %v, want %q", c.decl, errs, c.want)
			}
			continue
		}
		if n, ok := src.BTF.Size(src.Maps[0].Value); !ok || n != 100 {
			t.Errorf("%s: value type of %d bytes", c.decl, n)
		}
		if n, ok := src.BTF.Size(src.Maps[0].Key); !ok || n != 5 {
			t.Errorf("%s: key type of %d bytes", c.decl, n)
		}
	}
	if src, _ := source.Assembly(".map m hash key=4 value=8 entries=1\nr0 = 0\nexit"); src.BTF != nil || src.Maps[0].Value != 0 {
		t.Error("a map without such parts has BTF")
	}
}
