package wasm

import "strconv"

var names = [...]string{
	opUnreachable: "unreachable", opBlock: "block", opLoop: "loop", opIf: "if", opElse: "else", opEnd: "end",
	opBr: "br", opBrIf: "br_if", opBrTable: "br_table", opReturn: "return", opCall: "call", opDrop: "drop",
	opLocalGet: "local.get", opLocalSet: "local.set", opLocalTee: "local.tee",
	opI32Load: "i32.load", opI64Load: "i64.load", opI64Load8S: "i64.load8_s", opI64Load8U: "i64.load8_u",
	opI64Load16S: "i64.load16_s", opI64Load16U: "i64.load16_u", opI64Load32S: "i64.load32_s", opI64Load32U: "i64.load32_u",
	opI32Store: "i32.store", opI64Store: "i64.store", opI64Store8: "i64.store8", opI64Store16: "i64.store16", opI64Store32: "i64.store32",
	opI32Const: "i32.const", opI64Const: "i64.const",
	opI32Eqz: "i32.eqz", opI32Eq: "i32.eq", opI32Ne: "i32.ne", opI32LtS: "i32.lt_s", opI32LtU: "i32.lt_u",
	opI32GtS: "i32.gt_s", opI32GtU: "i32.gt_u", opI32LeS: "i32.le_s", opI32LeU: "i32.le_u", opI32GeS: "i32.ge_s", opI32GeU: "i32.ge_u",
	opI64Eqz: "i64.eqz", opI64Eq: "i64.eq", opI64Ne: "i64.ne",
	opI32LtS + wideCompare: "i64.lt_s", opI64LtU: "i64.lt_u", opI32GtS + wideCompare: "i64.gt_s", opI64GtU: "i64.gt_u",
	opI32LeS + wideCompare: "i64.le_s", opI64LeU: "i64.le_u", opI32GeS + wideCompare: "i64.ge_s", opI64GeU: "i64.ge_u",
	opI32Add: "i32.add", opI32Sub: "i32.sub", opI32Mul: "i32.mul", opI32DivS: "i32.div_s", opI32DivU: "i32.div_u",
	opI32RemS: "i32.rem_s", opI32RemU: "i32.rem_u", opI32And: "i32.and", opI32Or: "i32.or", opI32Xor: "i32.xor",
	opI32Shl: "i32.shl", opI32ShrS: "i32.shr_s", opI32ShrU: "i32.shr_u", opI32Rotl: "i32.rotl", opI32Rotr: "i32.rotr",
	opI64Add: "i64.add", opI64Sub: "i64.sub", opI32Mul + wideArith: "i64.mul", opI32DivS + wideArith: "i64.div_s",
	opI32DivU + wideArith: "i64.div_u", opI32RemS + wideArith: "i64.rem_s", opI32RemU + wideArith: "i64.rem_u",
	opI64And: "i64.and", opI64Or: "i64.or", opI32Xor + wideArith: "i64.xor", opI64Shl: "i64.shl",
	opI32ShrS + wideArith: "i64.shr_s", opI64ShrU: "i64.shr_u", opI64Rotl: "i64.rotl",
	opI32WrapI64: "i32.wrap_i64", opI64ExtendI32S: "i64.extend_i32_s", opI64ExtendI32U: "i64.extend_i32_u",
	opI32Extend8S: "i32.extend8_s", opI32Extend16S: "i32.extend16_s", opI64Extend8S: "i64.extend8_s", opI64Extend16S: "i64.extend16_s",
}

// Text is the first instruction of code in the words of the text format, and
// its length; 0 when it is none that this package emits.
func Text(code []byte) (text string, n int) {
	if len(code) == 0 || int(code[0]) >= len(names) || names[code[0]] == "" {
		return "", 0
	}
	op := code[0]
	text, n = names[op], 1
	number := func() (v int64, ok bool) {
		shift := uint(0)
		for n < len(code) && shift < 70 {
			c := code[n]
			n++
			v |= int64(c&0x7f) << shift
			shift += 7
			if c < 0x80 {
				if (op == opI32Const || op == opI64Const) && c&0x40 != 0 && shift < 64 {
					v |= -1 << shift
				}
				return v, true
			}
		}
		return 0, false
	}
	operands := 0
	switch {
	case op == opBlock || op == opLoop || op == opIf:
		if n == len(code) {
			return "", 0
		}
		switch code[n] {
		case typeI32:
			text += " (result i32)"
		case typeI64:
			text += " (result i64)"
		}
		return text, n + 1
	case op == opBrTable:
		v, ok := number()
		if !ok || v < 0 || v > int64(len(code)) {
			return "", 0
		}
		operands = int(v) + 1
	case op >= opI32Load && op <= opI64Store32:
		n++ // alignment
		v, ok := number()
		if !ok {
			return "", 0
		}
		if v != 0 {
			text += " offset=" + strconv.FormatInt(v, 10)
		}
	case op == opBr || op == opBrIf || op == opCall || op >= opLocalGet && op <= opLocalTee || op == opI32Const || op == opI64Const:
		operands = 1
	}
	for range operands {
		v, ok := number()
		if !ok {
			return "", 0
		}
		text += " " + strconv.FormatInt(v, 10)
	}
	return text, n
}
