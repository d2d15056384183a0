package sandbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Manager owns templates, warm clones and the queue. One a process.
type Manager struct {
	cfg   Config
	level Level

	mu      sync.Mutex
	pools   map[string]*pool
	queue   fairQueue
	busy    int
	closed  bool
	average float64 // seconds that a job holds its VM, moving
	done    sync.WaitGroup
}

// pool is one kernel's template and its warm clones.
type pool struct {
	kernel *Kernel

	once     sync.Once
	template *Template
	err      error

	warm    []*VM // guarded by Manager.mu
	filling bool
}

// ErrLevel means that this machine cannot confine QEMU as strongly as configured.
var ErrLevel = errors.New("isolation is too weak")

// BusyError refuses a job because the queue is full. The estimate is the wait of the last job that was let in.
type BusyError struct {
	Waiting  int
	Estimate time.Duration
	Owner    bool // the owner's own jobs fill their share
}

func (e *BusyError) Error() string {
	if e.Owner {
		return fmt.Sprintf("sandbox: you have %d jobs waiting already; let one finish first", e.Waiting)
	}
	return fmt.Sprintf("sandbox: all virtual machines are busy and %d jobs wait; try again in about %v", e.Waiting, e.Estimate.Round(time.Second))
}

// NewManager finds the kernels and probes isolation. Templates are made when first needed, or by Prepare.
func NewManager(cfg Config) (*Manager, error) {
	if _, err := qemu(); err != nil {
		return nil, err
	}
	cfg.defaults()
	m := &Manager{cfg: cfg, pools: map[string]*pool{}, queue: fairQueue{owners: map[string][]*Ticket{}}}
	if cfg.Level != nil {
		m.level = *cfg.Level
	} else {
		m.level, _ = probeLevel()
	}
	versions := cfg.Kernels
	if versions == nil {
		for _, k := range Kernels() {
			versions = append(versions, k.Version)
		}
	}
	if len(versions) == 0 {
		return nil, fmt.Errorf("no kernel: %w; run: skep sandbox install", ErrNotInstalled)
	}
	for _, v := range versions {
		k, err := FindKernel(v)
		if err != nil {
			return nil, err
		}
		m.pools[v] = &pool{kernel: k}
	}
	return m, nil
}

// Level is the isolation that every clone gets.
func (m *Manager) Level() Level { return m.level }

// Kernels are the versions that jobs may name.
func (m *Manager) Kernels() []*Kernel {
	var ks []*Kernel
	for _, k := range Kernels() {
		if p, ok := m.pools[k.Version]; ok {
			ks = append(ks, p.kernel)
		}
	}
	return ks
}

// Prepare builds the templates and fills the warm pools, so that the first job finds one.
func (m *Manager) Prepare(ctx context.Context) error {
	for _, k := range m.Kernels() {
		if _, err := m.template(ctx, k.Version); err != nil {
			return err
		}
		m.refill(k.Version)
	}
	return nil
}

// Close ends every VM and frees the templates.
func (m *Manager) Close() error {
	m.mu.Lock()
	m.closed = true
	tickets := m.queue.drain()
	var vms []*VM
	for _, p := range m.pools {
		vms = append(vms, p.warm...)
		p.warm = nil
	}
	m.mu.Unlock()
	for _, t := range tickets {
		t.grant <- errors.New("sandbox: closed")
	}
	for _, vm := range vms {
		vm.Close()
	}
	m.done.Wait()
	var errs []error
	for _, p := range m.pools {
		if p.template != nil {
			errs = append(errs, p.template.Close())
		}
	}
	return errors.Join(errs...)
}

func (m *Manager) pool(version string) (*pool, error) {
	if version == "" {
		version = DefaultKernel
	}
	p, ok := m.pools[version]
	if !ok {
		return nil, fmt.Errorf("kernel %q: this server has none", version)
	}
	return p, nil
}

