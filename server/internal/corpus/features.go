package main

import (
	"regexp"
	"slices"
	"strings"

	"skep/vm/helper"
	"skep/vm/isa"
)

// classify fills in what a record uses and with it its rung of the ladder, the
// first of which the verifier must know all of the ladder below. Some features
// show in the log only, so the kernel is asked first.
func (r *record) classify() {
	u := usesOf(r)
	r.Features, r.Level = []string{}, "core"
	for _, f := range features {
		if f.in(u) {
			r.Features = append(r.Features, f.name)
			r.Level = higher(r.Level, f.level)
		}
	}
	slices.Sort(r.Features)
	if len(u.helpers) > 0 {
		r.Level = higher(r.Level, "maps")
	}
}

// ladder is the rungs from the lowest to the highest.
var ladder = []string{"core", "maps", "packet", "calls", "refs", "callbacks", "advanced"}

func higher(a, b string) string {
	if slices.Index(ladder, b) > slices.Index(ladder, a) {
		return b
	}
	return a
}

// uses is what classify looks at.
type uses struct {
	*record
	insns    []isa.Insn // without the second halves of lddw
	helpers  []string
	kfuncs   []string
	mapTypes []string
	log      string
}

func usesOf(r *record) *uses {
	u := &uses{record: r}
	if r.Kernel != nil {
		u.log = r.Kernel.Log
	}
	all, _ := isa.DecodeAll(r.Insns) // what cannot be decoded is core: its bytes are at fault
	for i := 0; i < len(all); i++ {
		in := all[i]
		u.insns = append(u.insns, in)
		if in.IsWide() {
			i++
		}
		if in.Op == isa.ClassJMP|isa.JmpCall && in.Src == 0 {
			name := ""
			if p := helper.Lookup(int(in.Imm)); p != nil {
				name = p.Name
			}
			u.helpers = append(u.helpers, name)
		}
	}
	for _, k := range r.KfuncRefs() {
		u.kfuncs = append(u.kfuncs, k.Name)
	}
	for i := range r.Maps {
		u.mapTypes = append(u.mapTypes, r.Maps[i].Type)
	}
	return u
}

// feature is something that a verifier must know to judge a program.
type feature struct {
	name, level string
	in          func(*uses) bool
}

