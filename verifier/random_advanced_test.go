package verifier

import (
	"encoding/hex"
	"math/rand"
	"slices"
	"strings"
	"sync"
	"testing"

	"skep/vm/btf"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/isa"
)

// mutateAdvanced changes a program that uses kernel functions and BTF: it drops,
// doubles or swaps calls, moves registers, shifts offsets and constants, but
// leaves wide loads alone, whose numbers the loader fills in.
func mutateAdvanced(rnd *rand.Rand, r *record, insns []isa.Insn) {
	var calls, plain []int
	for i := 0; i < len(insns); i++ {
		switch {
		case insns[i].IsWide():
			i++
		case isKfuncCall(insns[i]):
			calls = append(calls, i)
		default:
			plain = append(plain, i)
		}
	}
	nop := isa.Insn{Op: isa.ClassJMP | isa.JmpA}
	names := slices.Clone(r.Kfuncs)
	r.Kfuncs = names
	at := func(pc int) int {
		return slices.IndexFunc(names, func(k [3]any) bool { n, _ := k[0].(float64); return int(n) == pc })
	}
	for range 1 + rnd.Intn(2) {
		if len(plain) == 0 {
			return
		}
		i := &insns[plain[rnd.Intn(len(plain))]]
		switch n := rnd.Intn(14); {
		case n < 4 && len(calls) > 0: // drop a call
			pc := calls[rnd.Intn(len(calls))]
			insns[pc] = nop
			if k := at(pc); k >= 0 {
				r.Kfuncs = slices.Delete(slices.Clone(r.Kfuncs), k, k+1)
				names = r.Kfuncs
			}
			calls = slices.DeleteFunc(calls, func(x int) bool { return x == pc })
		case n < 7 && len(calls) > 1: // make it a call of another function
			a, b := calls[rnd.Intn(len(calls))], calls[rnd.Intn(len(calls))]
			if x, y := at(a), at(b); x >= 0 && y >= 0 {
				insns[a].Imm = insns[b].Imm
				names[x][1], names[x][2] = names[y][1], names[y][2]
			}
		case n == 7:
			*i = nop
		case n == 8:
			i.Src = uint8(rnd.Intn(11))
		case n == 9:
			i.Dst = uint8(rnd.Intn(11))
		case n == 10:
			i.Off += int16([]int{1, 8, -8, 4, -4, 16, -16}[rnd.Intn(7)])
		case n == 11:
			i.Imm = []int32{0, 1, -1, 8, 16, 100, 1 << 30}[rnd.Intn(7)]
		case n == 12:
			r.Flags ^= FlagSleepable
		case n == 13:
			*i = isa.Insn{Op: isa.ClassALU64 | isa.OpMov | isa.SrcX, Dst: uint8(rnd.Intn(10)), Src: uint8(rnd.Intn(11))}
		}
	}
}

// advancedMutant is a mutant of a program of the corpus that has to do with
// BTF and kernel functions, perhaps attached elsewhere.
func advancedMutant(t *testing.T, c *corpus, rnd *rand.Rand, _ int64) *record {
	pool := c.pool("advanced", func(r *record) bool {
		missing := slices.ContainsFunc(r.MapRefs, func(m [3]int) bool { return m[1] < 0 })
		return r.Level == "advanced" && r.privileged() && !missing && len(r.Insns) < 16*600 && r.Kernel.InsnsProcessed < 20000
	})
	r := *pool[rnd.Intn(len(pool))]
	insns := r.decode(t)
	if rnd.Intn(12) == 0 {
		if o := pool[rnd.Intn(len(pool))]; o.Type == r.Type && o.AttachTo != "" {
			r.Attach, r.AttachTo = o.Attach, o.AttachTo
		}
	}
	switch rnd.Intn(24) {
	case 0, 1: // as another type of program
		o := pool[rnd.Intn(len(pool))]
		r.Type, r.Attach, r.AttachTo = o.Type, o.Attach, o.AttachTo
	case 2, 3:
		r.Type = []string{"xdp", "sched_cls", "socket_filter", "kprobe", "tracepoint", "perf_event", "raw_tracepoint",
			"cgroup_skb", "sk_skb", "sk_msg", "lwt_in", "flow_dissector", "syscall"}[rnd.Intn(13)]
		r.Attach, r.AttachTo = 0, ""
	case 4:
		r.License = "MIT"
	}
	mutateAdvanced(rnd, &r, insns)
	r.Insns = hex.EncodeToString(isa.EncodeAll(insns))
	r.ID = " of " + r.ID
	return &r
}

// places are what a program may attach to in a kernel.
type places struct{ funcs, points, hooks []string }

func placesOf(k *btf.Spec) *places {
	p := new(places)
	for typ := range k.All() {
		switch name := typ.Name(); {
		case typ.Kind() == btf.KindTypedef && strings.HasPrefix(name, "btf_trace_"):
			p.points = append(p.points, name[len("btf_trace_"):])
		case typ.Kind() == btf.KindFunc && strings.HasPrefix(name, "bpf_lsm_"):
			p.hooks = append(p.hooks, name)
		case typ.Kind() == btf.KindFunc:
			p.funcs = append(p.funcs, name)
		}
	}
	return p
}

var kernelPlaces = sync.OnceValue(func() *places { return placesOf(kernelBTF()) })

