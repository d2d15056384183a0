package race

import (
	"strconv"

	"skep/vm"
	"skep/vm/arena"
	"skep/vm/helper"
	"skep/vm/isa"
	"skep/vm/maps"
)

// The hash of a state is that of the memory, kept up to date by what each step
// wrote, and of the registers and call stacks of all CPUs. Two states with the
// same 64 bits are taken for one: with a million of them one pair in 30
// million explorations is not.

// mix is a step of the hash: splitmix64's finaliser.
func mix(h, v uint64) uint64 {
	h += v + 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// step has a CPU make an instruction and extends the trail.
func (e *Explorer) step(cpu uint32) vm.Stop {
	stop := e.m.StepOn(cpu)
	h := e.trail[len(e.trail)-1]
	for _, ch := range e.m.LastChange().Mem {
		if !e.m.Arena().Valid(ch.Addr, ch.Len) {
			continue
		}
		now := e.m.Arena().Bytes(ch.Addr, ch.Len)
		for i, old := range ch.Old {
			if old != now[i] {
				at := uint64(ch.Addr) + uint64(i)
				h ^= mix(at, uint64(old)) ^ mix(at, uint64(now[i]))
			}
		}
	}
	e.trail = append(e.trail, h)
	return stop
}

// hash is that of the state in which it was cpu's turn.
func (e *Explorer) hash(cpu uint32) uint64 {
	h := mix(e.trail[len(e.trail)-1], uint64(cpu))
	for _, c := range e.cpus {
		h = mix(h, e.m.Fingerprint(c))
	}
	return h
}

// Shared says whether the next instruction of a CPU reaches memory that
// others can reach: not its stack, context and packet.
func Shared(m *vm.Machine, c vm.CPU) bool {
	p := m.Program(c.Prog)
	if p == nil || c.PC >= len(p.Insns) {
		return false
	}
	in := p.Insns[c.PC]
	if in.Class() == isa.ClassJMP && in.JmpOp() == isa.JmpCall {
		return in.Src != isa.PseudoCall && !private(in)
	}
	addr, n, _ := m.NextAccess(c.CPU)
	if n == 0 || addr>>32 != 0 {
		return false
	}
	r := m.Arena().Find(uint32(addr))
	return r != nil && r.Kind != arena.Stack && r.Kind != arena.Ctx && r.Kind != arena.Packet
}

// private are the helpers that ask only about the CPU and task they run on.
func private(in isa.Insn) bool {
	if in.Src != 0 {
		return false
	}
	switch helper.Name(int(in.Imm)) {
	case "bpf_ktime_get_ns", "bpf_ktime_get_boot_ns", "bpf_ktime_get_coarse_ns", "bpf_ktime_get_tai_ns", "bpf_jiffies64",
		"bpf_get_prandom_u32", "bpf_get_smp_processor_id", "bpf_get_numa_node_id",
		"bpf_get_current_pid_tgid", "bpf_get_current_uid_gid", "bpf_get_current_comm", "bpf_trace_printk":
		return true
	}
	return false
}

// Outcome is a number for what the maps hold as user space sees it: elements
// in any order, records of a ring in any order, what is in no element not at
// all.
func Outcome(m *vm.Machine) uint64 {
	h := uint64(0)
	for i, mp := range m.Maps().Maps() {
		sum := uint64(0)
		if ring, ok := mp.(maps.Ring); ok {
			for _, r := range ring.Records() {
				v := bytesHash(uint64(len(r.Data)), r.Data)
				if r.Busy || r.Discarded {
					v = mix(v, 1)
				}
				sum += v
			}
		} else {
			maps.Elements(mp, func(key []byte, _ uint64) bool {
				value, _ := mp.Get(key)
				sum += bytesHash(bytesHash(1, key), value)
				return true
			})
		}
		h = mix(h^uint64(i), sum+uint64(mp.Len()))
	}
	return h
}

func bytesHash(h uint64, b []byte) uint64 {
	for _, c := range b {
		h = mix(h, uint64(c))
	}
	return h
}

func utoa(n uint64) string { return strconv.FormatUint(n, 10) }
