package compile

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const prog = `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
`

// compiler gives the shared compiler. A machine without one skips, except in
// CI, where make test installs it.
var compiler = sync.OnceValues(func() (*Compiler, error) { return New(Config{}) })

func need(t *testing.T) *Compiler {
	t.Helper()
	c, err := compiler()
	if err != nil {
		if os.Getenv("SKEP_CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return c
}

func TestCompile(t *testing.T) {
	c := need(t)
	res, err := c.Compile(context.Background(), Request{Source: prog})
	if err != nil || !res.OK {
		t.Fatalf("%+v, %v", res, err)
	}
	if !bytes.HasPrefix(res.Object, []byte("\x7fELF")) || !bytes.Contains(res.Object, []byte("return XDP_PASS;")) {
		t.Error("not an object with source lines")
	}
	again, err := c.Compile(context.Background(), Request{Source: prog})
	if err != nil || !again.Cached || !bytes.Equal(again.Object, res.Object) {
		t.Errorf("second time: cached %v, %v", again.Cached, err)
	}
}

// What people write by mistake, and what the editor shows for it.
func TestDiagnostics(t *testing.T) {
	c := need(t)
	tests := []struct {
		name, source string
		line, col    int
		severity     string
		message      string // a part of it
	}{
		{"missing semicolon", "int f(void)\n{\n\treturn 1\n}\n", 3, 10, "error", "expected ';'"},
		{"warning", strings.Replace(prog, "\treturn", "\tint x;\n\treturn", 1), 7, 6, "warning", "unused variable 'x'"},
		{"file not there", "\n#include \"/etc/passwd\"\n", 2, 10, "error", "'/etc/passwd' file not found"},
		{"not a regular file", "#include \"/dev/zero\"\n", 1, 10, "error", "file not found"},
		{"relative escape", "#include \"../../../../etc/shadow\"\n", 1, 10, "error", "file not found"},
		{"assembly escape", "asm(\".incbin \\\"/etc/passwd\\\"\");\n", 1, 1, "error", ""},
		{"back end", "struct s { long a[600]; }; int g(struct s *); int f(void) { struct s s; return g(&s); }\n", 1, 0, "error", "stack"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, err := c.Compile(context.Background(), Request{Source: tt.source})
			if err != nil {
				t.Fatal(err)
			}
			if len(res.Diagnostics) == 0 {
				t.Fatalf("no diagnostics, ok %v", res.OK)
			}
			d := res.Diagnostics[0]
			if d.Line != tt.line || tt.col != 0 && d.Col != tt.col || d.Severity != tt.severity || !strings.Contains(d.Message, tt.message) {
				t.Errorf("%+v", d)
			}
		})
	}
}

// Bombs end in bounded time with a clear error.
func TestBombs(t *testing.T) {
	c := need(t)
	doubling := "#define A0 1,1,1,1,1,1,1,1\n"
	for i := range 12 {
		a, b := string(rune('0'+i%10)), string(rune('0'+(i+1)%10))
		if i >= 9 {
			a, b = "x"+a, "x"+b
			if i == 9 {
				a = "9"
			}
		}
		p := "A" + a
		doubling += "#define A" + b + " " + strings.TrimSuffix(strings.Repeat(p+",", 8), ",") + "\n"
	}
	slow := "#define A0\n" // expands to nothing, sixteen times as often with each line
	for i := range 9 {
		n, m := string(rune('0'+i)), string(rune('0'+i+1))
		slow += "#define A" + m + strings.Repeat(" A"+n, 16) + "\n"
	}
	tests := []struct{ name, source string }{
		{"slow macro", slow + "A9 int f(void);\n"},
		{"endless macro", doubling + "int x[] = { Ax2 };\n"},
		{"includes itself", "#include \"prog.bpf.c\"\n"},
		{"constant evaluation", "constexpr int f(int n){return n<2?n:f(n-1)+f(n-2);}\nstatic_assert(f(60)>0);\n"},
		{"deep nesting", "int x = " + strings.Repeat("(", 100000) + "1" + strings.Repeat(")", 100000) + ";\n"},
		{"huge array", "char a[1UL << 40] = {1};\n"},
		{"large object", "char a[64 << 20] = {1};\n"},
		{"binary", "\x00\x01\x02\xff\xfe"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			res, err := c.Compile(context.Background(), Request{Source: tt.source})
			if err != nil {
				t.Fatal(err)
			}
			if res.OK || !hasError(res.Diagnostics) {
				t.Errorf("ok %v, %+v", res.OK, res.Diagnostics)
			}
			t.Logf("%v: %s", time.Since(start).Round(time.Millisecond), res.Diagnostics[len(res.Diagnostics)-1].Message)
		})
	}
	if _, err := c.Compile(context.Background(), Request{Source: strings.Repeat("x", 10<<20)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("10 MB of source: %v", err)
	}
	if _, err := c.Compile(context.Background(), Request{Source: prog, CPU: "v9"}); !errors.Is(err, ErrOption) {
		t.Errorf("cpu v9: %v", err)
	}
}

// A hundred at once are all answered.
func TestHundredAtOnce(t *testing.T) {
	c := need(t)
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			src := strings.Replace(prog, "pass(", "pass"+string(rune('a'+i%26))+string(rune('a'+i/26))+"(", 1)
			res, err := c.Compile(context.Background(), Request{Source: src})
			if err != nil || !res.OK {
				t.Errorf("%d: %+v, %v", i, res, err)
			}
		})
	}
	wg.Wait()
}

func TestCancel(t *testing.T) {
	c := need(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Compile(ctx, Request{Source: prog + "// cancelled\n"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestParseDiagnostics(t *testing.T) {
	const text = "In file included from prog.bpf.c:3:\n" +
		"/usr/include/bpf/bpf_helpers.h:9:1: error: unknown type name 'u32'\n" +
		"prog.bpf.c:7:2: warning: unused variable 'x' [-Wunused-variable]\n" +
		"    7 | int x;\n" +
		"prog.bpf.c:8:1: fatal error: too many errors emitted, stopping now [-ferror-limit=]\n" +
		"2 warnings generated.\n"
	want := []Diagnostic{
		{Line: 3, Col: 1, Severity: "error", Message: "unknown type name 'u32'", File: "/usr/include/bpf/bpf_helpers.h", Place: "/usr/include/bpf/bpf_helpers.h:9:1"},
		{Line: 7, Col: 2, Severity: "warning", Message: "unused variable 'x' [-Wunused-variable]"},
		{Line: 8, Col: 1, Severity: "error", Message: "too many errors emitted, stopping now [-ferror-limit=]"},
	}
	if diff := cmp.Diff(want, parseDiagnostics(text)); diff != "" {
		t.Error(diff)
	}
}

func TestCacheForgets(t *testing.T) {
	c := newCache(1000)
	for _, k := range []string{"a", "b", "c", "d"} {
		c.put(k, &Result{Object: make([]byte, 100)})
	}
	if _, ok := c.get("a"); ok {
		t.Error("the oldest is still there")
	}
	if _, ok := c.get("d"); !ok {
		t.Error("the newest is gone")
	}
}

func FuzzParseDiagnostics(f *testing.F) {
	f.Add("prog.bpf.c:1:2: error: x\nIn file included from prog.bpf.c:3:\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(parseDiagnostics(text)) > maxDiagnostics {
			t.Fatal("too many")
		}
	})
}
