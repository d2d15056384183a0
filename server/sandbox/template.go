package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"skep/server/sandbox/proto"
)

// Template is a booted guest, frozen: its memory in a sealed memory file that every clone maps copy-on-write, and the state of
// its devices. No clone can alter it, not even one that took over its QEMU process.
type Template struct {
	Kernel *Kernel
	Hello  proto.HelloMsg
	Built  time.Duration // 0 when it came from the cache

	accel accel
	level Level
	ram   *os.File
	state *os.File
}

// templateMeta is stored beside a cached template.
type templateMeta struct {
	Hello proto.HelloMsg `json:"hello"`
}

// templateKey names everything that a snapshot depends on. A snapshot of one QEMU does not load in another.
func templateKey(q qemuInfo, a accel, k *Kernel, initrd string) string {
	h := sha256.New()
	fmt.Fprintln(h, q.version, proto.Version, k.SHA256, initrd, cmdline, strings.Join(machineArgs(a, false), " "))
	if a == accelKVM {
		cpu, _ := os.ReadFile("/proc/cpuinfo")
		model, _, _ := strings.Cut(string(cpu), "\n\n")
		for _, line := range strings.Split(model, "\n") {
			if strings.HasPrefix(line, "flags") || strings.HasPrefix(line, "model name") {
				fmt.Fprintln(h, line)
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// LoadTemplate returns the kernel's template from the cache, or boots and stores it: 3 to 4 CPU seconds under emulation. Clones
// run at that level of isolation.
func LoadTemplate(ctx context.Context, k *Kernel, level Level) (*Template, error) {
	q, err := qemu()
	if err != nil {
		return nil, err
	}
	a, err := pickAccel(ctx, k)
	if err != nil {
		return nil, err
	}
	_, initrd, err := k.initrdFile(ctx)
	if err != nil {
		return nil, err
	}
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "template", k.Version+"-"+templateKey(q, a, k, initrd))
	unlock, err := lockFile(dir + ".lock") // two processes, one boot
	if err != nil {
		return nil, err
	}
	defer unlock()
	t := &Template{Kernel: k, accel: a, level: level}
	if err := t.read(dir); err == nil {
		return t, nil
	}
	start := time.Now()
	if err := t.boot(ctx); err != nil {
		return nil, fmt.Errorf("template %s: %w", k.Version, err)
	}
	t.Built = time.Since(start)
	if err := t.write(dir); err != nil { // not fatal: the next start boots again
		os.RemoveAll(dir)
	}
	removeOld(filepath.Join(cache, "template"), k.Version+"-")
	return t, nil
}

func lockFile(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := flock(f); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

// keepTemplates is how many templates of one kernel stay in the cache: the current one, and those of a branch switched away from.
const keepTemplates = 3

// removeOld deletes the templates that have not been used for longest. Running machines do not need the files.
func removeOld(dir, prefix string) {
	type old struct {
		name string
		used time.Time
	}
	var ts []old
	es, _ := os.ReadDir(dir)
	for _, e := range es {
		if st, err := e.Info(); err == nil && e.IsDir() && strings.HasPrefix(e.Name(), prefix) {
			ts = append(ts, old{e.Name(), st.ModTime()})
		}
	}
	slices.SortFunc(ts, func(a, b old) int { return b.used.Compare(a.used) })
	for _, t := range ts[min(keepTemplates, len(ts)):] {
		os.RemoveAll(filepath.Join(dir, t.name))
		os.Remove(filepath.Join(dir, t.name+".lock"))
	}
}

// boot boots the kernel, lets the agent settle and freezes the machine.
func (t *Template) boot(ctx context.Context) error {
	vm, ram, err := bootWith(ctx, t.Kernel, t.accel)
	if err != nil {
		return err
	}
	defer vm.Close()
	t.Hello = vm.Hello
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	err = vm.Call(ctx, "settle", nil, nil)
	if err == nil {
		err = vm.idle(ctx)
	}
	if err == nil {
		t.state, err = vm.freeze()
	}
	if err != nil {
		ram.Close()
		return err
	}
	vm.Close() // its shared mapping must be gone before the memory can be sealed
	t.ram = ram
	return t.seal()
}

// idle waits until the guest has nothing to do: a clone of a busy guest starts busy.
func (vm *VM) idle(ctx context.Context) error {
	last := vm.CPUTime()
	for range 40 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-vm.ended:
			return vm.end
		case <-time.After(250 * time.Millisecond):
		}
		now := vm.CPUTime()
		if now-last <= 20*time.Millisecond {
			return nil
		}
		last = now
	}
	return nil // some guests never rest; a clone of one still works
}

// freeze writes the device state to a new memory file. x-ignore-shared leaves the guest's memory where it is. The guest must
// not be stopped first, or its clones come up paused.
func (vm *VM) freeze() (*os.File, error) {
	if err := vm.qmp.greet(5 * time.Second); err != nil {
		return nil, err
	}
	state, err := memfd("skep-state", 0)
	if err != nil {
		return nil, err
	}
	ok := false
	defer func() {
		if !ok {
			state.Close()
		}
	}()
	if err := vm.qmp.ignoreShared(); err != nil {
		return nil, err
	}
	if err := vm.qmp.sendFD("state", state); err != nil {
		return nil, err
	}
	if _, err := vm.qmp.do("migrate", map[string]string{"uri": "fd:state"}); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		r, err := vm.qmp.do("query-migrate", nil)
		if err != nil {
			return nil, err
		}
		var m struct {
			Status string `json:"status"`
			Error  string `json:"error-desc"`
		}
		if err := json.Unmarshal(r, &m); err != nil {
			return nil, err
		}
		switch m.Status {
		case "completed":
			ok = true
			return state, nil
		case "failed", "cancelled":
			return nil, fmt.Errorf("migrate: %s %s", m.Status, m.Error)
		}
	}
	return nil, errors.New("migrate: does not end")
}

func (q *qmp) ignoreShared() error {
	type capability struct {
		Capability string `json:"capability"`
		State      bool   `json:"state"`
	}
	_, err := q.do("migrate-set-capabilities", map[string]any{"capabilities": []capability{{"x-ignore-shared", true}}})
	return err
}

// sendFD passes a file to QEMU under a name.
func (q *qmp) sendFD(name string, f *os.File) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	conn, ok := q.conn.(*net.UnixConn)
	if !ok {
		return errors.New("qmp: not a unix socket")
	}
	b, _ := json.Marshal(map[string]any{"execute": "getfd", "arguments": map[string]string{"fdname": name}})
	if _, _, err := conn.WriteMsgUnix(append(b, '\n'), fdRights(f), nil); err != nil {
		return fmt.Errorf("qmp: getfd: %w", err)
	}
	_, err := q.wait(5 * time.Second)
	return err
}

