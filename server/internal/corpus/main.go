// Command corpus rebuilds the verifier corpus: it takes the kernel's own BPF
// tests out of Debian's source package, compiles them, loads each program into
// the kernel of the sandbox and writes what the kernel said as records
// (design.md, "Batch format", with the verdict under "kernel").
//
//	apt-get install linux-source-6.12
//	go run ./server/internal/corpus -o corpus -compare ../shared/data/verifier-corpus-6.12.jsonl.gz
//
// The tests are GPL-2.0: neither they nor the records are part of this
// repository. What is not taken: programs that name a function or variable that
// the kernel lacks (libbpf refuses them), and objects that need a generated
// skeleton or a second object.
//
// Read next: source.go, record.go, testverifier.go, features.go, compare.go.
package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	var o options
	flag.StringVar(&o.source, "source", "/usr/src/linux-source-6.12.tar.xz", "Debian's kernel source")
	flag.StringVar(&o.out, "o", "corpus", "folder for sources, objects and the corpus; what is there is kept")
	flag.StringVar(&o.compare, "compare", "", "corpus to compare with")
	match := flag.String("match", ".", "files of progs/ to take, without .c; test_verifier is one more")
	flag.StringVar(&o.clang, "clang", "clang-19", "compiler")
	flag.Parse()
	var err error
	if o.match, err = regexp.Compile(*match); err == nil {
		err = o.run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "corpus:", err)
		os.Exit(1)
	}
}

type options struct {
	source, out, compare, clang string
	match                       *regexp.Regexp
}

func (o *options) run(ctx context.Context) error {
	t := tree(filepath.Join(o.out, "linux"))
	if err := t.unpack(ctx, o.source); err != nil {
		return err
	}
	k, err := findKernel()
	if err != nil {
		return err
	}
	if err := t.headers(ctx, k.btfFile); err != nil {
		return err
	}
	sources, err := t.programs(o.match)
	if err != nil {
		return err
	}
	var records []*record
	failed := 0
	for _, src := range sources {
		obj := filepath.Join(o.out, strings.TrimSuffix(filepath.Base(src), ".c")+".bpf.o")
		if err := t.compile(ctx, o.clang, src, obj); err != nil {
			failed++
			fmt.Fprintf(os.Stderr, "%v\n", err)
			continue
		}
		rs, err := recordsOf(obj, k.types)
		if err != nil {
			failed++
			fmt.Fprintf(os.Stderr, "%s: %v\n", filepath.Base(obj), err)
			continue
		}
		records = append(records, rs...)
	}
	fmt.Printf("%d sources, %d objects, %d programs\n", len(sources), len(sources)-failed, len(records))
	if o.match.MatchString("test_verifier") {
		arrays, err := t.testVerifier(ctx, o.clang, k.types)
		if err != nil {
			return err
		}
		fmt.Printf("%d programs of test_verifier\n", len(arrays))
		records = append(records, arrays...)
	}
	if len(records) == 0 {
		return errors.New("no test matches")
	}
	if err := ask(ctx, records); err != nil {
		return err
	}
	for _, r := range records {
		r.classify()
	}
	if err := write(filepath.Join(o.out, "verifier-corpus-6.12.jsonl.gz"), records); err != nil {
		return err
	}
	if o.compare == "" {
		return nil
	}
	given, err := readCorpus(o.compare)
	if err != nil {
		return err
	}
	fmt.Print(compare(given, records))
	return nil
}

// write writes records as gzipped JSON lines.
func write(path string, records []*record) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z := gzip.NewWriter(f)
	enc := json.NewEncoder(z)
	for _, r := range records {
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	return z.Close()
}

// command runs a program and adds the end of what it said to its error.
func command(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		said := stderr.String()
		return nil, fmt.Errorf("%s: %w: %s", name, err, said[:min(len(said), 600)])
	}
	return out, nil
}
