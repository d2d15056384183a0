package compile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// sourceName is the source's name inside the jail; it is also the name in
// the object's line information.
const sourceName = "prog.bpf.c"

// The jail is bubblewrap's: own user, mount, PID, network, IPC, UTS and
// cgroup namespaces, a root of tmpfs that is remounted read-only and shows
// /usr and the source and nothing else, no capabilities, no new privileges, a
// new session, the seccomp filter of seccomp_linux.go. prlimit sets the
// resource limits inside. /etc, /home and /proc of the machine do not exist
// there, so #include "/etc/passwd" is a file that is not found.

// output is what a run of clang left behind.
type output struct {
	stdout []byte
	stderr string
	exit   int
	reason string // which limit stopped it, in words for the user
}

func findClang() (string, error) {
	for v := 19; v >= 14; v-- {
		if path, err := exec.LookPath("clang-" + strconv.Itoa(v)); err == nil {
			// The driver's own path: the jail has /usr only, no alternatives.
			return filepath.EvalSymlinks(path)
		}
	}
	return "", fmt.Errorf("%w: no clang; install Debian's clang-19 (make setup does)", ErrUnavailable)
}

// probe runs clang --version in the jail: it answers whether both work.
func probe(cfg Config) (string, error) {
	if _, err := exec.LookPath("bwrap"); err != nil {
		return "", fmt.Errorf("%w: no bwrap; install Debian's bubblewrap (make setup does)", ErrUnavailable)
	}
	ctx, cancel := context.WithTimeout(context.Background(), MaxTime)
	defer cancel()
	out, err := inJail(ctx, cfg, "", []string{"--version"})
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if out.exit != 0 {
		return "", fmt.Errorf("%w: the jail does not start: %s", ErrUnavailable, firstLine(out.stderr))
	}
	return firstLine(string(out.stdout)), nil
}

func (c *Compiler) run(ctx context.Context, req Request) (*output, error) {
	args := []string{
		"-target", "bpf", "-mcpu=" + req.CPU, "-g", "-O2", "-std=gnu17",
		"-Wall", "-Wno-unused-function", "-Wno-compare-distinct-pointer-types", "-Wno-missing-declarations",
		"-fno-color-diagnostics", "-fno-caret-diagnostics", "-fno-stack-protector",
		"-ferror-limit=30", "-fmacro-backtrace-limit=2", "-ftemplate-backtrace-limit=2",
		"-fdebug-compilation-dir=.",
	}
	args = append(args, targetMacros...)
	if c.cfg.Headers != "" {
		args = append(args, "-I/include")
	}
	args = append(args, "-idirafter", "/usr/include/"+multiarch, "-c", sourceName, "-o", "-")
	return inJail(ctx, c.cfg, req.Source, args)
}

// inJail runs clang with args over a source. The error is for what is no
// fault of the source: the context ended, or the jail could not be started.
func inJail(ctx context.Context, cfg Config, source string, clangArgs []string) (*output, error) {
	run, cancel := context.WithTimeout(ctx, MaxTime)
	defer cancel()

	filter, err := dataFile(seccompFilter())
	if err != nil {
		return nil, err
	}
	defer filter.Close()
	src, err := dataFile([]byte(source))
	if err != nil {
		return nil, err
	}
	defer src.Close()

	args := []string{
		"--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL",
		"--uid", "65534", "--gid", "65534", "--hostname", "skep",
		"--setenv", "LC_ALL", "C", "--setenv", "PATH", "/usr/bin",
		"--ro-bind", "/usr", "/usr",
		"--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "--symlink", "usr/bin", "/bin",
		"--dir", "/src", "--ro-bind-data", "4", "/src/" + sourceName, "--chdir", "/src",
	}
	if cfg.Headers != "" {
		args = append(args, "--ro-bind", cfg.Headers, "/include")
	}
	args = append(args, "--remount-ro", "/", "--seccomp", "3", "--",
		"/usr/bin/prlimit",
		"--as="+strconv.Itoa(MaxMemory),
		"--cpu="+strconv.Itoa(int(MaxTime/time.Second)),
		"--fsize=0", "--nofile=64", "--core=0", "--",
		cfg.Clang)
	cmd := exec.CommandContext(run, "bwrap", append(args, clangArgs...)...)
	cmd.Env = []string{}
	cmd.ExtraFiles = []*os.File{filter, src}
	cmd.WaitDelay = time.Second
	stdout, stderr := &limited{max: MaxObject, stop: cancel}, &limited{max: MaxOutput}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

	err = cmd.Run()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	out := &output{stdout: stdout.buf.Bytes(), stderr: stderr.buf.String()}
	var exit *exec.ExitError
	switch {
	case stdout.over:
		out.reason = fmt.Sprintf("the object would be larger than %d MiB", MaxObject>>20)
	case errors.Is(run.Err(), context.DeadlineExceeded):
		out.reason = fmt.Sprintf("clang needed more than %d seconds and was stopped", MaxTime/time.Second)
	case err == nil:
	case errors.As(err, &exit):
		out.exit = exit.ExitCode()
		out.reason = limitReason(out)
	default:
		return nil, fmt.Errorf("jail: %w", err)
	}
	return out, nil
}

// limitReason says which resource limit ended clang, or nothing.
func limitReason(out *output) string {
	const signalled = 128 // a shell's and bwrap's convention for death by signal
	switch {
	case out.exit == signalled+int(syscall.SIGXCPU), out.exit == signalled+int(syscall.SIGKILL):
		return fmt.Sprintf("clang needed more than %d seconds of CPU time and was stopped", MaxTime/time.Second)
	case bytes.Contains([]byte(out.stderr), []byte("out of memory")),
		bytes.Contains([]byte(out.stderr), []byte("Cannot allocate memory")),
		bytes.Contains([]byte(out.stderr), []byte("bad_alloc")):
		return fmt.Sprintf("clang needed more than %d MiB of memory and was stopped", MaxMemory>>20)
	}
	return ""
}

// dataFile is a file descriptor that reads as b.
func dataFile(b []byte) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("jail: %w", err)
	}
	// The writer ends when bwrap has read all or when r is closed.
	go func() {
		w.Write(b)
		w.Close()
	}()
	return r, nil
}

// limited keeps the first max bytes and calls stop for more.
type limited struct {
	buf  bytes.Buffer
	max  int
	over bool
	stop func()
}

func (l *limited) Write(p []byte) (int, error) {
	room := l.max - l.buf.Len()
	if len(p) > room {
		l.over = true
		l.buf.Write(p[:max(room, 0)])
		if l.stop != nil {
			l.stop()
			return 0, io.ErrShortWrite
		}
		return len(p), nil
	}
	return l.buf.Write(p)
}