func (t *Template) seal() error {
	return errors.Join(seal(t.ram), seal(t.state))
}

// Close frees the template's memory once its last clone is gone.
func (t *Template) Close() error {
	return errors.Join(t.ram.Close(), t.state.Close())
}

// write stores the template: memory without its zero pages, state, and template.json last.
func (t *Template) write(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := copySparse(filepath.Join(dir, "ram"), t.ram); err != nil {
		return err
	}
	state, err := io.ReadAll(io.NewSectionReader(t.state, 0, 64<<20))
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, "state"), state, 0o600); err != nil {
		return err
	}
	j, err := json.Marshal(templateMeta{t.Hello})
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "template.json"), j, 0o600)
}

// copySparse writes the non-zero pages of a memory file to path.
func copySparse(path string, from *os.File) error {
	os.Remove(path)
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = copyData(to, from)
	if cerr := to.Close(); err == nil {
		err = cerr
	}
	return err
}

// copyData copies the data extents of from to the same offsets of to, leaving out zero pages.
func copyData(to, from *os.File) error {
	if err := to.Truncate(guestRAMBytes); err != nil {
		return err
	}
	const page = 4096
	var zero [page]byte
	buf := make([]byte, 256*page)
	for off := int64(0); off < guestRAMBytes; {
		start, end, err := dataExtent(from, off)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		for start &^= page - 1; start < end; {
			n, err := from.ReadAt(buf[:min(int64(len(buf)), end-start)], start)
			if err != nil && err != io.EOF || n == 0 {
				return fmt.Errorf("read at %d: %w", start, err)
			}
			for i := 0; i < n; {
				j := i
				for j < n && string(buf[j:min(j+page, n)]) != string(zero[:min(page, n-j)]) {
					j += page
				}
				if j = min(j, n); j > i {
					if _, err := to.WriteAt(buf[i:j], start+int64(i)); err != nil {
						return err
					}
				}
				i = j + page
			}
			start += int64(n)
		}
		off = end
	}
	return nil
}

// read loads a stored template into sealed memory.
func (t *Template) read(dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, "template.json"))
	if err != nil {
		return err
	}
	var m templateMeta
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	t.Hello = m.Hello
	now := time.Now()
	os.Chtimes(dir, now, now)
	stored, err := os.Open(filepath.Join(dir, "ram"))
	if err != nil {
		return err
	}
	defer stored.Close()
	if st, err := stored.Stat(); err != nil || st.Size() != guestRAMBytes {
		return errors.New("template: ram has the wrong size")
	}
	state, err := os.ReadFile(filepath.Join(dir, "state"))
	if err != nil {
		return err
	}
	if t.ram, err = memfd("skep-ram-"+t.Kernel.Version, guestRAMBytes); err != nil {
		return err
	}
	if err = copyData(t.ram, stored); err == nil {
		if t.state, err = memfd("skep-state", 0); err == nil {
			if _, err = t.state.Write(state); err == nil {
				if err = t.seal(); err == nil {
					return nil
				}
			}
			t.state.Close()
		}
	}
	t.ram.Close()
	return err
}

// Clone starts a copy of the template. It has its own clock and random state; cpuSeconds is its hard limit of CPU time.
func (t *Template) Clone(ctx context.Context, cpuSeconds uint64) (*VM, error) {
	// A clone reads the state from the start, so it needs a file offset of its own.
	state, err := reopen(t.state)
	if err != nil {
		return nil, fmt.Errorf("clone: %w", err)
	}
	defer state.Close()
	args := append(machineArgs(t.accel, false), cloneArgs()...)
	vm, err := launch(ctx, t.Kernel, t.level, args, cpuSeconds, t.ram, state)
	if err != nil {
		return nil, err
	}
	if err := vm.resume(ctx, t); err != nil {
		vm.Close()
		return nil, fmt.Errorf("clone %s: %w%s", t.Kernel.Version, err, vm.excuse())
	}
	return vm, nil
}

// resume loads the snapshot and waits for the agent.
func (vm *VM) resume(ctx context.Context, t *Template) error {
	if err := vm.qmp.greet(10 * time.Second); err != nil {
		return err
	}
	if err := vm.qmp.ignoreShared(); err != nil {
		return err
	}
	if _, err := vm.qmp.do("migrate-incoming", map[string]string{"uri": fmt.Sprintf("fd:%d", fdState)}); err != nil {
		return err
	}
	vm.Hello = t.Hello
	go vm.dispatch()
	if err := vm.Seed(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return vm.Ping(ctx, []byte("awake?"))
}
