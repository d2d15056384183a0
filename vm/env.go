package vm

import (
	"errors"

	"skep/vm/arena"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// env is the machine as helpers see it. It is a type of its own so that the
// machine's API does not show it.
type env Machine

var (
	_ helper.Env     = (*env)(nil)
	_ helper.Thrower = (*env)(nil)
)

func (e *env) m() *Machine { return (*Machine)(e) }

func (e *env) Read(addr uint64, n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	if n < 0 {
		return nil, errNegativeSize
	}
	m := e.m()
	if _, ok := m.window(addr, uint32(n), arena.Read); !ok {
		return nil, m.describe(addr, uint32(n), false)
	}
	return m.arena.Bytes(uint32(addr), uint32(n)), nil
}

func (e *env) Write(addr uint64, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	m := e.m()
	if _, ok := m.window(addr, uint32(len(b)), arena.Write); !ok {
		return m.describe(addr, uint32(len(b)), true)
	}
	m.arena.Write(uint32(addr), b)
	return nil
}

// Scratch grows a stack of bytes that is cut back when the helper ends. What
// does not fit gets the start of it: helpers ask for a key and a context.
func (e *env) Scratch(b []byte) uint64 {
	m := e.m()
	n := uint64(len(b)+7) &^ 7
	if m.cpu.scratch+n > scratchCap {
		m.cpu.scratch = 0
		b = b[:min(len(b), scratchCap)]
		n = uint64(len(b)+7) &^ 7
	}
	at := m.scratch.Base + uint32(m.cpu.scratch)
	m.cpu.scratch += n
	m.arena.Write(at, b)
	return uint64(at)
}

// Object finds or makes a region of its own for a kernel object.
func (e *env) Object(kind helper.ObjectKind, index uint32, n int) uint64 {
	m := e.m()
	count := uint32(0)
	for i := range m.arena.Regions() {
		if r := &m.arena.Regions()[i]; r.Kind == arena.Object && r.Map == -2-int32(kind) {
			if uint32(r.Index) == index {
				return uint64(r.Base)
			}
			count++
		}
	}
	if index == helper.NewObject {
		index = count
	}
	r, err := m.arena.Alloc(arena.Region{
		Kind: arena.Object, Len: uint32(max(n, 8)), Perm: arena.Read | arena.Write,
		Map: -2 - int32(kind), Index: int32(index), Name: objectName(kind),
	}, 64)
	if err != nil {
		return 0
	}
	return uint64(r.Base)
}

func objectName(k helper.ObjectKind) string {
	switch k {
	case helper.ObjectSock:
		return "bpf_sock"
	case helper.ObjectTCPSock:
		return "bpf_tcp_sock"
	case helper.ObjectTask:
		return "task_struct"
	case helper.ObjectCgroup:
		return "cgroup"
	case helper.ObjectPerCPU:
		return "per-CPU variable"
	case objectSkb:
		return "sk_buff"
	case objectNFState:
		return "nf_hook_state"
	case helper.ObjectRegs:
		return "pt_regs"
	}
	return "object"
}

// Probe reads any readable memory of the arena: kernel and user space are one.
func (e *env) Probe(space helper.Space, addr uint64, dst []byte) bool {
	m := e.m()
	if len(dst) == 0 {
		return true
	}
	if _, ok := m.window(addr, uint32(len(dst)), arena.Read); !ok {
		clear(dst)
		return false
	}
	copy(dst, m.arena.Bytes(uint32(addr), uint32(len(dst))))
	return true
}

func (e *env) Poke(addr uint64, b []byte) bool { return e.Write(addr, b) == nil }

func (e *env) Map(ptr uint64) helper.Map {
	if mp := e.m().maps.ByPtr(ptr); mp != nil {
		return mp
	}
	return nil
}

func (e *env) Ring(record uint64) helper.Ring {
	m := e.m()
	if record>>32 != 0 {
		return nil
	}
	r := m.arena.Find(uint32(record))
	if r == nil || r.Kind != arena.Ringbuf {
		return nil
	}
	ring, ok := m.maps.At(int(r.Map)).(interface {
		helper.Ring
		Open(record uint64) bool
	})
	if !ok || !ring.Open(record) {
		return nil
	}
	return ring
}

// TailCall mirrors bpf_tail_call of kernel/bpf/core.c: the current frame runs
// the other program from its start.
func (e *env) TailCall(ctx uint64, mp helper.Map, index uint32) bool {
	m := e.m()
	refs, ok := mp.(maps.Refs)
	if !ok || m.cpu.tail >= isa.MaxTailCalls {
		return false
	}
	prog, ok := refs.Ref(index)
	if !ok || int(prog) >= len(m.progs) {
		return false
	}
	m.cpu.tail++
	m.cpu.prog, m.cpu.pc = uint64(prog), 0
	m.cpu.r[isa.R1] = ctx
	m.cpu.frames[m.cpu.depth].loops = 0
	m.setCode(int(prog))
	m.jumped = true
	return true
}

// Throw ends the program from any depth, as bpf_throw does without an
// exception callback of its own.
func (e *env) Throw(cookie uint64) {
	e.cpu.r[isa.R0] = cookie
	e.cpu.depth = 0
	e.cpu.status = exited
	e.jumped = true
}

func (e *env) Context() (hook.ProgType, hook.AttachType, uint64) {
	p := e.code.prog
	return p.Type, p.Attach, e.cpu.ctx
}

func (e *env) Packet() (hook.Packet, bool) { return e.cpu.packet, e.cpu.packet.Limit != 0 }

func (e *env) SetPacket(p hook.Packet) { e.cpu.packet = p }

func (e *env) World() *helper.World { return e.world }

// Now advances the virtual clock a little with every question, so that a
// program that waits for time to pass does not wait for ever. It does not
// depend on the number of instructions, which engines count differently.
func (e *env) Now() uint64 {
	e.cpu.clock += clockTick
	return e.cpu.clock
}

const clockTick = 100 // ns

// Random is splitmix64, upper half.
func (e *env) Random() uint32 {
	e.cpu.random += 0x9e3779b97f4a7c15
	z := e.cpu.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return uint32((z ^ z>>31) >> 32)
}

func (e *env) CPU() uint32 { return e.cpuNo }

func (e *env) Var(v helper.Var) uint64       { return e.cpu.vars[v] }
func (e *env) SetVar(v helper.Var, x uint64) { e.cpu.vars[v] = x }

func (e *env) Emit(ev helper.Event) { e.m().emit(ev) }

var (
	errNegativeSize = errors.New("a negative number of bytes")
	errCPUs         = errors.New("machine: a world has at most 256 CPUs")
	errCPU          = errors.New("input: there is no such CPU, see World.CPUs")
	errCtxSize      = errors.New("input: the context is longer than 1024 bytes")
	errPacketSize   = errors.New("input: the packet is longer than 68 KiB")
)
