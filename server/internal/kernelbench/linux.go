//go:build linux

package kernelbench

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"skep/jit/workload"
	"skep/server/sandbox/bpf"
	"skep/verifier"
	"skep/vm/hook"
	"skep/vm/isa"
)

// maxPeak bounds the states that a program holds in our verifier: Linux 6.18 has crashed over one with 8192 branches
// pending.
const maxPeak = 1000

// Batches of a round.
const (
	batchTime = 30 * time.Microsecond
	maxRepeat = 1 << 20
)

// Permitted says why the kernel's JIT cannot be measured here, or nil.
func Permitted() error {
	if os.Geteuid() != 0 {
		return errors.New("only root may load programs into this kernel")
	}
	on, err := os.ReadFile("/proc/sys/net/core/bpf_jit_enable")
	switch {
	case err != nil:
		return fmt.Errorf("whether this kernel compiles is unknown: %w", err)
	case string(bytes.TrimSpace(on)) == "0":
		return errors.New("this kernel interprets: net.core.bpf_jit_enable is 0")
	}
	return nil
}

// Linux is the kernel of this machine: BPF_PROG_TEST_RUN of a program as type sched_cls.
type Linux struct {
	log     io.Writer
	trusted map[string][]isa.Insn
}

// program is one load of a program, with maps of its own.
type program struct {
	fd     int
	maps   []int
	packet []byte
}

// NewLinux makes the engine; log gets a line for each program before it is loaded for the first time.
func NewLinux(log io.Writer) (*Linux, error) {
	if err := Permitted(); err != nil {
		return nil, err
	}
	return &Linux{log, map[string][]isa.Insn{}}, nil
}

// Round measures by the kernel's own clock, which tells whole ns, rounded down. What it tells has the loop of
// BPF_PROG_TEST_RUN in it, and each batch starts with the packet as it was at first. Every round loads the program anew:
// the kernel puts code at random multiples of 16 bytes, and a short loop may take twice as long at one as at another.
func (l *Linux) Round(q Request) (*Round, error) {
	all := workload.All()
	i := slices.IndexFunc(all, func(w workload.Workload) bool { return w.Name == q.Program })
	if i < 0 {
		return nil, fmt.Errorf("there is no program %q", q.Program)
	}
	insns, err := l.trust(&all[i])
	if err != nil {
		return nil, err
	}
	p := &program{packet: Packet(all[i].Packet)}
	defer p.close()
	if err := p.load(insns); err != nil {
		return nil, err
	}
	r := &Round{NS: math.Inf(1)}
	if r.Outcome, err = p.first(); err != nil {
		return nil, err
	}
	repeat := uint32(1)
	for begin := time.Now(); time.Since(begin) < time.Duration(q.NS) || math.IsInf(r.NS, 1); {
		from := time.Now()
		run, err := p.run(repeat)
		if err != nil {
			return nil, err
		}
		r.NS = min(r.NS, float64(run.Duration))
		if time.Since(from) < batchTime && repeat < maxRepeat {
			repeat *= 2
		}
	}
	return r, nil
}

// trust returns a program that our verifier accepts with few states.
func (l *Linux) trust(w *workload.Workload) ([]isa.Insn, error) {
	if insns := l.trusted[w.Name]; insns != nil {
		return insns, nil
	}
	p, err := Program(w)
	if err != nil {
		return nil, err
	}
	res, err := verifier.Verify(p, verifier.Config{Kernel: verifier.Linux612, Privilege: verifier.Root})
	switch {
	case err != nil:
		return nil, fmt.Errorf("our verifier: %w", err)
	case res.Verdict != verifier.Accepted:
		return nil, fmt.Errorf("our verifier refuses it: %s", res.Message)
	case res.PeakStates > maxPeak:
		return nil, fmt.Errorf("our verifier holds %d states of it, and %d is as many as are let into this kernel", res.PeakStates, maxPeak)
	}
	fmt.Fprintf(l.log, "linux: loading %s: %d instructions, %d states at most of %d\n", w.Name, len(p.Insns), res.PeakStates, res.TotalStates)
	l.trusted[w.Name] = p.Insns
	return p.Insns, nil
}

