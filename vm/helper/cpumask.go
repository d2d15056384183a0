package helper

import "math/bits"

// A cpumask is one word: the simulated machine has at most 64 CPUs in it.

func cpumaskFunc(name string) Func {
	switch name {
	case "bpf_cpumask_create":
		return cpumaskCreate
	case "bpf_cpumask_first":
		return mask(func(m, _, _ uint64) uint64 { return uint64(bits.TrailingZeros64(m)) })
	case "bpf_cpumask_first_zero":
		return mask(func(m, _, all uint64) uint64 { return uint64(bits.TrailingZeros64(^m & all)) })
	case "bpf_cpumask_empty":
		return mask(func(m, _, _ uint64) uint64 { return flag(m == 0) })
	case "bpf_cpumask_full":
		return mask(func(m, _, all uint64) uint64 { return flag(m == all) })
	case "bpf_cpumask_weight":
		return mask(func(m, _, _ uint64) uint64 { return uint64(bits.OnesCount64(m)) })
	case "bpf_cpumask_any_distribute":
		return mask(func(m, _, _ uint64) uint64 { return uint64(bits.TrailingZeros64(m)) })
	case "bpf_cpumask_first_and", "bpf_cpumask_any_and_distribute":
		return two(func(a, b uint64) uint64 { return uint64(bits.TrailingZeros64(a & b)) })
	case "bpf_cpumask_equal":
		return two(func(a, b uint64) uint64 { return flag(a == b) })
	case "bpf_cpumask_intersects":
		return two(func(a, b uint64) uint64 { return flag(a&b != 0) })
	case "bpf_cpumask_subset":
		return two(func(a, b uint64) uint64 { return flag(a&^b == 0) })
	case "bpf_cpumask_and":
		return into(func(a, b uint64) (uint64, uint64) { return a & b, flag(a&b != 0) })
	case "bpf_cpumask_or":
		return into(func(a, b uint64) (uint64, uint64) { return a | b, 0 })
	case "bpf_cpumask_xor":
		return into(func(a, b uint64) (uint64, uint64) { return a ^ b, 0 })
	case "bpf_cpumask_set_cpu":
		return bit(func(m, b uint64) (uint64, uint64) { return m | b, 0 })
	case "bpf_cpumask_clear_cpu":
		return bit(func(m, b uint64) (uint64, uint64) { return m &^ b, 0 })
	case "bpf_cpumask_test_cpu":
		return bit(func(m, b uint64) (uint64, uint64) { return m, flag(m&b != 0) })
	case "bpf_cpumask_test_and_set_cpu":
		return bit(func(m, b uint64) (uint64, uint64) { return m | b, flag(m&b != 0) })
	case "bpf_cpumask_test_and_clear_cpu":
		return bit(func(m, b uint64) (uint64, uint64) { return m &^ b, flag(m&b != 0) })
	case "bpf_cpumask_setall":
		return fill(true)
	case "bpf_cpumask_clear":
		return fill(false)
	case "bpf_cpumask_copy":
		return cpumaskCopy
	}
	return nil
}

// allCPUs has a bit for each CPU.
func allCPUs(e Env) uint64 {
	n := e.World().cpus()
	if n >= 64 {
		return ^uint64(0)
	}
	return 1<<n - 1
}

func cpumaskCreate(e Env, c *Call) { objNew(e, c) }

// mask is a question about the set in R1. The number of a CPU that is not
// there is the number of CPUs.
func mask(f func(m, _, all uint64) uint64) Func {
	return func(e Env, c *Call) {
		m := word(e, c.Args[0])
		c.R0 = f(m, 0, allCPUs(e))
		if c.R0 == 64 {
			c.R0 = uint64(e.World().cpus())
		}
	}
}

// two is a question about the sets in R1 and R2.
func two(f func(a, b uint64) uint64) Func {
	return func(e Env, c *Call) {
		a := word(e, c.Args[0])
		b := word(e, c.Args[1])
		c.R0 = f(a, b)
		if c.R0 == 64 {
			c.R0 = uint64(e.World().cpus())
		}
	}
}

// into stores what the sets in R2 and R3 give in R1.
func into(f func(a, b uint64) (uint64, uint64)) Func {
	return func(e Env, c *Call) {
		a := word(e, c.Args[1])
		b := word(e, c.Args[2])
		v, ret := f(a, b)
		c.R0 = ret
		writeWord(e, c.Args[0], v)
	}
}

// bit changes or tests the CPU in R1 of the set in R2; a CPU that the machine
// has not is ignored.
func bit(f func(m, b uint64) (uint64, uint64)) Func {
	return func(e Env, c *Call) {
		m := word(e, c.Args[1])
		c.R0 = 0
		if c.u32(1) >= min(e.World().cpus(), 64) {
			return
		}
		v, ret := f(m, 1<<c.u32(1))
		c.R0 = ret
		if v == m {
			return
		}
		writeWord(e, c.Args[1], v)
	}
}

func fill(all bool) Func {
	return func(e Env, c *Call) {
		v := uint64(0)
		if all {
			v = allCPUs(e)
		}
		c.set(0)
		writeWord(e, c.Args[0], v)
	}
}

// cpumaskCopy: (dst, src).
func cpumaskCopy(e Env, c *Call) {
	v := word(e, c.Args[1])
	c.set(0)
	writeWord(e, c.Args[0], v)
}
