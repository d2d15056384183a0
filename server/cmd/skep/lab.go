package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"skep/labs"
	"skep/labs/grade"
	"skep/labs/trial"
	"skep/server/grading"
	"skep/server/sandbox"
	"skep/vm/btf"
)

func runLab(ctx context.Context, sh *shell, args []string) int {
	if len(args) == 0 {
		fmt.Fprintln(sh.err, "usage: skep lab new|lint|test|grade|preview ...")
		return exitUsage
	}
	switch args[0] {
	case "new":
		return sh.labNew(args[1:])
	case "lint":
		return sh.labLint(args[1:])
	case "test":
		return sh.labTest(ctx, args[1:])
	case "grade":
		return sh.labGrade(ctx, args[1:])
	case "preview":
		return sh.labPreview(ctx, args[1:])
	}
	return sh.broken("lab", fmt.Errorf("unknown verb %q; there are new, lint, test, grade and preview", args[0]))
}

// readLab reads a folder; its errors are printed.
func (sh *shell) readLab(dir string) (*labs.Lab, bool) {
	dir = filepath.Clean(dir)
	lab, errs := labs.Read(os.DirFS(filepath.Dir(dir)), filepath.Base(dir))
	for i := range errs {
		e := errs[i]
		e.File = filepath.Join(filepath.Dir(dir), e.File)
		fmt.Fprintln(sh.err, e.Error())
	}
	return lab, lab != nil && len(errs) == 0
}

func (sh *shell) labLint(args []string) int {
	fs := sh.flags("lab lint", "DIR...", "Reads labs and says what is wrong in them, by line and column.")
	dirs, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if len(dirs) == 0 {
		return sh.broken("lab lint", errors.New("a folder with a lab.md is needed"))
	}
	good := true
	for _, dir := range dirs {
		_, fine := sh.readLab(dir)
		good = good && fine
	}
	if !good {
		return exitRejected
	}
	return exitOK
}

func (sh *shell) labNew(args []string) int {
	fs := sh.flags("lab new", "DIR", "Makes a folder with a lab that passes lab test, to write your own in its place.")
	dirs, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if len(dirs) != 1 {
		return sh.broken("lab new", errors.New("one DIR is needed"))
	}
	dir := filepath.Clean(dirs[0])
	if err := os.Mkdir(dir, 0o755); err != nil {
		return sh.broken("lab new", err)
	}
	file := filepath.Join(dir, "lab.md")
	if err := os.WriteFile(file, []byte(labs.Template(filepath.Base(dir))), 0o644); err != nil {
		return sh.broken("lab new", err)
	}
	fmt.Fprintf(sh.out, "%s: write the lab here, then: skep lab test %s\n", file, dir)
	return exitOK
}

// labResult is how one program of a lab came out, for --json.
type labResult struct {
	Lab      string `json:"lab"`
	Exercise string `json:"exercise"`
	Kind     string `json:"kind"`
	Lang     string `json:"lang"`
	Title    string `json:"title,omitempty"`
	World    string `json:"world"` // simulator, or a kernel
	Points   int    `json:"points"`
	Total    int    `json:"total"`
	Wrong    string `json:"wrong,omitempty"`    // what is not as the lab says
	Disagree string `json:"disagree,omitempty"` // where the kernel says otherwise than the simulator
	Allowed  string `json:"allowed,omitempty"`  // why it may
}

