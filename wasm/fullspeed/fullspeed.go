// Package fullspeed runs a program at full speed in the page: compiled to a
// WebAssembly module of its own, which works in the memory of the engine that
// made it. Stepping stays with package session.
//
// An [Engine] answers frames: a kind byte and fields in the wire form of
// package protocol. web/src/jit/fullspeed.ts is the other side.
package fullspeed

import (
	"encoding/binary"
	"errors"
	"strconv"
	"unsafe"

	"skep/jit"
	"skep/jit/portable"
	"skep/jit/wasm"
	"skep/vm"
	"skep/vm/arena"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
	"skep/wasm/compiled"
	"skep/wasm/protocol"
)

// Kinds of requests.
const (
	KindLoad   = 1 + iota // a [Program]: its problem, size of the module, number of notes
	KindStart             // an [Input]: its problem
	KindRun               // fuel: problem, Status, r0, words of the fault
	KindState             // nothing: problem, a hash of all memory, the packet
	KindRepeat            // how often: problem; starts anew in the memory as it is and runs to the end
)

// Program is what is loaded.
type Program struct {
	Type     string // bpftool's name
	Attach   uint32
	License  string
	Seed     uint64 // of random numbers
	Arena    uint32 // bytes of memory that it may have, 0 is 16 MiB
	CPUs     uint32 // of the machine, 0 is 1
	Accepted bool   // the verifier accepted it: no access is checked
	Insns    []byte // eight bytes each; map loads have the number of a map
	Maps     []maps.Spec
}

// Input is what a run starts with.
type Input struct {
	Ctx, Packet []byte // nil is none: the context of the type, no packet
	R2          uint64
	CPU         uint32 // that it runs on
	Compiled    bool   // at full speed; else in the interpreter, to compare with
}

// Append appends the frame of a program.
func (p *Program) Append(dst []byte) []byte {
	w := &protocol.Writer{Buf: append(dst, KindLoad)}
	w.Str(p.Type)
	w.U32(p.Attach)
	w.Str(p.License)
	w.U64(p.Seed)
	w.U32(p.Arena)
	w.U32(p.CPUs)
	w.Bool(p.Accepted)
	w.Bytes(p.Insns)
	w.U32(uint32(len(p.Maps)))
	for i := range p.Maps {
		m := &p.Maps[i]
		w.Str(m.Name)
		w.Str(m.Type.String())
		for _, v := range [...]uint32{m.KeySize, m.ValueSize, m.MaxEntries, m.Flags} {
			w.U32(v)
		}
		w.Bytes(m.Data)
		w.U32(uint32(len(m.Init)))
		for _, kv := range m.Init {
			w.Bytes(kv.Key)
			w.Bytes(kv.Value)
		}
	}
	return w.Buf
}

func (p *Program) read(r *protocol.Reader) error {
	p.Type, p.Attach, p.License, p.Seed, p.Arena, p.CPUs, p.Accepted = r.Str(), r.U32(), r.Str(), r.U64(), r.U32(), r.U32(), r.Bool()
	p.Insns = r.Bytes()
	for range r.Count(32) {
		m := maps.Spec{Name: r.Str()}
		name := r.Str()
		typ, ok := maps.ByName(name)
		if !ok && r.Err() == nil {
			return errors.New("there is no map type " + strconv.Quote(name))
		}
		m.Type, m.KeySize, m.ValueSize, m.MaxEntries, m.Flags = typ, r.U32(), r.U32(), r.U32(), r.U32()
		if b := r.Bytes(); len(b) > 0 {
			m.Data = b
		}
		for range r.Count(8) {
			m.Init = append(m.Init, maps.KV{Key: r.Bytes(), Value: r.Bytes()})
		}
		p.Maps = append(p.Maps, m)
	}
	return r.Err()
}

