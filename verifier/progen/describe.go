package progen

import (
	"encoding/binary"
	"strconv"

	"skep/vm/btf"
)

// FuncInfoSize is the size of a record of Describe's func_info.
const FuncInfoSize = 8

// Describe is the program's BTF and its func_info, without which the kernel
// takes no callbacks: each function has two arguments, all but the first are
// static.
func (p *Program) Describe() (*btf.Spec, []byte, error) {
	b := new(btf.Builder)
	i32 := b.Int("int", 4, 1)
	proto := b.FuncProto(i32, btf.Param{Name: "a", Type: b.Pointer(0)}, btf.Param{Name: "b", Type: b.Pointer(0)})
	var info []byte
	for i, f := range p.Funcs {
		linkage := btf.LinkStatic
		if i == 0 {
			linkage = btf.LinkGlobal
		}
		id := b.Func("f"+strconv.Itoa(i), proto, linkage)
		info = binary.LittleEndian.AppendUint32(info, uint32(f.Start))
		info = binary.LittleEndian.AppendUint32(info, uint32(id))
	}
	spec, err := btf.Parse(b.Bytes())
	return spec, info, err
}