// tour is a program that attaches to a kernel function, tracepoint or hook at
// random and walks from an argument over a few pointers.
func tour(t *testing.T, _ *corpus, rnd *rand.Rand, _ int64) *record {
	k := kernelBTF()
	if k == nil {
		t.Fatal("no kernel BTF")
	}
	at := kernelPlaces()
	r := &record{Type: "tracing", License: "GPL", Level: "advanced"}
	switch n := rnd.Intn(10); {
	case n < 4:
		r.Attach, r.AttachTo = uint32(hook.TraceRawTp), at.points[rnd.Intn(len(at.points))]
	case n < 6:
		r.Type, r.Attach, r.AttachTo = "lsm", uint32(hook.LSMMac), at.hooks[rnd.Intn(len(at.hooks))]
	default:
		a := []hook.AttachType{hook.TraceFentry, hook.TraceFexit, hook.ModifyReturn}[rnd.Intn(3)]
		r.Attach, r.AttachTo = uint32(a), at.funcs[rnd.Intn(len(at.funcs))]
	}
	if rnd.Intn(6) == 0 {
		r.Flags = FlagSleepable
	}
	copyReg := func(dst, src uint8) isa.Insn {
		return isa.Insn{Op: isa.ClassALU64 | isa.OpMov | isa.SrcX, Dst: dst, Src: src}
	}
	insns := append([]isa.Insn{copyReg(7, 1)}, walk(rnd, k, r)...)
	if rnd.Intn(2) > 0 {
		// Hand what was found, and the like, to a helper or kernel function.
		insns = append(insns, isa.Insn{Op: isa.ClassST | isa.ModeMem | isa.SizeDW, Dst: 10, Off: -8},
			isa.Insn{Op: isa.ClassST | isa.ModeMem | isa.SizeDW, Dst: 10, Off: -16})
		for a := uint8(1); a <= 5; a++ {
			switch rnd.Intn(6) {
			case 0:
				insns = append(insns, copyReg(a, 7))
			case 1:
				insns = append(insns, copyReg(a, 10), isa.Insn{Op: isa.ClassALU64 | isa.OpAdd, Dst: a, Imm: -16})
			case 2:
				insns = append(insns, mov(a, int32(rnd.Intn(3)*8)))
			default:
				insns = append(insns, copyReg(a, 6))
			}
		}
		if rnd.Intn(2) == 0 {
			insns = append(insns, isa.Insn{Op: isa.ClassJMP | isa.JmpCall, Imm: int32(1 + rnd.Intn(211))})
		} else {
			kfuncs := helper.Kfuncs()
			name := kfuncs[rnd.Intn(len(kfuncs))].Name
			if id, ok := k.Lookup(name, btf.KindFunc); ok {
				r.Kfuncs = [][3]any{{float64(len(insns)), float64(id), name}}
				in := kcall()
				in.Imm = int32(id)
				insns = append(insns, in)
			}
		}
		if rnd.Intn(2) == 0 {
			insns = append(insns, isa.Insn{Op: isa.ClassLDX | isa.ModeMem | isa.SizeW, Dst: 1, Src: 0, Off: int16(4 * rnd.Intn(8))})
		}
	}
	insns = append(insns, mov(0, 0), exit)
	r.Insns = hex.EncodeToString(isa.EncodeAll(insns))
	return r
}

// walk loads an argument into r6 and goes on to what it points to, mostly along
// members that there are.
func walk(rnd *rand.Rand, k *btf.Spec, r *record) []isa.Insn {
	name, skip := r.AttachTo, 0
	if r.Attach == uint32(hook.TraceRawTp) {
		name, skip = "__bpf_trace_"+name, 1
	}
	arg := rnd.Intn(3)
	var cur btf.Type
	if id, ok := k.Lookup(name, btf.KindFunc); ok {
		proto := k.Type(k.Type(id).Target())
		if n := proto.Vlen() - skip; n > 0 && rnd.Intn(10) > 0 {
			arg = rnd.Intn(n)
			cur = k.Type(k.Resolve(proto.Param(arg + skip).Type))
		}
	}
	insns := []isa.Insn{ldx(6, 1, int16(8*arg))}
	for range rnd.Intn(5) {
		off, size := 8*rnd.Intn(60), 8
		if cur.Kind() == btf.KindPtr && rnd.Intn(10) > 0 {
			s := k.Type(k.Resolve(cur.Target()))
			if s.Kind() != btf.KindStruct || s.Vlen() == 0 {
				break
			}
			m := s.Member(rnd.Intn(s.Vlen()))
			for range 8 { // rather a pointer
				if k.Kind(k.Resolve(m.Type)) != btf.KindPtr {
					m = s.Member(rnd.Intn(s.Vlen()))
				}
			}
			off = int(m.Offset / 8)
			cur = k.Type(k.Resolve(m.Type))
			if n, ok := k.Size(cur.ID()); ok && (n == 1 || n == 2 || n == 4) {
				size = int(n)
			}
		} else if cur.Kind() != btf.KindPtr {
			break
		}
		if rnd.Intn(2) == 0 {
			insns = append(insns, isa.Insn{Op: isa.ClassJMP | isa.JmpNe, Dst: 6, Off: 2}, mov(0, 0), exit)
		}
		widths := [...]uint8{1: isa.SizeB, 2: isa.SizeH, 4: isa.SizeW, 8: isa.SizeDW}
		insns = append(insns, isa.Insn{Op: isa.ClassLDX | isa.ModeMem | widths[size], Dst: 6, Src: 6, Off: int16(off)})
	}
	return insns
}
