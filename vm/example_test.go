package vm_test

import (
	"fmt"

	"skep/vm"
	"skep/vm/asm"
	"skep/vm/hook"
	"skep/vm/maps"
)

// A program counts packets in a map; then it is walked back.
func Example() {
	res := asm.Assemble(`
		.map counts array key=4 value=8 entries=1
		*(u32 *)(r10 -4) = 0
		r2 = r10
		r2 += -4
		r1 = map[counts]
		call 1 // bpf_map_lookup_elem
		if r0 == 0 goto out
		r1 = 1
		lock *(u64 *)(r0 +0) += r1
	out:
		r0 = 2
		exit`, asm.Options{Dialect: asm.Kernel})
	if len(res.Errors) > 0 {
		fmt.Println(res.Errors[0])
		return
	}
	m, err := vm.New(vm.Config{Maps: []maps.Spec{{Name: "counts", Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := m.Load(&vm.Program{Type: hook.XDP, Insns: res.Insns}); err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		m.Reset(vm.Input{Packet: make([]byte, 60)})
		fmt.Println(m.Run(1000), m.Reg(0))
	}
	value, _ := m.Maps().ByName("counts").Get([]byte{0, 0, 0, 0})
	fmt.Println(value)

	m.Seek(7) // before the addition of the last run
	value, _ = m.Maps().ByName("counts").Get([]byte{0, 0, 0, 0})
	fmt.Println(m.PC(), value)

	// Output:
	// exit 2
	// exit 2
	// exit 2
	// [3 0 0 0 0 0 0 0]
	// 8 [2 0 0 0 0 0 0 0]
}
