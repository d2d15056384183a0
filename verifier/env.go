package verifier

import (
	"context"
	"runtime"

	"skep/vm/asm"
	"skep/vm/btf"
	"skep/vm/helper"
	"skep/vm/isa"
	"skep/vm/maps"
)

// env is a verification in progress (struct bpf_verifier_env).
type env struct {
	prog  *Program
	cfg   *Config
	insns []isa.Insn
	gpl   bool
	res   asm.Resolver

	// Privilege, as the kernel derives it from capabilities.
	bpfCapable       bool
	allowPtrLeaks    bool
	allowUninitStack bool
	bypassSpecV1     bool
	bypassSpecV4     bool

	strictAlign       bool
	testStateFreq     bool
	testRegInvariants bool
	sleepable         bool

	aux      []insnAux
	subprogs []subprog // with one more at the end, whose start is the program's length
	maps     []mapState
	usedMaps []uint32
	arena    bool
	attach   attachTarget
	kfuncs   []*kfunc
	kfuncIdx map[int]int                    // instruction to index into kfuncs
	records  map[uint32]*btfRecord          // of types of allocated objects
	btfs     []*btf.Spec                    // handle-1; see btfHandle
	typeName func(handle, id uint32) string // of a Printer, in place of btfs

	funcs       []btf.FuncInfo
	lines       []btf.LineInfo
	exCB        int  // subprogram of the exception callback, 0 when there is none
	seenThrow   bool // a path called bpf_throw
	defaultExCB bool // the kernel added a function that ends after it
	caller      helper.Caller

	insnIdx, prevInsn int
	cur               *State
	stack             []stackElem
	explored          []*stateList
	freeList          []*stateList
	pool              *pool
	idGen             uint32
	exploreALULimits  bool
	passCount         uint32

	hist    []histEntry
	curHist int // index of the entry of the current instruction, -1 when there is none
	bt      backtrack
	idmap   idMap
	fake    [2]RegState
	operand Bounds

	insnProcessed, prevInsnProcessed int
	jmpsProcessed, prevJmpsProcessed int
	maxStatesPerInsn                 int
	totalStates, peakStates          int
	markRead                         int

	log            logBuffer
	prevLogPos     int
	prevPrintLen   int
	prevLine       int // index into lines, -1 when none was printed
	scratchedRegs  uint32
	scratchedSlots uint64

	learner *learner // nil: no facts are wanted

	tracer Tracer
	event  Event       // scratch of trace
	watch  branchWatch // of the comparison in progress, with a tracer

	overridden int    // overrides done
	feature    string // what is not modelled
	message    string // last line before the statistics
	logText    []byte
}

// insnAux is what is learnt about an instruction (struct bpf_insn_aux_data).
type insnAux struct {
	ptrType   RegType // also of wide loads
	mapHandle uint32  // of a wide load
	mapOff    uint32
	callMap   uint32 // map of a helper call
	btfType   RegType
	btfID     uint32
	memSize   uint32
	aluLimit  uint32
	aluState  uint8

	callMapPoison bool

	fastcall       bool
	fastcallSpills uint8

	jmpPoint        bool
	prunePoint      bool
	forceCheckpoint bool
	callsCallback   bool
	jumpTarget      bool
	iterNext        bool

	loopInit     bool // bpf_loop: whether it can be inlined is known
	loopInline   bool
	loopCallback int

	seen uint32
}

type mapState struct {
	*MapInfo
	rec   *btfRecord
	inner uint32 // handle of the template of inner maps
}

// notModelled gives the verdict of that name.
func (e *env) notModelled(feature string) errno {
	e.feature = feature
	return enotmodel
}

// mapOf is the map of a handle, nil for zero.
func (e *env) mapOf(h uint32) *mapState {
	if h == 0 || int(h) > len(e.maps) {
		return nil
	}
	return &e.maps[h-1]
}

// Handles of BTF in registers.
const (
	btfProg   = 1 // the program's
	btfKernel = 2
)

func (e *env) btfOf(h uint32) *btf.Spec {
	if h == 0 || int(h) > len(e.btfs) {
		return nil
	}
	return e.btfs[h-1]
}

func (e *env) btfTypeName(h, id uint32) string {
	if e.typeName != nil {
		return e.typeName(h, id)
	}
	if s := e.btfOf(h); s != nil {
		return s.Name(btf.ID(id))
	}
	return ""
}

// inSleepable is in_sleepable.
func (e *env) inSleepable() bool { return e.sleepable || e.cur != nil && e.cur.sleeping }

// inRCU is in_rcu_cs.
func (e *env) inRCU() bool {
	return e.cur.rcuLock || e.cur.lockMap != 0 || !e.inSleepable()
}

// yield lets others run, every 1,024 instructions, and says whether to stop.
func (e *env) yield() errno {
	runtime.Gosched()
	if c := e.cfg.Context; c != nil && c.Err() != nil {
		return ecanceled
	}
	return 0
}

