#include "textflag.h"

// Offsets of package contract.
#define LINKSAVE 112
#define STACK 128
#define RESUME 136
#define FUEL 144
#define BASE 160
#define LINK 272

// The common exit of native code (arm64.Lower) stores what is loaded here,
// takes the return address back from the context and returns: to the caller
// of this function. The code leaves R18 (the system's), R28 (g, which signal
// handlers find there), R29 and RSP alone.

// func enter(ctx *context)
TEXT ·enter(SB), NOSPLIT|NOFRAME, $0-8
	MOVD ctx+0(FP), R13
	MOVD R30, LINKSAVE(R13)
	LDP  0(R13), (R0, R1)
	LDP  16(R13), (R2, R3)
	LDP  32(R13), (R4, R5)
	LDP  48(R13), (R6, R7)
	LDP  64(R13), (R8, R9)
	MOVD 80(R13), R10
	MOVD STACK(R13), R12
	MOVD FUEL(R13), R14
	MOVD BASE(R13), R15
	ADD  R10, R15, R11
	SUB  $512, R11
	MOVD R15, R21 // the anchors: always the base and 32 bits more
	MOVD R15, R22
	MOVD R15, R23
	MOVD R15, R24
	MOVD LINK(R13), R30
	MOVD RESUME(R13), R16
	JMP  (R16)

// func flush(start, end uintptr)
TEXT ·flush(SB), NOSPLIT, $0-16
	MOVD start+0(FP), R0
	MOVD end+8(FP), R1
	WORD $0xd53b0022      // mrs x2, ctr_el0
	UBFX $16, R2, $4, R3  // log2 of words in a data cache line
	AND  $15, R2          // and in one of the instruction cache
	MOVD $4, R4
	LSL  R3, R4, R3
	LSL  R2, R4, R2
	SUB  $1, R3, R4
	BIC  R4, R0, R5
data:
	WORD $0xd50b7b25      // dc cvau, x5
	ADD  R3, R5
	CMP  R1, R5
	BLO  data
	WORD $0xd5033b9f      // dsb ish
	SUB  $1, R2, R4
	BIC  R4, R0, R5
code:
	WORD $0xd50b7525      // ic ivau, x5
	ADD  R2, R5
	CMP  R1, R5
	BLO  code
	WORD $0xd5033b9f      // dsb ish
	WORD $0xd5033fdf      // isb
	RET
