package asm

import "testing"

func TestSectionName(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{".section xdp", "xdp"},
		{".section tracepoint/syscalls/sys_enter_execve", "tracepoint/syscalls/sys_enter_execve"},
		{".section xdp.frags/devmap ; the second program", "xdp.frags/devmap"},
		{`.section "uprobe//bin/bash:readline"`, "uprobe//bin/bash:readline"},
		{`.section .text,"ax",@progbits`, ".text"},
	} {
		res := Assemble(tt.line+"\nr0 = 0\nexit", Options{Dialect: Kernel})
		if len(res.Errors) > 0 || len(res.Funcs) == 0 || res.Funcs[0].Section != tt.want {
			t.Errorf("%s: %+v, %v", tt.line, res.Funcs, res.Errors)
		}
	}
}
