#include "textflag.h"

// Offsets of package contract.
#define SPSAVE 112
#define BPSAVE 120
#define STACK 128
#define RESUME 136
#define FUEL 144
#define BASE 160
#define LINK 272

// The exits of native code (amd64.Lower) store what is loaded here, take rsp
// and rbp back from the context and return: to the caller of this function.
// R14 (g) and X15 are restored by the wrapper that Go makes around an assembly
// function.
// func enter(ctx *context)
TEXT ·enter(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ ctx+0(FP), R13
	MOVQ BASE(R13), R15
	CMPQ LINK(R13), $0
	JEQ  same
	BYTE $0xf3; BYTE $0x49; BYTE $0x0f; BYTE $0xae; BYTE $0xcc // rdgsbase r12
	CMPQ R12, R15
	JEQ  same
	BYTE $0xf3; BYTE $0x49; BYTE $0x0f; BYTE $0xae; BYTE $0xdf // wrgsbase r15, several times as dear
same:
	MOVQ SP, SPSAVE(R13)
	MOVQ BP, BPSAVE(R13)
	MOVQ FUEL(R13), R14
	MOVQ 0(R13), AX
	MOVQ 8(R13), DI
	MOVQ 16(R13), SI
	MOVQ 24(R13), DX
	MOVQ 32(R13), CX
	MOVQ 40(R13), R8
	MOVQ 48(R13), BX
	MOVQ 56(R13), R9
	MOVQ 64(R13), R10
	MOVQ 72(R13), R11
	MOVQ 80(R13), BP
	MOVQ STACK(R13), SP
	MOVQ RESUME(R13), R12
	JMP  R12

// func cpuid(eax, ecx uint32) (a, b, c, d uint32)
TEXT ·cpuid(SB), NOSPLIT, $0-24
	MOVL eax+0(FP), AX
	MOVL ecx+4(FP), CX
	CPUID
	MOVL AX, a+8(FP)
	MOVL BX, b+12(FP)
	MOVL CX, c+16(FP)
	MOVL DX, d+20(FP)
	RET