func (sh *shell) labTest(ctx context.Context, args []string) int {
	fs := sh.flags("lab test", "[--kernel 6.12,6.1] [--seeds N] [--json] DIR...",
		"Proves that each solution of a lab passes and that each starter and wrong answer fails\nas the lab says: in the simulator, and on real kernels, which must agree. Solutions are\ntried with what is drawn for several students.")
	kernels := fs.String("kernel", "", "also on these `kernels` in the sandbox, with commas")
	asJSON := fs.Bool("json", false, "a line of JSON a program and world")
	small := fs.Bool("builtin", false, "give the simulator the built-in kernel types that the page has, not those of an installed kernel")
	seeds := fs.Uint64("seeds", 1, "try solutions with the seeds 1 to `N` in the simulator")
	only := fs.String("exercise", "", "only the exercise with this `id`")
	dirs, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if len(dirs) == 0 {
		return sh.broken("lab test", errors.New("a folder with a lab.md is needed"))
	}
	t := labTester{sh: sh, asJSON: *asJSON, only: *only, seeds: *seeds}
	if !*small {
		t.layout = kernelBTF()
	}
	if *kernels != "" {
		m, err := sandbox.NewManager(sandbox.Config{Warm: -1})
		if err != nil {
			return sh.broken("lab test", err)
		}
		defer m.Close()
		t.machines, t.kernels = m, strings.Split(*kernels, ",")
	}
	for _, dir := range dirs {
		lab, fine := sh.readLab(dir)
		if !fine {
			t.bad++
			continue
		}
		if err := t.lab(ctx, lab); err != nil {
			return sh.broken("lab test", err)
		}
	}
	if !*asJSON {
		fmt.Fprintf(sh.out, "%d programs tried, %d not as their lab says, %d differences that are allowed\n", t.tried, t.bad, t.allowed)
	}
	if t.bad > 0 {
		return exitRejected
	}
	return exitOK
}

// labTester tries the programs of labs.
type labTester struct {
	sh                  *shell
	asJSON              bool
	only                string
	seeds               uint64
	layout              *btf.Spec // of the simulator's kernel, nil: the built-in one
	machines            grading.Machines
	kernels             []string
	tried, bad, allowed int
}

func (t *labTester) lab(ctx context.Context, lab *labs.Lab) error {
	for i, try := range grading.Tries(lab, 1) {
		if t.only != "" && try.Exercise.ID != t.only {
			continue
		}
		sub, err := submission(ctx, try.Source.Lang, try.Source.Text)
		if err != nil {
			return fmt.Errorf("%s/%s: %w", lab.ID, try.String(), err)
		}
		ex := grading.Exercise(lab, try.Exercise, 1)
		ex.Kernel = t.layout
		sim := trial.Run(sub, ex)
		t.report(lab, &try, "simulator", sim, nil)
		for seed := uint64(2); seed <= t.seeds && try.Kind == grading.Solution; seed++ {
			own, sub := grading.Tries(lab, seed)[i], sub
			if own.Source.Text != try.Source.Text {
				if sub, err = submission(ctx, own.Source.Lang, own.Source.Text); err != nil {
					return fmt.Errorf("%s/%s: %w", lab.ID, own.String(), err)
				}
			}
			ex := grading.Exercise(lab, own.Exercise, seed)
			ex.Kernel = t.layout
			t.report(lab, &own, "simulator, seed "+strconv.FormatUint(seed, 10), trial.Run(sub, ex), nil)
		}
		for _, kernel := range t.kernels {
			res, err := grading.OnKernel(ctx, t.machines, kernel, sub, ex)
			if err != nil {
				return fmt.Errorf("%s/%s: kernel %s: %w", lab.ID, try.String(), kernel, err)
			}
			t.report(lab, &try, kernel, res, sim)
		}
	}
	return nil
}

func (t *labTester) report(lab *labs.Lab, try *grading.Try, world string, res, sim *trial.Result) {
	r := labResult{
		Lab: lab.ID, Exercise: try.Exercise.ID, Kind: string(try.Kind), Lang: try.Source.Lang, Title: try.Name, World: world,
		Points: res.Points, Total: res.Total, Wrong: try.Check(res, sim),
	}
	if sim != nil {
		r.Disagree = grading.Disagreement(sim, res)
	}
	t.tried++
	switch {
	case r.Wrong == "" && r.Disagree == "":
	case sim != nil && try.Exercise.Disagree != "":
		r.Allowed = try.Exercise.Disagree
		t.allowed++
	default:
		t.bad++
	}
	if t.asJSON {
		t.sh.out.Write(marshal(r))
		return
	}
	for _, msg := range []string{r.Wrong, r.Disagree} {
		if msg == "" {
			continue
		}
		word := "WRONG"
		if r.Allowed != "" {
			word = "allowed (" + r.Allowed + ")"
		}
		fmt.Fprintf(t.sh.out, "%s/%s, %s: %s: %s\n", lab.ID, try.String(), world, word, msg)
	}
}

