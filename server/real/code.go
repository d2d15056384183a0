package real

import (
	"encoding/hex"
	"fmt"

	"skep/server/sandbox/proto"
	"skep/vm/asm"
	"skep/vm/isa"
	"skep/wasm/listing/disasm"
)

// xlatedText lists the instructions as the verifier rewrote them.
func xlatedText(code []byte) []string {
	var out []string
	eachXlated(code, func(pc int, text string) { out = append(out, fmt.Sprintf("%4d: %s", pc, text)) })
	return out
}

// eachXlated writes rewritten instructions as the kernel's own listing does.
func eachXlated(code []byte, yield func(pc int, text string)) {
	insns, err := isa.DecodeAll(code)
	if err != nil {
		yield(0, err.Error())
		return
	}
	for pc := 0; pc < len(insns); pc++ {
		yield(pc, asm.KernelText(insns, pc, nil))
		if insns[pc].IsWide() {
			pc++
		}
	}
}

// machineText lists the x86-64 code that the kernel's JIT made. Offsets are counted from each function's start: its
// address differs from load to load.
func machineText(j *proto.JITResult) []string {
	var out []string
	code := j.Jited
	for n, length := range j.FuncLens {
		f := code[:min(int(length), len(code))]
		code = code[len(f):]
		if len(j.FuncLens) > 1 {
			out = append(out, fmt.Sprintf("function %d:", n))
		}
		for at := 0; at < len(f); {
			in := disasm.AMD64(f[at:], at)
			out = append(out, fmt.Sprintf("%4x: %-22s %s", at, hex.EncodeToString(f[at:at+in.Size]), in.Text))
			at += in.Size
		}
	}
	return out
}