// load creates the maps and the program. Its instructions are those that our engines run, but for the descriptors of
// the maps; the kernel rewrites loads of data and data_end, and prepares a program that writes its packet for one that
// is not linear.
func (p *program) load(insns []isa.Insn) error {
	for _, m := range Maps() {
		fd, err := bpf.MapCreate(&bpf.MapCreateAttr{Type: uint32(m.Type), KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries, Name: bpf.ObjName(m.Name)})
		if err != nil {
			return fmt.Errorf("map %s: %w", m.Name, err)
		}
		p.maps = append(p.maps, fd)
		for _, kv := range m.Init {
			if err := bpf.MapUpdate(fd, kv.Key, kv.Value, 0); err != nil {
				return fmt.Errorf("map %s: %w", m.Name, err)
			}
		}
	}
	insns = slices.Clone(insns)
	for i := range insns {
		if in := &insns[i]; in.IsWide() && in.Src == isa.PseudoMapFD {
			in.Imm = int32(p.maps[in.Imm])
		}
	}
	code, license := isa.EncodeAll(insns), []byte("GPL\x00")
	var err error
	p.fd, err = bpf.ProgLoad(&bpf.ProgLoadAttr{Type: uint32(hook.SchedCls), InsnCnt: uint32(len(insns)), Insns: bpf.Ptr(code), License: bpf.Ptr(license)})
	if err != nil {
		return fmt.Errorf("the kernel refuses it: %w", err)
	}
	var size bpf.ProgInfo
	if err := size.Get(p.fd); err != nil {
		return fmt.Errorf("info: %w", err)
	}
	if size.JitedLen == 0 {
		return errors.New("the kernel did not compile it")
	}
	return nil
}

// run runs the program; Data is copied anew for each call.
func (p *program) run(repeat uint32) (*bpf.TestRunAttr, error) {
	a := &bpf.TestRunAttr{FD: uint32(p.fd), Repeat: repeat, Data: bpf.Ptr(p.packet), DataIn: uint32(len(p.packet))}
	if err := bpf.TestRun(a); err != nil {
		return nil, fmt.Errorf("test run: %w", err)
	}
	return a, nil
}

// first runs the program once and reads everything that it can have changed.
func (p *program) first() (*Outcome, error) {
	left := make([]byte, len(p.packet))
	a := &bpf.TestRunAttr{FD: uint32(p.fd), Repeat: 1, Data: bpf.Ptr(p.packet), DataIn: uint32(len(p.packet)), DataOutPtr: bpf.Ptr(left), DataOut: uint32(len(left))}
	if err := bpf.TestRun(a); err != nil {
		return nil, fmt.Errorf("test run: %w", err)
	}
	o := &Outcome{R0: uint64(a.Ret), Narrow: true, Packet: hex.EncodeToString(left)}
	for i, m := range Maps() {
		next, key, value := make([]byte, m.KeySize), []byte(nil), make([]byte, m.ValueSize)
		for {
			err := bpf.MapNextKey(p.maps[i], key, next)
			if errors.Is(err, unix.ENOENT) {
				break
			} else if err == nil {
				err = bpf.MapLookup(p.maps[i], next, value)
			}
			if err != nil {
				return nil, fmt.Errorf("map %s: %w", m.Name, err)
			}
			key = slices.Clone(next)
			o.Maps = append(o.Maps, Element(m.Name, key, value))
		}
	}
	slices.Sort(o.Maps)
	return o, nil
}

func (p *program) close() {
	for _, fd := range append(p.maps, p.fd) {
		if fd > 0 {
			unix.Close(fd)
		}
	}
}
