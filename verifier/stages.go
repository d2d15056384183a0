package verifier

import (
	"skep/vm/hook"
	"skep/vm/isa"
)

// stage is one of the checks that a program goes through, in order.
type stage struct {
	name string // the kernel's, in Go case
	doc  string
	fn   func(*env) errno
}

// stages are those of bpf_check. A program is rejected by the first that
// fails; loads fail before the log begins in the loader's checks.
var stages = []stage{
	{"checkBTFInfoEarly", "function information names functions in order", (*env).checkBTFInfoEarly},
	{"addSubprogAndKfunc", "calls and function addresses cut the program into functions", (*env).addSubprogAndKfunc},
	{"checkSubprogs", "jumps stay in their function, which ends in an exit or a jump", (*env).checkSubprogs},
	{"checkBTFInfo", "function and line information fit the functions", (*env).checkBTFInfo},
	{"resolvePseudoLdimm64", "wide loads name maps that the program may use; opcodes exist", (*env).resolvePseudoLdimm64},
	{"checkCFG", "every instruction can be reached, without loops for the unprivileged", (*env).checkCFG},
	{"checkAttachBTFID", "the attach target exists and fits the type", (*env).checkAttachBTFID},
	{"markFastcallPatterns", "spills around calls that keep their registers", (*env).markFastcallPatterns},
	{"doCheckMain", "all paths of the main program", (*env).doCheckMain},
	{"doCheckSubprogs", "all paths of the global functions", (*env).doCheckSubprogs},
	{"removeFastcallSpills", "stack depth without those spills", (*env).removeFastcallSpills},
	{"checkMaxStackDepth", "stack of all call chains", (*env).checkMaxStackDepth},
	{"removeDeadCode", "functions that no path enters are dropped, for users with CAP_BPF", (*env).removeDeadCode},
	{"optimizeLoops", "stack depth with inlined bpf_loop and may_goto", (*env).optimizeLoops},
	{"fixupCallArgs", "addresses of functions are not those of dropped ones", (*env).fixupCallArgs},
}

// run does all of BPF_PROG_LOAD: the loader's own checks, which write no log,
// and the verifier's.
func (e *env) run() errno {
	if err := e.checkLoad(); err != 0 {
		return err
	}
	e.aux = make([]insnAux, len(e.insns))
	e.explored = make([]*stateList, len(e.insns))
	var err errno
	for i := range stages {
		if err = stages[i].fn(e); err != 0 {
			break
		}
	}
	if err == ecanceled || err == enotmodel {
		return err
	}
	if e.feature != "" { // seen where only a yes or no could be said
		return enotmodel
	}
	e.defaultExCB = err == 0 && e.seenThrow && e.exCB == 0
	e.message = e.log.lastError()
	e.finish()
	if e.log.level != 0 {
		e.logText = e.log.text()
	}
	return err
}

// attachType is the expected attach type after the loader has filled in the
// one that old programs left out (bpf_prog_load_fixup_attach_type).
func (e *env) attachType() hook.AttachType {
	if e.prog.Attach == 0 {
		switch e.prog.Type {
		case hook.CgroupSock:
			return hook.CgroupInetSockCreate
		case hook.SkReuseport:
			return hook.SkReuseportSelect
		}
	}
	return e.prog.Attach
}

// checkLoad is what bpf_prog_load checks before the verifier.
func (e *env) checkLoad() errno {
	p := e.prog
	limit := maxInsnsPriv
	if !e.bpfCapable {
		limit = maxInsnsUnpriv
	}
	switch {
	case p.Flags&^uint32(flagsKnown) != 0:
		return einval
	case len(p.Insns) == 0 || len(p.Insns) > limit:
		return e2big
	case !e.bpfCapable && p.Type != hook.SocketFilter && p.Type != hook.CgroupSkb:
		return eperm
	case !e.allowPtrLeaks && needsPerfmon(p.Type):
		return eperm
	case p.Type == hook.Unspec || int(p.Type) >= hook.NumTypes:
		return einval
	case !hook.AttachAllowed(p.Type, e.attachType()):
		return einval
	}
	return 0
}

// needsPerfmon is is_perfmon_prog_type.
func needsPerfmon(t hook.ProgType) bool {
	switch t {
	case hook.Kprobe, hook.Tracepoint, hook.PerfEvent, hook.RawTracepoint, hook.RawTracepointWritable,
		hook.Tracing, hook.LSM, hook.StructOps, hook.Ext:
		return true
	}
	return false
}

// finish writes the statistics (print_verification_stats).
func (e *env) finish() {
	if e.log.level&LogStats != 0 {
		e.logs("verification time 0 usec\nstack depth ")
		for i := 0; i+1 < len(e.subprogs); i++ {
			if e.subprogs[i].dead {
				continue
			}
			if i > 0 {
				e.logs("+")
			}
			e.logf("%d", e.subprogs[i].stackDepth)
		}
		if e.defaultExCB {
			e.logs("+0")
		}
		e.logs("\n")
	}
	e.logf("processed %d insns (limit %d) max_states_per_insn %d total_states %d peak_states %d mark_read %d\n",
		e.insnProcessed, isa.MaxInsns, e.maxStatesPerInsn, e.totalStates, e.peakStates, e.markRead)
}
