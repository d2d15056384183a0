package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bench is what `skep sandbox bench` measures. Wall times depend on the machine's load, CPU times much less.
type Bench struct {
	Kernel          string  `json:"kernel"`
	Accel           string  `json:"accel"`
	Level           string  `json:"level"`
	ColdBootMS      float64 `json:"cold_boot_ms"`
	ColdBootCPUMS   float64 `json:"cold_boot_cpu_ms"`
	RestoreMS       float64 `json:"restore_ms"` // median: start of QEMU to the agent's answer
	RestoreP95MS    float64 `json:"restore_p95_ms"`
	RestoreCPUMS    float64 `json:"restore_cpu_ms"`
	WarmMS          float64 `json:"warm_ms"` // from the pool: request to a one-program verdict
	PssMiB          float64 `json:"pss_mib"` // a clone, ten held
	JobsPerMinute   float64 `json:"jobs_per_minute"`
	ProgramsPerSec  float64 `json:"programs_per_second"` // batch of 1,000, log level 2, wall
	ProgramsPerCPUs float64 `json:"programs_per_cpu_second"`
}

func benchVerb(ctx context.Context, fs *flag.FlagSet, args []string, std streams) error {
	kernel := fs.String("kernel", DefaultKernel, "kernel `version`")
	asJSON := fs.Bool("json", false, "for machines")
	if err := parse(fs, args); err != nil {
		return err
	}
	b, err := RunBench(ctx, *kernel)
	if err != nil {
		return err
	}
	if *asJSON {
		return json.NewEncoder(std.out).Encode(b)
	}
	fmt.Fprintf(std.out, "kernel %s, %s, isolation %s\n", b.Kernel, b.Accel, b.Level)
	for _, l := range []struct {
		name string
		v    float64
		unit string
	}{
		{"cold boot", b.ColdBootMS, "ms"}, {"cold boot, CPU", b.ColdBootCPUMS, "ms"},
		{"restore, median", b.RestoreMS, "ms"}, {"restore, p95", b.RestoreP95MS, "ms"}, {"restore, CPU median", b.RestoreCPUMS, "ms"},
		{"warm VM to verdict", b.WarmMS, "ms"}, {"memory a clone (Pss of ten)", b.PssMiB, "MiB"},
		{"jobs (clone, load, kill)", b.JobsPerMinute, "a minute"},
		{"programs, log level 2", b.ProgramsPerSec, "a second"}, {"programs, log level 2", b.ProgramsPerCPUs, "a CPU second"},
	} {
		fmt.Fprintf(std.out, "%-30s %8.1f %s\n", l.name, l.v, l.unit)
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// RunBench measures one kernel; it takes about half a minute under emulation.
func RunBench(ctx context.Context, version string) (*Bench, error) {
	m, err := NewManager(Config{Kernels: []string{version}, Warm: 1})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	k, err := FindKernel(version)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	vm, err := Boot(ctx, k)
	if err != nil {
		return nil, err
	}
	b := &Bench{Kernel: k.Release, Level: m.Level().String(), ColdBootMS: ms(time.Since(start)), ColdBootCPUMS: ms(vm.CPUTime())}
	vm.Close()
	t, err := m.template(ctx, version)
	if err != nil {
		return nil, err
	}
	b.Accel, _, _ = strings.Cut(string(t.accel), ",")
	for _, f := range []func(context.Context, *Manager, *Template) error{b.restore, b.memory, b.jobs, b.batch, b.warm} {
		if err := f(ctx, m, t); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (b *Bench) restore(ctx context.Context, _ *Manager, t *Template) error {
	var wall, cpu []time.Duration
	for range 20 {
		start := time.Now()
		vm, err := t.Clone(ctx, 0)
		if err != nil {
			return err
		}
		wall, cpu = append(wall, time.Since(start)), append(cpu, vm.CPUTime())
		vm.Close()
	}
	slices.Sort(wall)
	slices.Sort(cpu)
	b.RestoreMS, b.RestoreP95MS, b.RestoreCPUMS = ms(wall[10]), ms(wall[18]), ms(cpu[10])
	return nil
}

// memory holds ten clones and shares out what they share.
func (b *Bench) memory(ctx context.Context, _ *Manager, t *Template) error {
	var vms []*VM
	defer func() {
		for _, vm := range vms {
			vm.Close()
		}
	}()
	var total float64
	for range 10 {
		vm, err := t.Clone(ctx, 0)
		if err != nil {
			return err
		}
		vms = append(vms, vm)
	}
	for _, vm := range vms {
		n, err := vm.pss()
		if err != nil {
			return nil // not readable without root: 0
		}
		total += n
	}
	b.PssMiB = total / 10
	return nil
}

// pss is the VM's proportional memory in MiB.
func (vm *VM) pss() (float64, error) {
	f, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", vm.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, ok := bytes.Cut(f, []byte("\nPss:"))
	if !ok {
		return 0, errors.New("smaps_rollup: no Pss")
	}
	var kb float64
	fmt.Sscan(string(rest), &kb)
	return kb / 1024, nil
}

func (b *Bench) jobs(ctx context.Context, _ *Manager, t *Template) error {
	const jobs = 40
	start := time.Now()
	var wg sync.WaitGroup
	errs := make(chan error, jobs)
	work := make(chan struct{}, jobs)
	for range jobs {
		work <- struct{}{}
	}
	close(work)
	for range 2 {
		wg.Go(func() {
			for range work {
				vm, err := t.Clone(ctx, 0)
				if err == nil {
					_, err = vm.Load(ctx, warmProgram())
					vm.Close()
				}
				if err != nil {
					errs <- err
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
	}
	b.JobsPerMinute = jobs / time.Since(start).Minutes()
	return nil
}

func (b *Bench) batch(ctx context.Context, m *Manager, _ *Template) error {
	const programs = 1000
	vm, err := m.Oracle(ctx, m.Kernels()[0].Version)
	if err != nil {
		return err
	}
	defer vm.Close()
	if err := vm.prewarm(); err != nil {
		return err
	}
	cpu, start := vm.CPUTime(), time.Now()
	var pending []<-chan loadReply
	for i := range programs {
		p := warmProgram()
		p.Run = nil
		p.Insns[4] = byte(i) // the first instruction's immediate: no two programs are equal
		p.Insns[5] = byte(i >> 8)
		ch, err := vm.start(p)
		if err != nil {
			return err
		}
		if pending = append(pending, ch); len(pending) == batchWindow || i == programs-1 {
			for _, ch := range pending {
				if r := <-ch; r.err != nil {
					return r.err
				} else if !r.v.OK {
					return fmt.Errorf("bench: program refused: %s%s", r.v.Error, r.v.Log)
				}
			}
			pending = pending[:0]
		}
	}
	b.ProgramsPerSec = programs / time.Since(start).Seconds()
	b.ProgramsPerCPUs = programs / (vm.CPUTime() - cpu).Seconds()
	return nil
}

func (b *Bench) warm(ctx context.Context, m *Manager, _ *Template) error {
	m.refill(m.Kernels()[0].Version)
	for range 200 {
		if m.Stats().Warm[m.Kernels()[0].Version] > 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	start := time.Now()
	vm, err := m.Acquire(ctx, Job{Kernel: m.Kernels()[0].Version, Owner: "bench"})
	if err != nil {
		return err
	}
	defer vm.Close()
	_, err = vm.Load(ctx, warmProgram())
	b.WarmMS = ms(time.Since(start))
	return err
}
