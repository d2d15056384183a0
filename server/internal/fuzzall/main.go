// Command fuzzall runs every fuzz target of the module for a given time, one
// after the other or a few at once, and says what each found.
//
//	go run ./server/internal/fuzzall -time 30m -jobs 4 vm/asm
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"
)

type target struct{ pkg, name string }

func main() {
	each := flag.Duration("time", 30*time.Second, "time for each target")
	jobs := flag.Int("jobs", 1, "targets at once, with one worker each")
	flag.Parse()
	targets, err := find(flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzzall:", err)
		os.Exit(2)
	}
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		failed bool
		slots  = make(chan struct{}, max(*jobs, 1))
	)
	for _, t := range targets {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			out, err := fuzz(t, *each)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = true
				fmt.Printf("FAIL %s %s\n%s\n", t.pkg, t.name, out)
				return
			}
			fmt.Printf("ok   %s %s %s\n", t.pkg, t.name, summary(out))
		})
	}
	wg.Wait()
	if failed {
		os.Exit(1)
	}
}

// find lists the fuzz targets of the packages whose path contains one of the
// words, or of all.
func find(words []string) ([]target, error) {
	out, err := exec.Command("go", "test", "-list", "^Fuzz", "./...").Output()
	if err != nil {
		return nil, fmt.Errorf("go test -list: %w", err)
	}
	var all []target
	var names []string
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		switch {
		case len(f) == 1 && strings.HasPrefix(f[0], "Fuzz"):
			names = append(names, f[0])
		case len(f) > 1 && f[0] == "ok":
			for _, n := range names {
				if wanted(f[1], n, words) {
					all = append(all, target{f[1], n})
				}
			}
			names = nil
		}
	}
	return all, nil
}

func wanted(pkg, name string, words []string) bool {
	for _, w := range words {
		if strings.Contains(pkg+"/"+name, w) {
			return true
		}
	}
	return len(words) == 0
}

func fuzz(t target, d time.Duration) (string, error) {
	cmd := exec.Command("go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", d.String(), "-fuzzminimizetime", "1s", "-parallel", "1", t.pkg)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

var reProgress = regexp.MustCompile(`elapsed: .*`)

// summary is the last progress line of the fuzzer.
func summary(out string) string {
	all := reProgress.FindAllString(out, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}