// Verify says whether the kernel would load p. The error is about the call
// itself: a cancelled context.
func Verify(p *Program, cfg Config) (*Result, error) {
	e := newEnv(p, &cfg)
	if err := checkOverrides(cfg.Overrides); err != nil {
		return nil, err
	}
	if cfg.Facts && len(cfg.Overrides) == 0 {
		e.learner = newLearner(len(p.Insns), nil)
	}
	err := e.verify()
	var facts *Facts
	if err == 0 && e.learner != nil {
		facts, err = e.collectFacts()
	}
	if err == ecanceled && cfg.Context != nil && cfg.Context.Err() != nil {
		return nil, context.Cause(cfg.Context)
	}
	if e.overridden < len(cfg.Overrides) {
		return nil, ErrOverridePlace
	}
	r := e.result(err)
	r.Facts = facts
	return r, nil
}

// verify is run with memory for it.
func (e *env) verify() errno {
	e.pool = takePool(e.cfg.MaxMemory)
	e.hist = e.pool.hist
	err := e.run()
	e.pool.hist = e.hist[:0]
	e.pool.putBack()
	return err
}

func newEnv(p *Program, cfg *Config) *env {
	e := &env{prog: p, cfg: cfg, insns: p.Insns, gpl: p.GPL, curHist: -1, prevLine: -1, tracer: cfg.Tracer}
	switch cfg.Privilege {
	case Root:
		e.bpfCapable, e.allowPtrLeaks, e.allowUninitStack, e.bypassSpecV1, e.bypassSpecV4 = true, true, true, true, true
	case CapBPF:
		e.bpfCapable = true
	}
	e.log.level = cfg.LogLevel
	e.log.max = cfg.LogMax
	if e.log.max <= 0 {
		e.log.max = 16 << 20
	}
	e.strictAlign = p.Flags&FlagStrictAlignment != 0 && p.Flags&FlagAnyAlignment == 0
	e.testStateFreq = e.bpfCapable && p.Flags&FlagTestStateFreq != 0
	e.testRegInvariants = p.Flags&FlagTestRegInvariants != 0
	e.sleepable = p.Flags&FlagSleepable != 0
	e.caller = helper.Caller{
		Type: p.Type, Attach: e.attachType(), GPL: p.GPL, Sleepable: e.sleepable,
		CapBPF: e.bpfCapable, CapPerfmon: e.allowPtrLeaks, Target: p.AttachTo,
	}
	e.btfs = []*btf.Spec{p.BTF, cfg.KernelBTF}
	e.res = asm.Resolver{
		HelperName:   helperName,
		HidePointers: !e.allowPtrLeaks,
		Address:      e.address,
		KfuncName:    e.kfuncName,
		Version:      uint16(Linux612),
	}
	return e
}

func helperName(id int32) string {
	if id == 0 {
		return "bpf_unspec"
	}
	if p := helper.Lookup(int(id)); p != nil {
		return p.Name
	}
	return ""
}

// helperWord is a helper's name in a message (func_id_name).
func helperWord(id int32) string {
	if s := helperName(id); s != "" {
		return s
	}
	return "unknown"
}

func (e *env) kfuncName(id int32, _ int16) (string, bool) {
	for i := range e.prog.Kfuncs {
		if e.prog.Kfuncs[i].ID == uint32(id) {
			return e.prog.Kfuncs[i].Name, true
		}
	}
	return "", false
}

// address makes up the address that a wide load shows: the kernel's own says
// nothing about the program.
func (e *env) address(pc int) (uint64, bool) {
	const base = 0xffff888000000000
	i := e.insns[pc]
	switch i.Src {
	case isa.PseudoMapFD, isa.PseudoMapIdx:
		return base + uint64(uint32(i.Imm))<<12, true
	case isa.PseudoMapValue, isa.PseudoMapIdxValue:
		if m := e.mapOf(e.aux[pc].mapHandle); m != nil && m.Type == maps.Arena {
			return m.Extra + uint64(e.aux[pc].mapOff), true
		}
		return base + uint64(uint32(i.Imm))<<12 + 0x800 + uint64(e.aux[pc].mapOff), true
	}
	return base, true
}

func (e *env) result(err errno) *Result {
	r := &Result{
		Verdict:          Accepted,
		Insn:             e.insnIdx,
		InsnProcessed:    e.insnProcessed,
		MaxStatesPerInsn: e.maxStatesPerInsn,
		TotalStates:      e.totalStates,
		PeakStates:       e.peakStates,
		MarkRead:         e.markRead,
		Log:              e.logText,
		Hypothetical:     len(e.cfg.Overrides) > 0,
	}
	if e.insnProcessed == 0 {
		r.Insn = -1
	}
	for i := 0; i+1 < len(e.subprogs); i++ {
		if !e.subprogs[i].dead {
			r.StackDepth = append(r.StackDepth, e.subprogs[i].stackDepth)
		}
	}
	for i := range e.maps {
		r.Maps = append(r.Maps, e.maps[i].MapInfo)
	}
	for i := 0; i+1 < len(e.subprogs); i++ {
		r.Subprogs = append(r.Subprogs, SubprogInfo{e.subprogs[i].start, e.subprogName(i), e.subprogGlobal(i)})
	}
	switch {
	case err == enotmodel:
		r.Verdict, r.Feature = NotModelled, e.feature
	case err != 0:
		r.Verdict, r.Errno = Rejected, Errno(err)
		r.Message = e.message
	}
	return r
}
