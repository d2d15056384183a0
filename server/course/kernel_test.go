package course_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"skep/labs/grade"
	"skep/labs/trial"
	"skep/server/course"
	"skep/server/sandbox"
)

// asSimulator is a kernel that does what the simulator does, changed a little.
func asSimulator(change func(*trial.Result)) func(context.Context, *course.KernelJob) (*trial.Result, error) {
	return func(_ context.Context, j *course.KernelJob) (*trial.Result, error) {
		if j.Kernel != "6.12" {
			return nil, sandbox.ErrNotInstalled
		}
		r := trial.Run(j.Sub, j.Ex)
		r.Hidden = nil
		r.Verdict.Kernel = "6.12.117"
		change(r)
		return r, nil
	}
}

// flip makes a rule come out the other way.
func flip(rule int) func(*trial.Result) {
	return func(r *trial.Result) {
		f := &r.Report.Findings[rule]
		if f.State == grade.Passed {
			f.State, f.Got = grade.Failed, "2"
			r.Points -= f.Rule.Weight
		} else {
			f.State = grade.Passed
			r.Points += f.Rule.Weight
		}
	}
}

// A made-up disagreement is kept with what it takes to look into it, once, and
// without who handed it in; it does not count against the student.
func TestDisagreement(t *testing.T) {
	findings := &sandbox.Findings{Dir: t.TempDir()}
	post := api(t, course.Config{Findings: findings, Version: "test", OnKernel: asSimulator(flip(1))})
	status, got := post(dropAll+"kernel", body("asm", inAsm))
	kernels, _ := got["kernels"].([]any)
	if status != 200 || len(kernels) != 1 {
		t.Fatalf("%d %v", status, got)
	}
	k := kernels[0].(map[string]any)
	if k["kind"] != "mistake" || k["disagree"] == "" || k["finding"] == nil || k["report"].(map[string]any)["passed"] != false {
		t.Errorf("%v", k)
	}
	if counts := got["counts"].(map[string]any); counts["passed"] != true || counts["world"] != "simulator" {
		t.Errorf("counts %v", counts)
	}
	all, err := findings.List()
	if err != nil || len(all) != 1 || all[0].Kind != "lab" || all[0].Kernel != "6.12.117" || all[0].ID != k["finding"] {
		t.Fatalf("%+v, %v", all, err)
	}
	bundle, err := findings.Bundle(all[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	files := unzip(t, bundle)
	for name, want := range map[string]string{
		"lab.json": `"seed": "1"`, "program.s": inAsm, "simulator.json": `"passed": true`, "kernel.json": `"passed": false`, "program.json": `"exercise": "drop-all"`,
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s lacks %s: %s", name, want, files[name])
		}
	}
	post(dropAll+"kernel", body("asm", inAsm))
	if all, _ := findings.List(); len(all) != 1 {
		t.Errorf("the same again makes %d findings", len(all))
	}
}

// Where the kernel is kinder than our simulator, the kernel counts.
func TestDisagreementForTheStudent(t *testing.T) {
	post := api(t, course.Config{OnKernel: asSimulator(func(r *trial.Result) {
		for i := range r.Report.Findings {
			if r.Report.Findings[i].State == grade.Failed {
				flip(i)(r)
			}
		}
	})})
	status, got := post(dropAll+"kernel", body("asm", strings.Replace(inAsm, "1", "2", 1)))
	if counts := got["counts"].(map[string]any); status != 200 || counts["passed"] != true || counts["world"] != "6.12" {
		t.Errorf("%d %v", status, got)
	}
}

// Agreement, and what neither of the two can read.
func TestAgreement(t *testing.T) {
	post := api(t, course.Config{OnKernel: asSimulator(func(*trial.Result) {})})
	for _, text := range []string{inAsm, "r0 =\n", ".prog xdp\nexit\n"} {
		status, got := post(dropAll+"kernel", body("asm", text))
		if kernels, _ := got["kernels"].([]any); status != 200 || len(kernels) != 1 || kernels[0].(map[string]any)["disagree"] != nil {
			t.Errorf("%q: %d %v", text, status, got)
		}
	}
}

// A machine that dies twice, and one that is not to be had: no grade, and said.
func TestNoGrade(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		code int
		want string
	}{
		{"dead", &sandbox.End{Reason: sandbox.ReasonQEMU, Detail: "/usr/lib/secret"}, 502, "does not answer. It was tried twice. That is no grade"},
		{"crash", &sandbox.End{Reason: sandbox.ReasonPanic, Detail: "BUG"}, 502, "your program crashed the kernel: BUG. It was tried twice"},
		{"wall", &sandbox.End{Reason: sandbox.ReasonWall, Detail: "20s"}, 502, "stopped at its wall limit: 20s"},
		{"busy", &sandbox.BusyError{Waiting: 7, Estimate: 12 * time.Second}, 503, `"retry":12`},
		{"weak", sandbox.ErrLevel, 501, "confine"},
		{"none", sandbox.ErrNotInstalled, 501, "none of the kernels"},
		{"ours", errors.New("/usr/lib/secret"), 502, "does not answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			post := api(t, course.Config{OnKernel: func(context.Context, *course.KernelJob) (*trial.Result, error) { return nil, c.err }})
			status, got := post(dropAll+"kernel", body("asm", inAsm))
			text, _ := json.Marshal(got)
			if status != c.code || !strings.Contains(string(text), c.want) || strings.Contains(string(text), "secret") {
				t.Errorf("%d %s", status, text)
			}
		})
	}
}

// One kernel's machine that dies does not hide the other's grade.
func TestOneKernelMissing(t *testing.T) {
	inner := asSimulator(func(*trial.Result) {})
	post := api(t, course.Config{OnKernel: func(ctx context.Context, j *course.KernelJob) (*trial.Result, error) {
		if j.Kernel == "6.1" {
			return nil, &sandbox.End{Reason: sandbox.ReasonReset}
		}
		return inner(ctx, j)
	}})
	status, got := post(dropAll+"kernel", body("asm", inAsm))
	kernels, _ := got["kernels"].([]any)
	if missing, _ := got["missing"].([]any); status != 200 || len(kernels) != 1 || len(missing) != 1 || !strings.Contains(missing[0].(string), "Linux 6.1 could not grade it: the virtual machine rebooted") {
		t.Errorf("%d %v", status, got)
	}
}

// A page that wants it hears where in the queue it is.
func TestWaiting(t *testing.T) {
	inner := asSimulator(func(*trial.Result) {})
	srv := serve(t, course.Config{OnKernel: func(ctx context.Context, j *course.KernelJob) (*trial.Result, error) {
		j.Waiting(3, 9*time.Second)
		j.Waiting(1, 2*time.Second)
		return inner(ctx, j)
	}})
	r := httptest.NewRequest(http.MethodPost, dropAll+"kernel", strings.NewReader(body("asm", inAsm)))
	r.Header.Set("Accept", "application/x-ndjson, application/json")
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, r)
	var lines []string
	for s := bufio.NewScanner(w.Body); s.Scan(); {
		lines = append(lines, s.Text())
	}
	if len(lines) < 3 || lines[0] != `{"waiting":{"kernel":"6.12","position":3,"seconds":9}}` || lines[1] != `{"waiting":{"kernel":"6.12","position":1,"seconds":2}}` ||
		!strings.Contains(lines[len(lines)-1], `"status":200`) || w.Header().Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("%q", lines)
	}
}
