package world_test

import (
	"strconv"
	"strings"
	"testing"

	"skep/vm"
	"skep/vm/asm"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
	"skep/vm/world"
)

// rig is a world with programs in assembly.
type rig struct {
	t testing.TB
	m *vm.Machine
	w *world.World
}

// source is a program: section and text. A text that is a number is a program
// that returns it.
type source struct{ section, text string }

func newRig(t testing.TB, cfg world.Config, specs []maps.Spec, progs ...source) *rig {
	t.Helper()
	hw := world.Around(cfg)
	m, err := vm.New(vm.Config{World: hw, Maps: specs, Seed: cfg.Seed})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t, m, world.New(m, hw, cfg)}
	for _, p := range progs {
		r.add(p)
	}
	return r
}

func (r *rig) add(p source) {
	r.t.Helper()
	text := p.text
	if _, err := strconv.Atoi(text); err == nil {
		text = "r0 = " + text + "\nexit"
	}
	sec, _, ok := hook.ParseSection(p.section)
	if !ok {
		r.t.Fatalf("no section %q", p.section)
	}
	res := asm.Assemble(text, asm.Options{Dialect: asm.Kernel, Externs: true, Resolver: &resolver})
	if len(res.Errors) > 0 {
		r.t.Fatalf("%s: %v", p.section, res.Errors[0])
	}
	n, err := r.m.Load(&vm.Program{Name: p.section, Type: sec.Type, Attach: sec.Attach, License: "GPL", Insns: res.Insns})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.w.Attach(world.Program{Number: n, Name: p.section, Section: p.section}); err != nil {
		r.t.Fatal(err)
	}
}

var resolver = asm.Resolver{
	HelperName: func(id int32) string { return helper.Lookup(int(id)).Name },
	HelperID: func(name string) (int32, bool) {
		if p := helper.ByName(name); p != nil {
			return int32(p.ID), true
		}
		return 0, false
	},
}

// fire runs events and gives the results.
func (r *rig) fire(text string) []world.Result {
	r.t.Helper()
	events, errs := world.Parse(text)
	for _, e := range errs {
		r.t.Error(e)
	}
	var out []world.Result
	for _, e := range world.Expand(events, 1) {
		out = append(out, r.w.Fire(e, 100_000))
	}
	return out
}

// summary is an event and what it ran, a line each.
func summary(results []world.Result) string {
	var b strings.Builder
	for _, res := range results {
		b.WriteString(res.Event + " => " + res.Text + "\n")
		for _, f := range res.Firings {
			b.WriteString("  " + f.Name + " at " + f.Site + " in " + f.Task + "/" + strconv.Itoa(int(f.PID)) + " cpu " + strconv.Itoa(int(f.CPU)) +
				" = " + strconv.FormatInt(int64(f.Ret), 10) + " " + f.Effect)
			if f.Fault != nil {
				b.WriteString(" FAULT " + f.Fault.Error())
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

var _ = isa.R0

func TestLook(t *testing.T) {
	r := newRig(t, world.Config{CPUs: 2}, nil,
		source{"ksyscall/execve", "0"}, source{"tp/syscalls/sys_enter_openat", "0"}, source{"tp/syscalls/sys_exit_openat", "0"},
		source{"kprobe/do_sys_openat2", "0"}, source{"kretprobe/do_sys_openat2", "0"}, source{"fentry/do_sys_openat2", "0"}, source{"fexit/do_sys_openat2", "0"},
		source{"tp_btf/sched_process_exec", "0"}, source{"tp/sched/sched_process_fork", "0"}, source{"raw_tp/sched_switch", "0"}, source{"lsm/file_open", "0"},
		source{"lsm.s/bprm_check_security", "0"}, source{"cgroup/connect4", "1"}, source{"xdp", "2"}, source{"tc", "0"}, source{"cgroup_skb/egress", "1"},
		source{"sockops", "1"}, source{"sk_lookup", "1"}, source{"socket", "100"}, source{"perf_event", "0"}, source{"iter/task", "0"},
		source{"uprobe//bin/utarget:target_fn", "0"}, source{"uretprobe//bin/utarget:target_fn", "0"}, source{"fmod_ret/security_task_kill", "0"})
	var text strings.Builder
	for _, v := range world.Verbs() {
		text.WriteString(v.Example + "\n")
	}
	t.Log("\n" + summary(r.fire("exec uid=1000 comm=bash path=/bin/true x2\n"+text.String())))
}
