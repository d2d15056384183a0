package verifier

import (
	"testing"

	"skep/vm/btf"
	"skep/vm/hook"
	"skep/vm/isa"
)

// tinyKernel is the BTF of a kernel with a handful of types: a task with a
// parent under RCU, a count, a name and a user pointer.
func tinyKernel(t *testing.T) *btf.Spec {
	t.Helper()
	b := new(btf.Builder)
	u64 := b.Int("u64", 8, 0)
	i32 := b.Int("int", 4, 1)
	idx := b.Int("idx", 4, 0)
	char := b.Int("char", 1, 1)
	comm := b.Array(char, idx, 16)
	task := b.Next() + 5
	rcu := b.TypeTag("rcu", task)
	ptr := b.Pointer(rcu)
	user := b.TypeTag("user", task)
	userPtr := b.Pointer(user)
	plain := b.Pointer(task)
	b.Struct("task_struct", 56,
		btf.Member{Name: "pid", Type: i32, Offset: 0},
		btf.Member{Name: "real_parent", Type: ptr, Offset: 64},
		btf.Member{Name: "group_leader", Type: plain, Offset: 128},
		btf.Member{Name: "comm", Type: comm, Offset: 192},
		btf.Member{Name: "mine", Type: userPtr, Offset: 320},
		btf.Member{Name: "count", Type: u64, Offset: 384})
	safe := b.Struct("task_struct__safe_rcu", 8, btf.Member{Name: "group_leader", Type: plain})
	_ = safe
	proto := b.FuncProto(i32, btf.Param{Name: "p", Type: plain}, btf.Param{Name: "n", Type: i32})
	b.Func("wake", proto, btf.LinkGlobal)
	void := b.FuncProto(0, btf.Param{Name: "p", Type: plain})
	b.Func("bpf_lsm_task_free", void, btf.LinkGlobal)
	b.Func("bpf_lsm_task_kill", proto, btf.LinkGlobal)
	tp := b.FuncProto(0, btf.Param{Type: b.Pointer(0)}, btf.Param{Name: "p", Type: plain})
	b.Typedef("btf_trace_sched_wake", b.Pointer(tp))
	b.Func("bpf_rcu_read_lock", b.FuncProto(0), btf.LinkGlobal)
	b.Func("bpf_rcu_read_unlock", b.FuncProto(0), btf.LinkGlobal)
	b.Func("bpf_task_release", b.FuncProto(0, btf.Param{Name: "p", Type: plain}), btf.LinkGlobal)
	b.Func("bpf_task_from_pid", b.FuncProto(plain, btf.Param{Name: "pid", Type: i32}), btf.LinkGlobal)
	s, err := btf.Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ldx(dst, src uint8, off int16) isa.Insn {
	return isa.Insn{Op: isa.ClassLDX | isa.ModeMem | isa.SizeDW, Dst: dst, Src: src, Off: off}
}

func ldx32(dst, src uint8, off int16) isa.Insn {
	return isa.Insn{Op: isa.ClassLDX | isa.ModeMem | isa.SizeW, Dst: dst, Src: src, Off: off}
}

func kcall() isa.Insn {
	return isa.Insn{Op: isa.ClassJMP | isa.JmpCall, Src: isa.PseudoKfuncCall, Imm: 1}
}

func TestKernelPointers(t *testing.T) {
	k := tinyKernel(t)
	store := isa.Insn{Op: isa.ClassST | isa.ModeMem | isa.SizeDW, Dst: 1, Off: 48}
	ifZero := func(dst uint8, off int16) isa.Insn {
		return isa.Insn{Op: isa.ClassJMP | isa.JmpEq, Dst: dst, Off: off}
	}
	copyReg := func(dst, src uint8) isa.Insn {
		return isa.Insn{Op: isa.ClassALU64 | isa.OpMov | isa.SrcX, Dst: dst, Src: src}
	}
	for _, c := range []struct {
		name   string
		attach hook.AttachType
		lsm    bool
		to     string
		sleep  bool
		noGPL  bool
		kfuncs []string // by call
		insns  []isa.Insn
		want   string // message, empty: accepted
	}{
		{name: "walk", attach: hook.TraceFentry, to: "wake", insns: []isa.Insn{ldx(1, 1, 0), ldx(1, 1, 16), ldx32(2, 1, 0), mov(0, 0), exit}},
		{name: "scalar argument", attach: hook.TraceFentry, to: "wake", insns: []isa.Insn{ldx(1, 1, 8), mov(0, 0), exit}},
		{name: "no such argument", attach: hook.TraceFentry, to: "wake", insns: []isa.Insn{ldx(1, 1, 24), mov(0, 0), exit},
			want: "invalid bpf_context access off=24 size=8"},
		{name: "result in fentry", attach: hook.TraceFentry, to: "wake", insns: []isa.Insn{ldx(1, 1, 16), mov(0, 0), exit},
			want: "invalid bpf_context access off=16 size=8"},
		{name: "result in fexit", attach: hook.TraceFexit, to: "wake", insns: []isa.Insn{ldx(1, 1, 16), mov(0, 0), exit}},
		{name: "result not zero", attach: hook.TraceFexit, to: "wake", insns: []isa.Insn{mov(0, 1), exit},
			want: "At program exit the register R0 has smin=1 smax=1 should have been in [0, 0]"},
		{name: "fmod_ret of what may not fail", attach: hook.ModifyReturn, to: "wake", insns: []isa.Insn{mov(0, 0), exit},
			want: "wake() is not modifiable"},
		{name: "store", attach: hook.TraceFentry, to: "wake", insns: []isa.Insn{ldx(1, 1, 0), store, mov(0, 0), exit},
			want: "only read is supported"},
		{name: "behind the struct", attach: hook.TraceFentry, to: "wake", insns: []isa.Insn{ldx(1, 1, 0), ldx(1, 1, 56), mov(0, 0), exit},
			want: "access beyond struct task_struct at off 56 size 8"},
		{name: "user pointer", attach: hook.TraceRawTp, to: "sched_wake", insns: []isa.Insn{ldx(1, 1, 0), ldx(1, 1, 40), ldx(1, 1, 0), mov(0, 0), exit},
			want: "R1 is ptr_task_struct access user memory: off=0"},
		{name: "license", attach: hook.TraceRawTp, to: "sched_wake", noGPL: true, insns: []isa.Insn{ldx(1, 1, 0), ldx32(1, 1, 0), mov(0, 0), exit},
			want: "Cannot access kernel 'struct task_struct' from non-GPL compatible program"},
		{name: "parent may be NULL", attach: hook.TraceRawTp, to: "sched_wake", insns: []isa.Insn{ldx(1, 1, 0), ldx(1, 1, 8), ldx32(1, 1, 0), mov(0, 0), exit},
			want: "R1 invalid mem access 'rcu_ptr_or_null_'"},
		{name: "parent checked", attach: hook.TraceRawTp, to: "sched_wake", insns: []isa.Insn{ldx(1, 1, 0), ldx(1, 1, 8), ifZero(1, 1), ldx32(1, 1, 0), mov(0, 0), exit}},
		{name: "release of what was not acquired", attach: hook.TraceRawTp, to: "sched_wake", kfuncs: []string{"bpf_task_release"},
			insns: []isa.Insn{ldx(1, 1, 0), kcall(), mov(0, 0), exit},
			want:  "release kernel function bpf_task_release expects refcounted PTR_TO_BTF_ID"},
		{name: "acquired and leaked", attach: hook.TraceRawTp, to: "sched_wake", kfuncs: []string{"bpf_task_from_pid"},
			insns: []isa.Insn{mov(1, 1), kcall(), mov(0, 0), exit}, want: "Unreleased reference id=2 alloc_insn=1"},
		{name: "acquired and released", attach: hook.TraceRawTp, to: "sched_wake", kfuncs: []string{"bpf_task_from_pid", "bpf_task_release"},
			insns: []isa.Insn{mov(1, 1), kcall(), ifZero(0, 2), copyReg(1, 0), kcall(), mov(0, 0), exit}},
		{name: "RCU section left open", attach: hook.TraceRawTp, to: "sched_wake", kfuncs: []string{"bpf_rcu_read_lock"},
			insns: []isa.Insn{kcall(), mov(0, 0), exit}, want: "bpf_rcu_read_unlock is missing"},
		{name: "after the RCU section", attach: hook.TraceRawTp, to: "sched_wake", kfuncs: []string{"bpf_rcu_read_lock", "bpf_rcu_read_unlock", "bpf_task_release"},
			insns: []isa.Insn{copyReg(6, 1), kcall(), ldx(6, 6, 0), ldx(6, 6, 16), kcall(), copyReg(1, 6), kcall(), mov(0, 0), exit},
			want:  "R1 must be referenced or trusted"},
		{name: "void hook", attach: hook.LSMMac, lsm: true, to: "bpf_lsm_task_free", insns: []isa.Insn{exit}},
		{name: "hook's result", attach: hook.LSMMac, lsm: true, to: "bpf_lsm_task_kill", insns: []isa.Insn{mov(0, 5), exit},
			want: "At program exit the register R0 has smin=5 smax=5 should have been in [-4095, 0]"},
		{name: "sleep where one may not", attach: hook.LSMMac, lsm: true, sleep: true, to: "bpf_lsm_task_kill", insns: []isa.Insn{mov(0, 0), exit},
			want: "bpf_lsm_task_kill is not sleepable"},
		{name: "store to a hook's context", attach: hook.LSMMac, lsm: true, to: "bpf_lsm_task_kill", insns: []isa.Insn{
			{Op: isa.ClassST | isa.ModeMem | isa.SizeDW, Dst: 1}, mov(0, 0), exit}},
		{name: "before the context", attach: hook.LSMMac, lsm: true, to: "bpf_lsm_task_kill", insns: []isa.Insn{ldx(1, 1, -8), mov(0, 0), exit},
			want: "invalid bpf_context access off=-8 size=8"},
		{name: "store to an argument", attach: hook.TraceFentry, to: "wake", insns: []isa.Insn{
			{Op: isa.ClassST | isa.ModeMem | isa.SizeDW, Dst: 1}, mov(0, 0), exit}, want: "invalid bpf_context access off=0 size=8"},
		{name: "unknown target", attach: hook.TraceFentry, to: "nothing", insns: []isa.Insn{mov(0, 0), exit}, want: "not modelled"},
	} {
		p := &Program{Type: hook.Tracing, Attach: c.attach, AttachTo: c.to, GPL: !c.noGPL, Insns: c.insns}
		if c.lsm {
			p.Type = hook.LSM
		}
		if c.sleep {
			p.Flags = FlagSleepable
		}
		n := 0
		for i, in := range c.insns {
			if isKfuncCall(in) {
				p.Kfuncs = append(p.Kfuncs, Symbol{Insn: i, ID: 1, Name: c.kfuncs[n]})
				n++
			}
		}
		res, err := Verify(p, Config{KernelBTF: k})
		if err != nil {
			t.Fatal(err)
		}
		got := res.Message
		if res.Verdict == NotModelled {
			got = "not modelled"
		}
		if got != c.want || (c.want == "") != (res.Verdict == Accepted) {
			t.Errorf("%s: %v %d %q, want %q", c.name, res.Verdict, res.Errno, got, c.want)
		}
	}
}

// TestStructOps attaches programs to members of structs of functions.
func TestStructOps(t *testing.T) {
	b := new(btf.Builder)
	i32 := b.Int("int", 4, 1)
	u32 := b.Int("u32", 4, 0)
	name := b.Array(i32, u32, 4)
	sock := b.Struct("sock", 16, btf.Member{Name: "sk_pacing_rate", Type: u32}, btf.Member{Name: "sk_pacing_status", Type: u32, Offset: 32})
	icsk := b.Struct("inet_connection_sock", 32, btf.Member{Name: "sk", Type: sock},
		btf.Member{Name: "icsk_ca_priv", Type: u32, Offset: 128},
		btf.Member{Name: "icsk_ack", Type: b.Struct("", 4, btf.Member{Name: "pending", Type: u32}), Offset: 160})
	var ms []btf.Member
	for i, n := range []string{"snd_cwnd", "snd_cwnd_cnt", "snd_cwnd_stamp", "snd_ssthresh", "ecn_flags", "app_limited", "other"} {
		ms = append(ms, btf.Member{Name: n, Type: u32, Offset: uint32(256 + 32*i)})
	}
	b.Struct("tcp_sock", 64, append([]btf.Member{{Name: "inet_conn", Type: icsk}}, ms...)...)
	fn := b.Pointer(b.FuncProto(u32, btf.Param{Name: "sk", Type: b.Pointer(sock)}))
	none := b.Pointer(b.FuncProto(0, btf.Param{Name: "sk", Type: b.Pointer(sock)}))
	b.Struct("tcp_congestion_ops", 40, btf.Member{Name: "ssthresh", Type: fn}, btf.Member{Name: "init", Type: none, Offset: 64},
		btf.Member{Name: "get_info", Type: fn, Offset: 128}, btf.Member{Name: "name", Type: name, Offset: 192})
	k, err := btf.Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	write := func(off int16) []isa.Insn {
		return []isa.Insn{ldx(1, 1, 0), mov(2, 1), {Op: isa.ClassSTX | isa.ModeMem | isa.SizeW, Dst: 1, Src: 2, Off: off}, mov(0, 0), exit}
	}
	for _, c := range []struct {
		to    string
		insns []isa.Insn
		want  string
	}{
		{"tcp_congestion_ops:ssthresh", []isa.Insn{mov(0, 7), exit}, ""},
		{"tcp_congestion_ops:init", []isa.Insn{exit}, ""},
		{"tcp_congestion_ops:ssthresh", []isa.Insn{exit}, "R0 !read_ok"},
		{"tcp_congestion_ops:get_info", []isa.Insn{mov(0, 0), exit}, "attach to unsupported member get_info of struct tcp_congestion_ops"},
		{"tcp_congestion_ops:name", []isa.Insn{mov(0, 0), exit}, "attach to invalid member name(@idx 3) of struct tcp_congestion_ops"},
		{"tcp_congestion_ops:ssthresh", write(32), ""},
		{"tcp_congestion_ops:ssthresh", write(56), "no write support to tcp_sock at off 56"},
		{"tcp_congestion_ops:ssthresh", write(18), "write access at off 18 with size 4 beyond the member of tcp_sock ended at 20"},
	} {
		p := &Program{Type: hook.StructOps, GPL: true, AttachTo: c.to, Insns: c.insns}
		res, err := Verify(p, Config{KernelBTF: k})
		if err != nil {
			t.Fatal(err)
		}
		if res.Message != c.want || (c.want == "") != (res.Verdict == Accepted) {
			t.Errorf("%s: %v %d %q %s, want %q", c.to, res.Verdict, res.Errno, res.Message, res.Feature, c.want)
		}
	}
}