// template builds the kernel's template once.
func (m *Manager) template(ctx context.Context, version string) (*Template, error) {
	p, err := m.pool(version)
	if err != nil {
		return nil, err
	}
	p.once.Do(func() {
		// One caller's impatience must not decide for all.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*bootTimeout)
		defer cancel()
		p.template, p.err = LoadTemplate(ctx, p.kernel, m.level)
	})
	return p.template, p.err
}

// Job asks for a VM.
type Job struct {
	Kernel  string // version, "" is the reference kernel
	Owner   string // whose turn it is: owners are served in turn, not jobs
	Trusted bool   // our own code: no isolation level is required
	Limits  Limits // of the VM once it is handed out; the zero value is JobLimits
}

// Ticket is a job's place in the queue.
type Ticket struct {
	m     *Manager
	job   Job
	grant chan error
	start time.Time
}

// Enqueue takes a place in the queue. The caller calls Wait, or Cancel.
func (m *Manager) Enqueue(job Job) (*Ticket, error) {
	if _, err := m.pool(job.Kernel); err != nil {
		return nil, err
	}
	if !job.Trusted && m.level < m.cfg.MinLevel {
		return nil, fmt.Errorf("sandbox: %w: level %v, configured minimum %v; run: skep sandbox doctor", ErrLevel, m.level, m.cfg.MinLevel)
	}
	if job.Limits == (Limits{}) {
		job.Limits = JobLimits
	}
	t := &Ticket{m: m, job: job, grant: make(chan error, 1)}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errors.New("sandbox: closed")
	}
	if n := len(m.queue.owners[job.Owner]); n >= m.cfg.MaxOwner && !job.Trusted {
		return nil, &BusyError{Waiting: n, Owner: true}
	}
	if m.queue.n >= m.cfg.MaxQueue {
		return nil, &BusyError{Waiting: m.queue.n, Estimate: m.estimate(m.queue.n)}
	}
	m.queue.push(t)
	m.schedule()
	return t, nil
}

// schedule grants free slots to the queue, owner by owner. m.mu is held.
func (m *Manager) schedule() {
	for m.busy < m.cfg.MaxVMs {
		t := m.queue.pop()
		if t == nil {
			return
		}
		m.busy++
		t.start = time.Now()
		t.grant <- nil
	}
}

// estimate is how long the n-th in the queue will wait. m.mu is held.
func (m *Manager) estimate(n int) time.Duration {
	avg := m.average
	if avg == 0 {
		avg = 1 // no job has ended yet
	}
	return time.Duration(float64(n+1) * avg / float64(m.cfg.MaxVMs) * float64(time.Second))
}

// Position is how many jobs are served before this one, and about how long that takes. 0 means that it is running.
func (t *Ticket) Position() (ahead int, wait time.Duration) {
	t.m.mu.Lock()
	defer t.m.mu.Unlock()
	n, ok := t.m.queue.position(t)
	if !ok {
		return 0, 0
	}
	return n + 1, t.m.estimate(n)
}

// Cancel leaves the queue.
func (t *Ticket) Cancel() {
	t.m.mu.Lock()
	removed := t.m.queue.remove(t)
	t.m.mu.Unlock()
	if !removed {
		select {
		case err := <-t.grant:
			if err == nil {
				t.m.release(t.start)
			}
		default:
		}
	}
}

// release gives a slot back.
func (m *Manager) release(start time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	held := time.Since(start).Seconds()
	if m.average == 0 {
		m.average = held
	}
	m.average += (held - m.average) / 8
	m.busy--
	m.schedule()
}

// Wait returns the job's VM with its limits running. Closing the VM frees its slot.
func (t *Ticket) Wait(ctx context.Context) (*VM, error) {
	select {
	case err := <-t.grant:
		if err != nil {
			return nil, err
		}
	case <-ctx.Done():
		t.Cancel()
		return nil, ctx.Err()
	}
	vm, err := t.m.take(ctx, t.job.Kernel, t.job.Limits)
	if err != nil {
		t.m.release(t.start)
		return nil, err
	}
	start := t.start
	version := vm.Kernel.Version
	if !vm.whenClosed(func() { t.m.release(start); t.m.refill(version) }) {
		t.m.release(start)
		return nil, vm.end
	}
	vm.Limit(t.job.Limits)
	return vm, nil
}

