package course_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"skep/labs"
	"skep/server/compile"
	"skep/server/course"
	"skep/server/sandbox/sandboxtest"
	"skep/web"
)

func readAll(t *testing.T) []*labs.Lab {
	t.Helper()
	all, err := course.Read(labs.Content())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestPages: the order of the course, and that nothing of a solution is in
// what the page shows or holds.
func TestPages(t *testing.T) {
	all := readAll(t)
	var codes []string
	for i, p := range course.Pages(all) {
		codes = append(codes, p.Code)
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, ex := range all[i].Exercises {
			for _, s := range ex.Solutions {
				text := strings.TrimSpace(s.Text)
				asked := slices.ContainsFunc(all[i].Questions, func(q *labs.Question) bool { return strings.TrimSpace(q.Source.Text) == text })
				if asked { // the author shows it: H9 asks about the program that look comes to
					continue
				}
				quoted, _ := json.Marshal(text)
				if strings.Contains(p.HTML, text) || strings.Contains(string(data), strings.Trim(string(quoted), `"`)) {
					t.Errorf("%s: the page has the solution of %s in %s", p.ID, ex.ID, s.Lang)
				}
				if !strings.Contains(string(p.Solutions), strings.Trim(string(quoted), `"`)) {
					t.Errorf("%s: solutions.json lacks that of %s in %s", p.ID, ex.ID, s.Lang)
				}
			}
		}
		if strings.Contains(p.HTML, "For the teacher") || strings.Contains(p.HTML, "Wrong answer") {
			t.Errorf("%s: the page has what is for teachers", p.ID)
		}
	}
	if got := strings.Join(codes, " "); !strings.HasPrefix(got, "F1 F6 H1 H9 H13 M2 M3 V2 V3 V5") {
		t.Errorf("order %s", got)
	}
}

// serve is a service with the module that the page has.
func serve(t *testing.T, cfg course.Config) http.Handler {
	t.Helper()
	m, err := web.ReadManifest(web.Assets())
	if err != nil {
		t.Skip(err)
	}
	cfg.Labs = readAll(t)
	if cfg.Module, err = fs.ReadFile(web.Assets(), m.Grade); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	course.New(cfg).Register(mux)
	return mux
}

// api sends a POST request to a service and reads the JSON it answers.
func api(t *testing.T, cfg course.Config) func(path, body string) (int, map[string]any) {
	t.Helper()
	mux := serve(t, cfg)
	return func(path, body string) (int, map[string]any) {
		t.Helper()
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
		var v map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
			t.Fatalf("%s: %d, %v: %.200s", path, w.Code, err, w.Body)
		}
		return w.Code, v
	}
}

// unzip is the files of a bundle.
func unzip(t *testing.T, b []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name] = string(text)
	}
	return out
}

func body(lang, source string) string {
	b, _ := json.Marshal(map[string]string{"lang": lang, "source": source})
	return string(b)
}

const (
	dropAll = "/api/labs/h9-xdp-first-packet/drop-all/"
	inC     = "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n\nSEC(\"xdp\")\nint drop(struct xdp_md *ctx)\n{\n\treturn XDP_DROP;\n}\n\nchar LICENSE[] SEC(\"license\") = \"GPL\";\n"
	inAsm   = ".prog xdp\n.license GPL\n\tr0 = 1\n\texit\n"
)

func TestGrade(t *testing.T) {
	post := api(t, course.Config{})
	for _, c := range []struct {
		name, path, body string
		status           int
		want             string // in the answer
	}{
		{"passes", dropAll + "grade", body("asm", inAsm), 200, `"passed":true`},
		{"does not", dropAll + "grade", body("asm", strings.Replace(inAsm, "1", "2", 1)), 200, `"points":1`},
		{"rejected", dropAll + "grade", body("asm", ".prog xdp\nexit\n"), 200, `"message":"R0 !read_ok"`},
		{"does not assemble", dropAll + "grade", body("asm", "r0 =\n"), 200, `"outcome":"unreadable"`},
		{"no compiler", dropAll + "grade", body("c", inC), 501, `"code":"no-compiler"`},
		{"no kernels", dropAll + "kernel", body("asm", inAsm), 501, `"code":"no-kernels"`},
		{"no such exercise", "/api/labs/h9-xdp-first-packet/no/grade", body("asm", inAsm), 404, `"code":"not-found"`},
		{"no such lab", "/api/labs/no/drop-all/grade", body("asm", inAsm), 404, `"code":"not-found"`},
		{"no JSON", dropAll + "grade", "{", 400, `"code":"bad-json"`},
		{"no such language", dropAll + "grade", body("rust", ""), 400, `"code":"bad-lang"`},
		{"huge", dropAll + "grade", body("asm", strings.Repeat("x", compile.MaxSource+1)), 413, `"code":"too-large"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, got := post(c.path, c.body)
			text, _ := json.Marshal(got)
			if status != c.status || !strings.Contains(string(text), c.want) {
				t.Errorf("%d %s, want %d and %s", status, text, c.status, c.want)
			}
		})
	}
}

// C is compiled, and what does not compile has its lines.
func TestGradeC(t *testing.T) {
	c, err := compile.New(compile.Config{})
	if err != nil {
		if os.Getenv("SKEP_CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	post := api(t, course.Config{Compiler: c})
	if status, got := post(dropAll+"grade", body("c", inC)); status != 200 || got["passed"] != true {
		t.Errorf("%d %v", status, got)
	}
	status, got := post(dropAll+"grade", body("c", strings.Replace(inC, "XDP_DROP", "NO_SUCH", 1)))
	if problems, _ := got["problems"].([]any); status != 200 || len(problems) == 0 || problems[0].(map[string]any)["line"] != 7.0 {
		t.Errorf("%d %v", status, got)
	}
}

// Both graders, on every kernel of the lab that is installed.
func TestKernel(t *testing.T) {
	c := sandboxtest.Require(t, "6.12")
	post := api(t, course.Config{Manager: c.Manager})
	status, got := post(dropAll+"kernel", body("asm", inAsm))
	kernels, _ := got["kernels"].([]any)
	if status != 200 || len(kernels) == 0 {
		t.Fatalf("%d %v", status, got)
	}
	for _, k := range kernels {
		k := k.(map[string]any)
		rep := k["report"].(map[string]any)
		if rep["passed"] != true || k["disagree"] != nil {
			t.Errorf("%v", k)
		}
		t.Logf("Linux %v: %v ms; the simulator: %v ms", rep["world"], rep["took_ms"], got["simulator"].(map[string]any)["took_ms"])
	}
}