// submission makes what a student wrote ready for a trial.
func submission(ctx context.Context, lang, text string) (trial.Submission, error) {
	if lang != "c" {
		return trial.Submission{Text: text}, nil
	}
	obj, err := compileC(ctx, text)
	return trial.Submission{Object: obj}, err
}

func (sh *shell) labGrade(ctx context.Context, args []string) int {
	fs := sh.flags("lab grade", "-exercise ID [--kernel 6.12] DIR FILE",
		"Grades FILE (C, an object of clang, or assembly in a file that ends in .s) as an answer\nto an exercise of the lab in DIR.")
	id := fs.String("exercise", "", "the exercise's `id`; the first otherwise")
	kernel := fs.String("kernel", "", "on this real kernel instead of the simulator")
	seed := fs.Uint64("seed", 1, "the student's seed")
	operands, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if len(operands) != 2 {
		return sh.broken("lab grade", errors.New("DIR and FILE are needed"))
	}
	lab, fine := sh.readLab(operands[0])
	if !fine {
		return exitUsage
	}
	ex, err := exerciseOf(lab, *id)
	if err != nil {
		return sh.broken("lab grade", err)
	}
	sub, err := sh.submissionFile(ctx, operands[1])
	if err != nil {
		return sh.broken("lab grade", err)
	}
	var res *trial.Result
	if *kernel == "" {
		res = trial.Run(sub, grading.Exercise(lab, ex, *seed))
	} else {
		m, err := sandbox.NewManager(sandbox.Config{Warm: -1})
		if err != nil {
			return sh.broken("lab grade", err)
		}
		defer m.Close()
		if res, err = grading.OnKernel(ctx, m, *kernel, sub, grading.Exercise(lab, ex, *seed)); err != nil {
			return sh.broken("lab grade", err)
		}
	}
	sh.printGrade(res)
	if !res.Passed() {
		return exitRejected
	}
	return exitOK
}

func exerciseOf(lab *labs.Lab, id string) (*labs.Exercise, error) {
	var ids []string
	for _, ex := range lab.Exercises {
		if ex.ID == id || id == "" {
			return ex, nil
		}
		ids = append(ids, ex.ID)
	}
	return nil, fmt.Errorf("the lab has no exercise %q; there are %s", id, strings.Join(ids, ", "))
}

func (sh *shell) submissionFile(ctx context.Context, name string) (trial.Submission, error) {
	b, err := sh.read(name)
	if err != nil {
		return trial.Submission{}, err
	}
	switch {
	case strings.HasPrefix(string(b), "\x7fELF"):
		return trial.Submission{Object: b}, nil
	case strings.HasSuffix(name, ".c"):
		return submission(ctx, "c", string(b))
	}
	return submission(ctx, "asm", string(b))
}

func (sh *shell) printGrade(res *trial.Result) {
	for _, p := range res.Problems {
		if p.Line > 0 {
			fmt.Fprintf(sh.out, "%d:%d: ", p.Line, p.Col)
		}
		fmt.Fprintln(sh.out, p.Msg)
		if p.Hint != "" {
			fmt.Fprintf(sh.out, "     %s\n", p.Hint)
		}
	}
	for n, rep := range append([]*grade.Report{res.Report}, res.Hidden...) {
		if rep == nil {
			continue
		}
		for i := range rep.Findings {
			f := &rep.Findings[i]
			text := f.Rule.Text
			if n > 0 {
				text = "a hidden case"
			}
			fmt.Fprintf(sh.out, "%s %2d  %s\n", [...]string{"no  ", "yes ", "skip"}[f.State], f.Rule.Weight, text)
			if f.State != grade.Passed && n == 0 {
				fmt.Fprintf(sh.out, "          expected %s, got %s\n", f.Expected, f.Got)
				if f.Rule.Why != "" {
					fmt.Fprintf(sh.out, "          %s\n", f.Rule.Why)
				}
			}
		}
	}
	fmt.Fprintf(sh.out, "%d of %d points\n", res.Points, res.Total)
}