// whenClosed registers f; false means that the VM has ended already.
func (vm *VM) whenClosed(f func()) bool {
	vm.mu.Lock()
	defer vm.mu.Unlock()
	if vm.end != nil {
		return false
	}
	vm.onClose = f
	return true
}

// Acquire is Enqueue and Wait.
func (m *Manager) Acquire(ctx context.Context, job Job) (*VM, error) {
	t, err := m.Enqueue(job)
	if err != nil {
		return nil, err
	}
	return t.Wait(ctx)
}

// Oracle returns a VM for trusted batches: it takes a slot but has no limits. It implements Boots.
func (m *Manager) Oracle(ctx context.Context, version string) (*VM, error) {
	return m.Acquire(ctx, Job{Kernel: version, Owner: "oracle", Trusted: true, Limits: Limits{Wall: 24 * time.Hour}})
}

// take returns a warm VM or makes one.
func (m *Manager) take(ctx context.Context, version string, l Limits) (*VM, error) {
	p, err := m.pool(version)
	if err != nil {
		return nil, err
	}
	t, err := m.template(ctx, p.kernel.Version)
	if err != nil {
		return nil, err
	}
	defer m.refill(p.kernel.Version)
	for l.CPU > 0 && l.CPU <= JobLimits.CPU { // longer jobs need a process with a higher hard limit
		m.mu.Lock()
		var vm *VM
		if n := len(p.warm); n > 0 {
			vm, p.warm = p.warm[n-1], p.warm[:n-1]
		}
		m.mu.Unlock()
		if vm == nil {
			break
		}
		if vm.End() == nil && vm.Seed() == nil { // the clock of an idle clone is right, its random state is stirred once more
			return vm, nil
		}
		vm.Close()
	}
	return t.Clone(ctx, hardCPU(l))
}

// hardCPU is RLIMIT_CPU for a job: a second wall far behind the watchdog.
func hardCPU(l Limits) uint64 {
	if l.CPU == 0 {
		return 0
	}
	return uint64(l.CPU/time.Second)*2 + 22
}

// refill brings a kernel's warm pool back to size, one clone at a time and only while nobody waits for a slot.
func (m *Manager) refill(version string) {
	p := m.pools[version]
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || p.filling || len(p.warm) >= m.cfg.Warm || m.queue.n > 0 {
		return // the end of a job asks again
	}
	p.filling = true
	m.done.Add(1)
	go func() {
		defer m.done.Done()
		for {
			m.mu.Lock()
			if m.closed || len(p.warm) >= m.cfg.Warm || p.template == nil || m.queue.n > 0 {
				p.filling = false
				m.mu.Unlock()
				return
			}
			m.mu.Unlock()
			vm, err := p.template.Clone(context.Background(), hardCPU(JobLimits))
			if err == nil {
				err = vm.prewarm()
			}
			if err != nil {
				m.mu.Lock()
				p.filling = false // the next job will see the error itself
				m.mu.Unlock()
				return
			}
			m.mu.Lock()
			if m.closed {
				m.mu.Unlock()
				vm.Close()
				return
			}
			p.warm = append(p.warm, vm)
			m.mu.Unlock()
		}
	}()
}

// Stats is a snapshot of the manager for dashboards.
type Stats struct {
	Busy, Waiting, MaxVMs int
	Warm                  map[string]int
	Average               time.Duration // a job holds its VM
}

// Stats reports load.
func (m *Manager) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Stats{Busy: m.busy, Waiting: m.queue.n, MaxVMs: m.cfg.MaxVMs, Warm: map[string]int{}, Average: time.Duration(m.average * float64(time.Second))}
	for v, p := range m.pools {
		s.Warm[v] = len(p.warm)
	}
	return s
}