// Append appends the frame of an input.
func (in *Input) Append(dst []byte) []byte {
	w := &protocol.Writer{Buf: append(dst, KindStart)}
	for _, b := range [...][]byte{in.Ctx, in.Packet} {
		w.Bool(b != nil)
		w.Bytes(b)
	}
	w.U64(in.R2)
	w.U32(in.CPU)
	w.Bool(in.Compiled)
	return w.Buf
}

func (in *Input) read(r *protocol.Reader) error {
	for _, b := range [...]*[]byte{&in.Ctx, &in.Packet} {
		given, v := r.Bool(), r.Bytes()
		if given {
			*b = append([]byte{}, v...)
		}
	}
	in.R2, in.CPU, in.Compiled = r.U64(), r.U32(), r.Bool()
	return r.Err()
}

// Engine is one program and its run. The linker and the context must be at
// their places for good before the first request.
type Engine struct {
	Linker  portable.Linker
	Context *portable.Context

	span   []byte // the arena's, wasm.Guard bytes before and behind it
	size   int    // of span without those
	used   int    // bytes of span that may not be zero
	m      *vm.Machine
	runner *portable.Runner
	module int
	notes  int

	compiled bool
	begin    vm.Point // where the run began
	status   jit.Status
}

const (
	defaultArena = 16 << 20 // powers of two
	maxArena     = 128 << 20
)

var (
	errKind    = errors.New("the request is of an unknown kind")
	errRepeat  = errors.New("the program did not end")
	errProgram = errors.New("no program is loaded")
)

// Handle appends the answer to a request: the problem, "" for none, and what
// the kind of the request says.
func (e *Engine) Handle(dst, frame []byte) []byte {
	w := &protocol.Writer{Buf: dst}
	w.Str("")
	if err := e.answer(w, frame); err != nil {
		w.Buf = w.Buf[:len(dst)]
		w.Str(err.Error())
	}
	return w.Buf
}

func (e *Engine) answer(w *protocol.Writer, frame []byte) error {
	r := protocol.NewReader(frame)
	kind := r.U8()
	if kind != KindLoad && e.m == nil {
		return errProgram
	}
	switch kind {
	case KindLoad:
		var p Program
		if err := p.read(r); err != nil {
			return err
		}
		if err := e.load(&p); err != nil {
			return err
		}
		w.U32(uint32(e.module))
		w.U32(uint32(e.notes))
		return nil
	case KindStart:
		var in Input
		if err := in.read(r); err != nil {
			return err
		}
		return e.start(&in)
	case KindRun:
		fuel := r.U32()
		if err := r.Err(); err != nil {
			return err
		}
		fault := e.run(int64(fuel))
		w.U8(uint8(e.status))
		w.U64(e.result())
		w.Str(fault)
		return nil
	case KindState:
		w.U64(Sum(e.m.Arena()))
		_, packet := e.m.Packet()
		w.Bytes(packet)
		return nil
	case KindRepeat:
		n := r.U32()
		if err := r.Err(); err != nil {
			return err
		}
		return e.repeat(int(n))
	}
	return errKind
}

