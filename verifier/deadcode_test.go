package verifier

import (
	"encoding/binary"
	"testing"

	"skep/vm/btf"
	"skep/vm/hook"
	"skep/vm/isa"
)

// callbacks is a program whose functions after the first take no part unless
// bpf_loop calls them: loop calls bpf_loop with the function at each of its
// elements, take only loads the address of those.
func callbacks(t *testing.T, functions int, loop, take []int) *Program {
	t.Helper()
	var insns []isa.Insn
	var loads [][2]int // instruction, function
	load := func(dst uint8, f int) {
		loads = append(loads, [2]int{len(insns), f})
		w := isa.Wide(dst, isa.PseudoFunc, 0)
		insns = append(insns, w[0], w[1])
	}
	for _, f := range loop {
		insns = append(insns, mov(1, 4))
		load(2, f)
		insns = append(insns, mov(3, 0), mov(4, 0), isa.Insn{Op: isa.ClassJMP | isa.JmpCall, Imm: 181})
	}
	for _, f := range take {
		load(1, f)
	}
	insns = append(insns, mov(0, 0), exit)
	starts := []int{0}
	for range functions {
		starts = append(starts, len(insns))
		insns = append(insns, mov(0, 0), exit)
	}
	for _, l := range loads {
		insns[l[0]].Imm = int32(starts[l[1]] - l[0] - 1)
	}

	b := new(btf.Builder)
	i32 := b.Int("int", 4, 1)
	main := b.Func("prog", b.FuncProto(i32, btf.Param{Name: "ctx", Type: b.Pointer(0)}), btf.LinkGlobal)
	proto := b.FuncProto(i32, btf.Param{Name: "i", Type: i32}, btf.Param{Name: "c", Type: b.Pointer(0)})
	var info []byte
	for i, s := range starts {
		id := main
		if i > 0 {
			id = b.Func("f"+string(rune('0'+i)), proto, btf.LinkStatic)
		}
		info = binary.LittleEndian.AppendUint32(info, uint32(s))
		info = binary.LittleEndian.AppendUint32(info, uint32(id))
	}
	spec, err := btf.Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return &Program{Type: hook.SchedCls, GPL: true, Insns: insns, BTF: spec, FuncInfo: info, FuncInfoSize: 8}
}

// TestDroppedFunctions: the address of a function that no path enters is taken.
// Linux 6.12 drops the function and answers EFAULT when nothing is behind it.
func TestDroppedFunctions(t *testing.T) {
	for _, c := range []struct {
		name      string
		functions int
		loop      []int
		take      []int
		errno     int
	}{
		{"last of two", 2, []int{1}, []int{2}, 14},
		{"first of two", 2, []int{2}, []int{1}, 0},
		{"both of three behind the first", 3, []int{1}, []int{2, 3}, 14},
		{"in the middle", 3, []int{1, 3}, []int{2}, 0},
		{"the only one", 1, nil, []int{1}, 0},
	} {
		p := callbacks(t, c.functions, c.loop, c.take)
		if res := mustVerify(t, p, Config{}); int(res.Errno) != c.errno || res.Verdict == NotModelled {
			t.Errorf("%s: %v, errno %d (%s), the kernel says %d", c.name, res.Verdict, int(res.Errno), res.Message, c.errno)
		}
	}
}
