package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
)

// Exit codes of every skep command.
const (
	exitOK    = 0
	exitNo    = 1 // the machine cannot do it
	exitUsage = 2
)

// verb is one word after `skep sandbox`.
type verb struct {
	name, args, about string
	run               func(ctx context.Context, fs *flag.FlagSet, args []string, io streams) error
}

// Verb is a word of the caller's own, who has the streams himself.
type Verb struct {
	Name, Args, About string
	Run               func(ctx context.Context, fs *flag.FlagSet, args []string) error
}

type streams struct {
	in       io.Reader
	out, err io.Writer
}

// verbs in the order of the help text.
var verbs = []verb{
	{"install", "[--kernel V] [--deb FILE]", "get Debian's kernels (default: 6.12 and 6.1; V may be backports) and build the guest", installVerb},
	{"list", "", "kernels and what is cached", listVerb},
	{"run", "--batch [--kernel V] < programs > verdicts", "ask a real kernel about each program", runVerb},
	{"shell", "[--kernel V]", "a terminal in a fresh virtual machine", shellVerb},
	{"bench", "[--kernel V] [--json]", "restore time, memory, jobs and programs a second", benchVerb},
	{"findings", "[--json]", "differences between our verifier and a kernel that users ran into", findingsVerb},
	{"doctor", "[--json]", "what is missing, and how strong the isolation is", doctorVerb},
}

// ErrUsage makes Command print the usage and return 2.
var ErrUsage = errors.New("usage")

// Command runs `skep sandbox ARGS` and returns its exit code. more are verbs besides those of this package.
func Command(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, more ...Verb) int {
	verbs := slices.Clone(verbs)
	for _, v := range more {
		verbs = append(verbs, verb{v.Name, v.Args, v.About, func(ctx context.Context, fs *flag.FlagSet, args []string, _ streams) error {
			return v.Run(ctx, fs, args)
		}})
	}
	usage := func() int {
		fmt.Fprintln(stderr, "usage: skep sandbox VERB")
		for _, v := range verbs {
			fmt.Fprintf(stderr, "  %-8s %-44s %s\n", v.name, v.args, v.about)
		}
		return exitUsage
	}
	if len(args) == 0 {
		return usage()
	}
	for _, v := range verbs {
		if v.name != args[0] {
			continue
		}
		fs := flag.NewFlagSet("skep sandbox "+v.name, flag.ContinueOnError)
		fs.SetOutput(stderr)
		err := v.run(ctx, fs, args[1:], streams{stdin, stdout, stderr})
		switch {
		case err == nil || errors.Is(err, flag.ErrHelp):
			return exitOK
		case errors.Is(err, ErrUsage):
			fmt.Fprintf(stderr, "usage: skep sandbox %s %s\n", v.name, v.args)
			return exitUsage
		}
		fmt.Fprintf(stderr, "skep sandbox %s: %v\n", v.name, err)
		return exitNo
	}
	return usage()
}

// parse reads flags; no verb takes arguments.
func parse(fs *flag.FlagSet, args []string) error {
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return ErrUsage
	}
	if fs.NArg() > 0 {
		return ErrUsage
	}
	return nil
}

func installVerb(ctx context.Context, fs *flag.FlagSet, args []string, io streams) error {
	kernel := fs.String("kernel", "", "only this kernel `version`")
	deb := fs.String("deb", "", "use this package `file` instead of apt-get")
	force := fs.Bool("force", false, "install again what is there")
	if err := parse(fs, args); err != nil {
		return err
	}
	if *deb != "" && *kernel == "" {
		return errors.New("--deb needs --kernel")
	}
	versions := Versions()
	if *kernel != "" {
		versions = []string{*kernel}
	}
	for _, v := range versions {
		k, err := FindKernel(v)
		if errors.Is(err, ErrNotInstalled) || err == nil && *force {
			k, err = Install(ctx, v, *deb, io.err)
		}
		if err != nil {
			return err
		}
		if _, _, err := k.initrdFile(ctx); err != nil {
			return err
		}
		fmt.Fprintf(io.out, "kernel %-5s %s\n", k.Version, k.Release)
	}
	if err := installQEMU(ctx, io.err); err != nil {
		return err
	}
	q, err := qemu()
	if err != nil {
		return err
	}
	fmt.Fprintf(io.out, "qemu         %s\n", q.version)
	return nil
}

func listVerb(ctx context.Context, fs *flag.FlagSet, args []string, io streams) error {
	if err := parse(fs, args); err != nil {
		return err
	}
	for _, v := range Versions() {
		if _, err := FindKernel(v); err != nil {
			fmt.Fprintf(io.out, "%-9s %v\n", v, err)
		}
	}
	for _, k := range Kernels() {
		fmt.Fprintf(io.out, "%-9s %s (%s)\n", k.Version, k.Release, k.Package)
	}
	return nil
}

func findingsVerb(ctx context.Context, fs *flag.FlagSet, args []string, io streams) error {
	asJSON := fs.Bool("json", false, "for machines")
	if err := parse(fs, args); err != nil {
		return err
	}
	dir, err := FindingsDir()
	if err != nil {
		return err
	}
	f := &Findings{Dir: dir}
	all, err := f.List()
	if err != nil {
		return err
	}
	if len(all) == 0 && !*asJSON {
		fmt.Fprintf(io.out, "none in %s\n", dir)
		return nil
	}
	for _, x := range all {
		if *asJSON {
			if err := json.NewEncoder(io.out).Encode(x); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(io.out, "%s  %-8s %-32s skep %-14s %s\n", x.Time.Format("2006-01-02 15:04"), x.Kind, x.Kernel, x.Version, f.path(x.ID))
	}
	return nil
}

func runVerb(ctx context.Context, fs *flag.FlagSet, args []string, io streams) error {
	batch := fs.Bool("batch", false, "JSON lines in, JSON lines out")
	kernel := fs.String("kernel", DefaultKernel, "kernel `version`")
	store := fs.String("btf-store", "", "`file` with BTF blobs by hash")
	logLevel := fs.Int("log-level", -1, "instead of the records' own")
	logMax := fs.Int("log-max", 0, "`bytes` of log a verdict, 0 is 1 MiB")
	run := fs.Bool("run", false, "test-run every accepted program whose type allows it")
	repeat := fs.Uint("repeat", 0, "repetitions of a test run")
	timeout := fs.Duration("timeout", 0, "a program, 0 is two minutes")
	if err := parse(fs, args); err != nil {
		return err
	}
	if !*batch {
		return ErrUsage
	}
	opt := BatchOptions{LogLevel: *logLevel, LogMax: *logMax, Run: *run, Repeat: uint32(*repeat), Timeout: *timeout}
	if *store != "" {
		var err error
		if opt.Store, err = ReadBTFStore(*store); err != nil {
			return err
		}
	}
	m, err := NewManager(Config{Kernels: []string{*kernel}, Warm: -1, MaxVMs: 1})
	if err != nil {
		return err
	}
	defer m.Close()
	return Batch(ctx, m, *kernel, io.in, io.out, opt)
}

func doctorVerb(ctx context.Context, fs *flag.FlagSet, args []string, io streams) error {
	asJSON := fs.Bool("json", false, "for machines")
	if err := parse(fs, args); err != nil {
		return err
	}
	h := Doctor(ctx)
	if *asJSON {
		e := json.NewEncoder(io.out)
		e.SetIndent("", "  ")
		if err := e.Encode(h); err != nil {
			return err
		}
	} else {
		h.Print(io.out)
	}
	if !h.OK() {
		return errors.New("jobs cannot run here")
	}
	return nil
}
