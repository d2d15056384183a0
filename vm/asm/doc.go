// Package asm turns text into eBPF instructions and back, in three dialects:
//
//   - [Kernel], the words of the verifier's log: r1 = *(u32 *)(r0 +0)
//   - [LLVM], the words of clang -S and llvm-objdump: r1 = *(u32 *)(r0 + 0x0)
//   - [Conformance], the mnemonics of bpf_conformance and ubpf: ldxw %r1, [%r0]
//
// Reading is lenient: a dialect reads what it prints and the usual variants
// of it. Printing is exact: [AppendKernel] gives the bytes that Linux 6.12
// prints, [Append] gives text that assembles to the same bytes.
//
//	res := asm.Assemble("r0 = 2\nexit", asm.Options{Dialect: asm.Kernel})
//	if len(res.Errors) > 0 { ... res.Errors[0].Line ... }
//	text := asm.Disassemble(asm.LLVM, res.Insns, nil)
//
// # Source files
//
// A line holds labels and one statement; in the LLVM dialect ";" separates
// statements, in the others it starts a comment. "//" and "/* */" are comments
// everywhere, and so is "#" where it does not follow a name ("call
// bpf_map_lookup_elem#1"). Numbers are decimal or 0x; a 32-bit immediate may
// also be written as its bit pattern, in hexadecimal. The left column of a verifier log
// ("8: (61) ") and of llvm-objdump ("8:  61 01 ... ") is read over, so that a
// listing can be pasted.
//
//	file      = { line }
//	line      = { label ":" } [ directive | insn ]
//	directive = ".prog" TYPE                    program type, in bpftool's words: xdp, sched_cls, ...
//	          | ".license" ( NAME | STRING )
//	          | ".map" NAME TYPE { KEY "=" VALUE }   key= value= entries= flags= inner=
//	                                         lock= timer= wq=   where in the value a bpf_spin_lock, bpf_timer, bpf_wq is
//	          | ".section" ( NAME | STRING )    section of the functions that follow
//	          | ".func" NAME                    label that starts a function
//	          | ".global" NAME                  the function is global: verified on its own
//	          | ".insn" BYTE*8                  one slot as bytes, legal or not
//	target    = label | ("+" | "-") N | "pc" ("+" | "-") N
//
// Where an instruction takes a name: a jump takes a label; call takes a label
// (a function of this file), a helper's name, or a kernel function's; a wide
// load takes a map (r1 = map[counts]), a byte of an array map's value
// (r1 = map[counts][0]+8), a function (r1 = subprog[cb]) or a kernel variable
// (r1 = ksym[runqueues]). LLVM's spelling "r1 = counts ll" means the map or
// the function of that name. Each use of a name that a loader must fill in is
// in [Result].Relocs.
//
// Read next: dialect.go for what the caller supplies, stmt.go for the
// statements, kernel.go for the log's words.
package asm
