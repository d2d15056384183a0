// Command skep is the eBPF playground and teaching lab: the server, and the
// same engine as tools for a shell.
//
//	skep                      serve the playground on 127.0.0.1:8080
//	skep asm prog.s | skep dis -
//
// Exit codes: 0 done or accepted, 1 rejected or failed, 2 usage or broken
// input. Files are named or -, for standard input.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// Exit codes of all verbs.
const (
	exitOK       = 0
	exitRejected = 1
	exitUsage    = 2
)

// shell is what a verb sees of the outside; tests bring their own.
type shell struct {
	in       io.Reader
	out, err io.Writer
}

// verb is one subcommand.
type verb struct {
	name, args, short string
	run               func(context.Context, *shell, []string) int
}

// verbs is in the order of the help text. A function, because a verb's run
// may print it.
func verbs() []verb {
	return []verb{
		{"serve", "[-addr HOST:PORT]", "serve playground and API (what skep does without a verb)", runServe},
		{"asm", "[-o FILE] [--json] FILE", "assemble text to bytecode", runAsm},
		{"dis", "[-dialect D] [--json] FILE", "print bytecode or an object file as text", runDis},
		{"btf", "[--json] FILE|kernel|builtin [TYPE]", "print types in C, with offsets", runBTF},
		{"verify", "[-priv P] [-log N] [--json] FILE | --batch", "say what the kernel's verifier would say", runVerify},
		{"run", "[-engine E] [--json] FILE | --batch", "run a program over packets", runRun},
		{"conformance", "[--json] DIR | -plugin", "run bpf_conformance files", runConformance},
		{"jit", "[-arch A] [-facts FILE|verify] [--json] FILE", "print the code that a program is compiled to", runJIT},
		{"bench", "[-programs A,B] [--json]", "measure the engines", runBench},
		{"lab", "new|lint|test|grade|preview", "write, check, grade and try labs", runLab},
		{"sandbox", "install|list|run|shell|bench|doctor", "real kernels in throw-away virtual machines", runSandbox},
		{"user", "add|link|list|delete [NAME]", "accounts of students on this server", runUser},
		{"site", "OUT", "write a static copy of playground and gallery", runSite},
	}
}

func main() { os.Exit(command()) }

// command is the whole command; an interrupt ends it in good order.
func command() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, &shell{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:])
}

func run(ctx context.Context, sh *shell, args []string) int {
	if len(args) == 0 {
		args = []string{"serve"}
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		usage(sh.out)
		return exitOK
	}
	for _, v := range verbs() {
		if v.name == args[0] {
			return v.run(ctx, sh, args[1:])
		}
	}
	fmt.Fprintf(sh.err, "skep: there is no verb %q%s\n\n", args[0], suggest(args[0]))
	usage(sh.err)
	return exitUsage
}

func usage(w io.Writer) {
	fmt.Fprint(w, "skep: an eBPF playground and teaching lab\n\nUsage: skep [VERB] [FLAGS] [FILE or -]\n\n")
	for _, v := range verbs() {
		fmt.Fprintf(w, "  %-12s %s\n  %-12s   %s\n", v.name, v.args, "", v.short)
	}
	fmt.Fprint(w, "\nskep VERB -h says more. Exit codes: 0 done or accepted, 1 rejected or failed, 2 usage or broken input.\n")
}

// suggest names the verb that starts like a mistyped one.
func suggest(word string) string {
	for _, v := range verbs() {
		if len(word) > 1 && (strings.HasPrefix(v.name, word[:2]) || strings.HasPrefix(word, v.name)) {
			return "; did you mean " + v.name + "?"
		}
	}
	return ""
}

// flags makes a flag set whose help has the verb's line on top.
func (sh *shell) flags(name, args, about string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(sh.err)
	fs.Usage = func() {
		fmt.Fprintf(sh.err, "Usage: skep %s %s\n\n%s\n\n", name, args, about)
		fs.PrintDefaults()
	}
	return fs
}

// parse parses args and returns what follows the flags; flags may also stand
// behind the first operand. The code is for a caller to return when !ok.
func parse(fs *flag.FlagSet, args []string) (operands []string, code int, ok bool) {
	for {
		switch err := fs.Parse(args); {
		case errors.Is(err, flag.ErrHelp):
			return nil, exitOK, false
		case err != nil:
			return nil, exitUsage, false
		}
		args = fs.Args()
		if len(args) == 0 {
			return operands, exitOK, true
		}
		operands, args = append(operands, args[0]), args[1:]
	}
}

// maxInput bounds what a verb reads from one file.
const maxInput = 256 << 20

// read reads a named file, or standard input for "-".
func (sh *shell) read(name string) ([]byte, error) {
	r := sh.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(b) > maxInput {
		return nil, fmt.Errorf("%s: larger than %d MiB", name, maxInput>>20)
	}
	return b, nil
}

// broken reports an error of usage or input.
func (sh *shell) broken(verb string, err error) int {
	fmt.Fprintf(sh.err, "skep %s: %v\n", verb, err)
	return exitUsage
}
