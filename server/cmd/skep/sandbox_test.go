package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"skep/server/sandbox/sandboxtest"
)

// skep sandbox jit lists what a kernel makes of each instruction.
func TestSandboxJIT(t *testing.T) {
	sandboxtest.Require(t, "6.12")
	file := filepath.Join(t.TempDir(), "prog.s")
	const text = ".prog xdp\n.map hits array key=4 value=8 entries=1\nr1 = 0\n*(u32 *)(r10 - 4) = r1\nr2 = r10\nr2 += -4\nr1 = map[hits]\ncall bpf_map_lookup_elem\nr0 = 2\nexit\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	skep := func(args ...string) (code int, stdout, stderr string) {
		var out, errs bytes.Buffer
		code = run(t.Context(), &shell{strings.NewReader(""), &out, &errs}, append([]string{"sandbox", "jit"}, args...))
		return code, out.String(), errs.String()
	}
	code, out, errs := skep(file)
	for _, want := range []string{
		`(?m)^   0: \(b7\) r1 = 0$`, `endbr64`, `(?m)^   6: \(85\) call .*\n( +; xlated: .*\n){5,}`,
		`; xlated: \(61\) r0 = \*\(u32 \*\)\(r2 \+0\)`, `(?m)^   8: \(95\) exit\n +[0-9a-f]+: leave\n +[0-9a-f]+: ret`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no %s", want)
		}
	}
	if code != exitOK || t.Failed() {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	if code, out, _ = skep("--json", file); code != exitOK || strings.Count(out, "\n") != 8 || !strings.HasPrefix(out, `{"slot":0,"text":"(b7) r1 = 0","bytes":"`) {
		t.Errorf("--json: exit code %d\n%s", code, out)
	}
	if code, _, errs = skep(); code != exitUsage || !strings.Contains(errs, "usage: skep sandbox jit ") {
		t.Errorf("no file: exit code %d, %s", code, errs)
	}
	if err := os.WriteFile(file, []byte(".prog xdp\nr0 = *(u64 *)(r1 + 200)\nexit\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs = skep(file); code != exitRejected || !strings.Contains(errs, "the kernel refuses it: ") || !strings.Contains(errs, "invalid bpf_context access") {
		t.Errorf("refused: exit code %d, %s", code, errs)
	}
}