// features are spelt as in the corpus that was handed to the project.
var features = []feature{
	{"atomic", "core", insn(func(i isa.Insn) bool { return i.Class() == isa.ClassSTX && i.Mode() == isa.ModeAtomic })},
	{"v4_sdiv", "core", alu(func(i isa.Insn) bool { return i.Off != 0 && (i.ALUOp() == isa.OpDiv || i.ALUOp() == isa.OpMod) })},
	{"v4_movsx", "core", alu(func(i isa.Insn) bool { return i.Off != 0 && i.ALUOp() == isa.OpMov && !addrSpaceCast(i) })},
	{"v4_bswap", "core", insn(func(i isa.Insn) bool { return i.Class() == isa.ClassALU64 && i.ALUOp() == isa.OpEnd })},
	{"v4_ldsx", "core", insn(func(i isa.Insn) bool { return i.Class() == isa.ClassLDX && i.Mode() == isa.ModeMemSX })},
	{"v4_gotol", "core", insn(func(i isa.Insn) bool { return i.Op == isa.ClassJMP32|isa.JmpA })},
	{"map_ptr", "maps", insn(func(i isa.Insn) bool { return i.IsWide() && i.Src == isa.PseudoMapFD })},
	{"map_value_direct", "maps", insn(func(i isa.Insn) bool { return i.IsWide() && i.Src == isa.PseudoMapValue })},
	{"packet", "packet", logged(`R\d+[_rwD]*=pkt`)},
	{"bpf2bpf", "calls", insn(func(i isa.Insn) bool { return i.Op == isa.ClassJMP|isa.JmpCall && i.Src == isa.PseudoCall })},
	{"global_subprog", "calls", logged(`(?m)^Func#\d+ \(|Validating `)},
	{"ld_abs", "refs", insn(func(i isa.Insn) bool {
		return i.Class() == isa.ClassLD && (i.Mode() == isa.ModeAbs || i.Mode() == isa.ModeInd)
	})},
	{"tail_call", "refs", calls("tail_call")},
	{"map_in_map", "refs", mapOf("array_of_maps", "hash_of_maps")},
	{"sockmap", "refs", mapOf("sockmap", "sockhash")},
	{"ringbuf", "refs", either(mapOf("ringbuf"), calls("ringbuf_output", "ringbuf_reserve", "ringbuf_submit", "ringbuf_discard", "ringbuf_query"))},
	{"socket_ptr", "refs", logged(`\b(sock|sock_common|tcp_sock|xdp_sock)(_or_null)?\(`)},
	{"callback", "callbacks", insn(callback)},
	{"func_ptr", "callbacks", insn(callback)},
	{"btf_ptr", "advanced", logged(`ptr_\w*\(`)},
	{"btf_prog_type", "advanced", func(u *uses) bool { return u.AttachTo != "" }},
	{"btf_ksym", "advanced", func(u *uses) bool { return len(u.Ksyms) > 0 }},
	{"kfunc", "advanced", func(u *uses) bool { return len(u.kfuncs) > 0 }},
	{"sleepable", "advanced", func(u *uses) bool { return u.ProgFlags&progFlags["BPF_F_SLEEPABLE"] != 0 }},
	{"struct_ops", "advanced", func(u *uses) bool { return u.ProgType == "struct_ops" }},
	{"may_goto", "advanced", insn(func(i isa.Insn) bool { return i.Op == isa.ClassJMP|isa.JmpCond })},
	{"addr_space_cast", "advanced", insn(addrSpaceCast)},
	{"arena", "advanced", mapOf("arena")},
	{"timer", "advanced", calls("timer_init", "timer_set_callback", "timer_start", "timer_cancel")},
	{"spin_lock", "advanced", calls("spin_lock", "spin_unlock")},
	{"kptr", "advanced", calls("kptr_xchg")},
	{"local_storage", "advanced", calls("inode_storage_get", "inode_storage_delete", "task_storage_get", "task_storage_delete", "cgrp_storage_get", "cgrp_storage_delete")},
	{"dynptr", "advanced", either(calls("dynptr_from_mem", "ringbuf_reserve_dynptr", "ringbuf_submit_dynptr", "ringbuf_discard_dynptr",
		"dynptr_read", "dynptr_write", "dynptr_data"), kfuncLike("dynptr"))},
	{"iter", "advanced", kfuncLike("bpf_iter_")},
	{"alloc_obj", "advanced", kfuncLike("bpf_obj_", "bpf_list_", "bpf_rbtree_", "bpf_refcount", "bpf_percpu_obj")},
}

func addrSpaceCast(i isa.Insn) bool {
	return i.Class() == isa.ClassALU64 && i.ALUOp() == isa.OpMov && i.Source() == isa.SrcX && i.Off == 1
}

func callback(i isa.Insn) bool { return i.IsWide() && i.Src == isa.PseudoFunc }

func insn(is func(isa.Insn) bool) func(*uses) bool {
	return func(u *uses) bool { return slices.ContainsFunc(u.insns, is) }
}

func alu(is func(isa.Insn) bool) func(*uses) bool {
	return insn(func(i isa.Insn) bool {
		return (i.Class() == isa.ClassALU || i.Class() == isa.ClassALU64) && is(i)
	})
}

func logged(expr string) func(*uses) bool {
	re := regexp.MustCompile(expr)
	return func(u *uses) bool { return re.MatchString(u.log) }
}

func calls(names ...string) func(*uses) bool {
	return func(u *uses) bool {
		return slices.ContainsFunc(u.helpers, func(h string) bool { return slices.Contains(names, strings.TrimPrefix(h, "bpf_")) })
	}
}

func mapOf(types ...string) func(*uses) bool {
	return func(u *uses) bool {
		return slices.ContainsFunc(u.mapTypes, func(t string) bool { return slices.Contains(types, t) })
	}
}

func kfuncLike(parts ...string) func(*uses) bool {
	return func(u *uses) bool {
		return slices.ContainsFunc(u.kfuncs, func(k string) bool {
			return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(k, p) })
		})
	}
}

func either(a, b func(*uses) bool) func(*uses) bool {
	return func(u *uses) bool { return a(u) || b(u) }
}
