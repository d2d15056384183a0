package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// Level is how strongly QEMU is confined, from weakest to strongest.
type Level int

// Levels of isolation.
const (
	LevelNone    Level = iota // nothing: not offered, the zero value refuses nobody
	LevelSeccomp              // QEMU's own system call filter (-sandbox on), the server's uid
	LevelUID                  // and uid 65534 without capabilities; needs a server run by root
	LevelFull                 // and own namespaces, a read-only root of few files, no capabilities at all, resource limits
)

var levelNames = []string{"none", "seccomp", "seccomp+uid", "full"}

func (l Level) String() string {
	if l >= 0 && int(l) < len(levelNames) {
		return levelNames[l]
	}
	return "unknown"
}

// ParseLevel reads a level's name from a configuration.
func ParseLevel(s string) (Level, error) {
	if i := slices.Index(levelNames, s); i >= 0 {
		return Level(i), nil
	}
	return 0, fmt.Errorf("isolation level %q: unknown, there are %v", s, levelNames)
}

// jailSpec mirrors the jail's Spec.
type jailSpec struct {
	Binds  []string          `json:"binds"`
	Links  map[string]string `json:"links,omitempty"`
	Limits map[int]uint64    `json:"limits"`
	Self   int               `json:"self"` // descriptor of the jail's own program, to be closed
	Argv   []string          `json:"argv"`
}

// command builds the process that becomes QEMU. cpu bounds its CPU seconds as a second wall behind the watchdog; 0 is no bound.
// extra are the files it inherits from descriptor 3 on.
func (l Level) command(ctx context.Context, args []string, cpu uint64, extra []*os.File) (*exec.Cmd, error) {
	q, err := qemu()
	if err != nil {
		return nil, err
	}
	switch l {
	case LevelFull:
		jail, err := sealedProgram(ctx, "jail")
		if err != nil {
			return nil, err
		}
		files, err := qemuFiles()
		if err != nil {
			return nil, err
		}
		spec := jailSpec{Binds: files.binds, Links: files.links, Limits: map[int]uint64{},
			Self: 3 + len(extra), Argv: append([]string{q.path}, args...)}
		for r, n := range rlimits {
			spec.Limits[r] = n
		}
		if cpu > 0 {
			spec.Limits[rlimitCPU] = cpu
		}
		j, err := json.Marshal(spec)
		if err != nil {
			return nil, err
		}
		// Executed through its descriptor: nobody may not look into our cache directory.
		cmd := exec.Command(fmt.Sprintf("/proc/self/fd/%d", spec.Self), string(j))
		cmd.Env = []string{}
		cmd.ExtraFiles = append(slices.Clone(extra), jail)
		cmd.SysProcAttr = l.attributes()
		return cmd, nil
	case LevelUID:
		cmd := exec.Command(q.path, args...)
		cmd.Env, cmd.ExtraFiles = []string{"PATH=/usr/bin"}, extra
		cmd.SysProcAttr = l.attributes()
		return cmd, nil
	}
	cmd := exec.Command(q.path, args...)
	cmd.ExtraFiles = extra
	cmd.SysProcAttr = l.attributes()
	return cmd, nil
}

// files is what QEMU reads.
type files struct {
	binds []string
	links map[string]string
}

// qemuFiles finds QEMU's binary, the directories of its libraries and its firmware.
var qemuFiles = sync.OnceValues(func() (files, error) {
	q, err := qemu()
	if err != nil {
		return files{}, err
	}
	out, err := exec.Command("ldd", q.path).Output()
	if err != nil {
		return files{}, fmt.Errorf("ldd: %w", err)
	}
	f := files{links: map[string]string{}}
	add := func(path string) {
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			return
		}
		if real != path {
			f.link(path)
		}
		for _, b := range f.binds {
			if real == b || strings.HasPrefix(real, b+"/") {
				return
			}
		}
		f.binds = append(f.binds, real)
	}
	for _, word := range strings.Fields(string(out)) {
		if strings.HasPrefix(word, "/") {
			add(filepath.Dir(word))
		}
	}
	add(q.path)
	for _, d := range []string{"/usr/share/qemu", "/usr/share/seabios", "/usr/lib/ipxe/qemu"} {
		add(d)
	}
	return f, nil
})

// link repeats the first symbolic link on the way to path, such as /lib64.
func (f *files) link(path string) {
	for i := 1; i <= len(path); i++ {
		if i < len(path) && path[i] != '/' {
			continue
		}
		if to, err := os.Readlink(path[:i]); err == nil {
			f.links[path[:i]] = to
			return
		}
	}
}

// spawner starts processes from one locked thread that lives as long as we do: PR_SET_PDEATHSIG fires when the parent's thread
// ends, not its process.
var spawner = sync.OnceValue(func() chan<- func() {
	ch := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range ch {
			f()
		}
	}()
	return ch
})

func startProcess(cmd *exec.Cmd) error {
	done := make(chan error)
	spawner() <- func() { done <- cmd.Start() }
	return <-done
}

// probeLevel finds the strongest level at which QEMU starts here, and why not a stronger one.
var probeLevel = sync.OnceValues(func() (Level, string) {
	why := ""
	for _, l := range []Level{LevelFull, LevelUID} {
		if l == LevelUID && os.Getuid() != 0 {
			why += "; seccomp+uid: the server does not run as root"
			continue
		}
		err := l.try()
		if err == nil {
			return l, strings.TrimPrefix(why, "; ")
		}
		why += fmt.Sprintf("; %v: %v", l, err)
	}
	return LevelSeccomp, strings.TrimPrefix(why, "; ")
})

// try runs `qemu --version` at the level.
func (l Level) try() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd, err := l.command(ctx, []string{"--version"}, 0, nil)
	if err != nil {
		return err
	}
	var out limited
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := startProcess(cmd); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(out.String()))
	}
	if !strings.Contains(out.String(), "QEMU emulator") {
		return errors.New("QEMU did not answer")
	}
	return nil
}

// limited keeps the first 16 KiB of what a process says.
type limited struct {
	mu sync.Mutex
	b  []byte
}

func (l *limited) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := 16<<10 - len(l.b); n > 0 {
		l.b = append(l.b, b[:min(n, len(b))]...)
	}
	return len(b), nil
}

func (l *limited) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.b)
}