// load makes a machine for a program and compiles it.
func (e *Engine) load(p *Program) error {
	if e.runner != nil {
		e.runner.Close()
	}
	if e.m != nil {
		e.used = max(e.used, len(e.m.Arena().Buf))
	}
	e.m, e.runner = nil, nil
	typ, ok := hook.ByName(p.Type)
	if !ok {
		return errors.New("there is no program type " + strconv.Quote(p.Type))
	}
	insns, err := isa.DecodeAll(p.Insns)
	if err != nil {
		return err
	}
	size := defaultArena
	for size < int(min(p.Arena, maxArena)) {
		size *= 2
	}
	if size > e.size {
		e.span, e.size, e.used = make([]byte, size+2*wasm.Guard)[wasm.Guard:], size, 0
	}
	clear(e.span[:e.used])
	limit := size - wasm.Guard
	m, err := vm.New(vm.Config{Maps: p.Maps, World: &helper.World{CPUs: p.CPUs}, Seed: p.Seed, Span: e.span[:limit:limit], NoHistory: true})
	if err != nil {
		e.used = size
		return err
	}
	e.used = len(m.Arena().Buf)
	if _, err := m.Load(&vm.Program{Type: typ, Attach: hook.AttachType(p.Attach), License: p.License, Insns: insns}); err != nil {
		return err
	}
	t := wasm.Target{Base: address(unsafe.Pointer(unsafe.SliceData(e.span))), Context: address(unsafe.Pointer(e.Context)), Mask: uint32(size - 1)}
	code, err := jit.Compile(compiled.Program(m, 0), jit.Target{Arch: jit.WASM, WASM: t}, jit.Facts{Accepted: p.Accepted}, jit.Options{})
	if err != nil {
		return err
	}
	*e.Context = portable.Context{}
	runner, err := portable.NewRunner(e.Linker, e.Context, compiled.Host{Machine: m}, []*wasm.Code{code.Portable})
	if err != nil {
		return err
	}
	e.m, e.runner, e.module, e.notes = m, runner, len(code.Text), len(code.Notes)
	e.status = jit.Exited
	return nil
}

// address is a place in linear memory.
func address(p unsafe.Pointer) uint32 { return uint32(uintptr(p)) }

func (e *Engine) start(in *Input) error {
	if err := e.m.Reset(vm.Input{Ctx: in.Ctx, Packet: in.Packet, R2: in.R2, CPU: in.CPU}); err != nil {
		return err
	}
	e.compiled, e.status = in.Compiled, jit.Running
	e.begin = vm.Point{Regs: compiled.Regs(e.m), Prog: e.m.Prog()}
	if in.Compiled {
		e.runner.Start(e.begin.Prog, &e.begin.Regs)
	}
	return nil
}

// repeat measures.
func (e *Engine) repeat(n int) error {
	r := e.runner
	if !e.compiled {
		r = nil
	}
	if !compiled.Repeat(e.m, r, &e.begin, n, slice) {
		return errRepeat
	}
	return nil
}

// slice is how many instructions a run that is measured may have.
const slice = 1_000_000

// run goes on for about fuel instructions and returns the words of a fault.
func (e *Engine) run(fuel int64) string {
	if e.status != jit.Running {
		return ""
	}
	if e.compiled {
		e.status = e.runner.Run(fuel)
		if err := e.runner.Err(); err != nil {
			return err.Error()
		}
	} else {
		switch e.m.Run(int(fuel)) {
		case vm.StopExit:
			e.status = jit.Exited
		case vm.StopFault:
			e.status = jit.Faulted
		}
	}
	if f := e.m.Fault(); e.status == jit.Faulted && f != nil {
		return f.Error()
	}
	return ""
}

func (e *Engine) result() uint64 {
	switch {
	case e.status != jit.Exited:
		return 0
	case e.compiled:
		return e.runner.Reg(isa.R0)
	}
	return e.m.Reg(isa.R0)
}

// Sum is a hash of all memory that is in use, what equal runs leave equal: four
// lanes of FNV over words, which is some five times as fast as one over bytes.
func Sum(a *arena.Arena) uint64 {
	const prime = 0x100000001b3
	h := [4]uint64{1, 2, 3, 4}
	b := a.Buf[arena.Base:]
	for ; len(b) >= 32; b = b[32:] {
		h[0] = (h[0] ^ binary.LittleEndian.Uint64(b)) * prime
		h[1] = (h[1] ^ binary.LittleEndian.Uint64(b[8:])) * prime
		h[2] = (h[2] ^ binary.LittleEndian.Uint64(b[16:])) * prime
		h[3] = (h[3] ^ binary.LittleEndian.Uint64(b[24:])) * prime
	}
	out := uint64(0xcbf29ce484222325)
	for _, lane := range h { // a multiplication carries up only: fold
		out = (out ^ lane ^ lane>>32) * prime
	}
	for _, c := range b {
		out = (out ^ uint64(c)) * prime
	}
	return out
}
