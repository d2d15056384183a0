package wasm

// Types of values and blocks.
const (
	typeI32  byte = 0x7f
	typeI64  byte = 0x7e
	typeVoid byte = 0x40
)

// Instructions, by their names in the WebAssembly specification.
const (
	opUnreachable byte = 0x00
	opBlock       byte = 0x02
	opLoop        byte = 0x03
	opIf          byte = 0x04
	opElse        byte = 0x05
	opEnd         byte = 0x0b
	opBr          byte = 0x0c
	opBrIf        byte = 0x0d
	opBrTable     byte = 0x0e
	opReturn      byte = 0x0f
	opCall        byte = 0x10
	opDrop        byte = 0x1a
	opLocalGet    byte = 0x20
	opLocalSet    byte = 0x21
	opLocalTee    byte = 0x22

	opI32Load    byte = 0x28
	opI64Load    byte = 0x29
	opI64Load8S  byte = 0x30
	opI64Load8U  byte = 0x31
	opI64Load16S byte = 0x32
	opI64Load16U byte = 0x33
	opI64Load32S byte = 0x34
	opI64Load32U byte = 0x35
	opI32Store   byte = 0x36
	opI64Store   byte = 0x37
	opI64Store8  byte = 0x3c
	opI64Store16 byte = 0x3d
	opI64Store32 byte = 0x3e

	opI32Const byte = 0x41
	opI64Const byte = 0x42

	opI32Eqz byte = 0x45
	opI32Eq  byte = 0x46
	opI32Ne  byte = 0x47
	opI32LtS byte = 0x48
	opI32LtU byte = 0x49
	opI32GtS byte = 0x4a
	opI32GtU byte = 0x4b
	opI32LeS byte = 0x4c
	opI32LeU byte = 0x4d
	opI32GeS byte = 0x4e
	opI32GeU byte = 0x4f
	opI64Eqz byte = 0x50
	opI64Eq  byte = 0x51
	opI64Ne  byte = 0x52
	opI64LtU byte = 0x54
	opI64GtU byte = 0x56
	opI64LeU byte = 0x58
	opI64GeU byte = 0x5a

	opI32Add  byte = 0x6a
	opI32Sub  byte = 0x6b
	opI32Mul  byte = 0x6c
	opI32DivS byte = 0x6d
	opI32DivU byte = 0x6e
	opI32RemS byte = 0x6f
	opI32RemU byte = 0x70
	opI32And  byte = 0x71
	opI32Or   byte = 0x72
	opI32Xor  byte = 0x73
	opI32Shl  byte = 0x74
	opI32ShrS byte = 0x75
	opI32ShrU byte = 0x76
	opI32Rotl byte = 0x77
	opI32Rotr byte = 0x78
	opI64Add  byte = 0x7c
	opI64Sub  byte = 0x7d
	opI64Mul  byte = 0x7e
	opI64And  byte = 0x83
	opI64Or   byte = 0x84
	opI64Xor  byte = 0x85
	opI64Shl  byte = 0x86
	opI64ShrU byte = 0x88
	opI64Rotl byte = 0x89

	opI32WrapI64    byte = 0xa7
	opI64ExtendI32S byte = 0xac
	opI64ExtendI32U byte = 0xad
	opI32Extend8S   byte = 0xc0
	opI32Extend16S  byte = 0xc1
	opI64Extend8S   byte = 0xc2
	opI64Extend16S  byte = 0xc3
)

// The instructions of i64 lie this far behind those of i32.
const (
	wideCompare = opI64Eqz - opI32Eqz
	wideArith   = opI64Add - opI32Add
)

// encoder appends the binary format.
type encoder struct{ b []byte }

func (e *encoder) pos() int { return len(e.b) }

func (e *encoder) op(c ...byte) { e.b = append(e.b, c...) }

// u32 is an unsigned LEB128 number.
func (e *encoder) u32(v uint32) {
	for v >= 0x80 {
		e.b = append(e.b, byte(v)|0x80)
		v >>= 7
	}
	e.b = append(e.b, byte(v))
}

// s64 is a signed LEB128 number.
func (e *encoder) s64(v int64) {
	for v < -0x40 || v >= 0x40 {
		e.b = append(e.b, byte(v)|0x80)
		v >>= 7
	}
	e.b = append(e.b, byte(v)&0x7f)
}

func (e *encoder) i32(v int32) { e.op(opI32Const); e.s64(int64(v)) }
func (e *encoder) i64(v int64) { e.op(opI64Const); e.s64(v) }

func (e *encoder) get(local uint32)    { e.op(opLocalGet); e.u32(local) }
func (e *encoder) set(local uint32)    { e.op(opLocalSet); e.u32(local) }
func (e *encoder) tee(local uint32)    { e.op(opLocalTee); e.u32(local) }
func (e *encoder) callFunc(fn uint32)  { e.op(opCall); e.u32(fn) }
func (e *encoder) ifThen(result byte)  { e.op(opIf, result) }
func (e *encoder) br(op byte, at int)  { e.op(op); e.u32(uint32(at)) }
func (e *encoder) bytes(s string)      { e.u32(uint32(len(s))); e.b = append(e.b, s...) }
func (e *encoder) sized(body *encoder) { e.u32(uint32(len(body.b))); e.b = append(e.b, body.b...) }

// memory is a load or store with a constant offset. No alignment is promised:
// it is a hint that the engines do not use.
func (e *encoder) memory(op byte, offset uint32) {
	e.op(op, 0)
	e.u32(offset)
}

// section appends a section of the module, unless it is empty.
func (e *encoder) section(id byte, body *encoder) {
	e.op(id)
	e.sized(body)
}
