package sandbox

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// targetELF writes the guest's /bin/utarget: a static program of 100 bytes of code with a symbol table, whose function
//
//	int target_fn(int i, int argc) { return i + argc; }
//
// is called once for each argument. It is what uprobes are attached to and what exec runs: a Go program will not do, because its
// stacks move under a return probe. With an argument that starts with "-" it waits for a signal instead.
func targetELF() []byte {
	code := []byte{
		// _start:
		0x4c, 0x8b, 0x24, 0x24, // mov r12, [rsp]        argc
		0x49, 0x83, 0xfc, 0x02, // cmp r12, 2
		0x7c, 0x11, // jl count
		0x48, 0x8b, 0x44, 0x24, 0x10, // mov rax, [rsp+16]  argv[1]
		0x80, 0x38, 0x2d, // cmp byte [rax], '-'
		0x75, 0x07, // jne count
		0xb8, 34, 0, 0, 0, // mov eax, SYS_pause
		0x0f, 0x05, // syscall
		// count:
		0x31, 0xc0, // xor eax, eax
		0x31, 0xdb, // xor ebx, ebx
		// loop:
		0xff, 0xc3, // inc ebx
		0x44, 0x39, 0xe3, // cmp ebx, r12d
		0x7d, 0x0c, // jge done
		0x89, 0xdf, // mov edi, ebx
		0x44, 0x89, 0xe6, // mov esi, r12d
		0xe8, 0, 0, 0, 0, // call target_fn (patched)
		0xeb, 0xed, // jmp loop
		// done:
		0x89, 0xc7, // mov edi, eax
		0xb8, 231, 0, 0, 0, // mov eax, SYS_exit_group
		0x0f, 0x05, // syscall
	}
	call := bytes.Index(code, []byte{0xe8, 0, 0, 0, 0})
	for len(code)%16 != 0 {
		code = append(code, 0xcc)
	}
	fn := len(code)
	binary.LittleEndian.PutUint32(code[call+1:], uint32(fn-(call+5)))
	code = append(code, 0x55, // push rbp
		0x48, 0x89, 0xe5, // mov rbp, rsp
		0x8d, 0x04, 0x37, // lea eax, [rdi+rsi]
		0x5d, // pop rbp
		0xc3) // ret

	const base, text = 0x400000, 0x1000
	strtab := "\x00_start\x00target_fn\x00"
	shstr := "\x00.text\x00.symtab\x00.strtab\x00.shstrtab\x00"
	var b bytes.Buffer
	put := func(v any) { binary.Write(&b, binary.LittleEndian, v) }
	at := func(off int) { b.Write(make([]byte, off-b.Len())) }
	symOff := text + (len(code)+15)/16*16
	strOff := symOff + 3*elf.Sym64Size
	shstrOff := strOff + len(strtab)
	shOff := (shstrOff + len(shstr) + 15) / 16 * 16
	put(elf.Header64{Ident: [16]byte{0x7f, 'E', 'L', 'F', 2, 1, 1}, Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: 1,
		Entry: base + text, Phoff: 64, Shoff: uint64(shOff), Ehsize: 64, Phentsize: 56, Phnum: 1, Shentsize: 64, Shnum: 5, Shstrndx: 4})
	put(elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Off: text, Vaddr: base + text, Paddr: base + text,
		Filesz: uint64(len(code)), Memsz: uint64(len(code)), Align: 0x1000})
	at(text)
	b.Write(code)
	at(symOff)
	fun := elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC)
	put(elf.Sym64{})
	put(elf.Sym64{Name: 1, Info: fun, Shndx: 1, Value: base + text, Size: uint64(fn)})
	put(elf.Sym64{Name: 8, Info: fun, Shndx: 1, Value: base + text + uint64(fn), Size: uint64(len(code) - fn)})
	b.WriteString(strtab)
	b.WriteString(shstr)
	at(shOff)
	put(elf.Section64{})
	put(elf.Section64{Name: 1, Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC | elf.SHF_EXECINSTR), Addr: base + text, Off: text, Size: uint64(len(code)), Addralign: 16})
	put(elf.Section64{Name: 7, Type: uint32(elf.SHT_SYMTAB), Off: uint64(symOff), Size: 3 * elf.Sym64Size, Link: 3, Info: 1, Addralign: 8, Entsize: elf.Sym64Size})
	put(elf.Section64{Name: 15, Type: uint32(elf.SHT_STRTAB), Off: uint64(strOff), Size: uint64(len(strtab)), Addralign: 1})
	put(elf.Section64{Name: 23, Type: uint32(elf.SHT_STRTAB), Off: uint64(shstrOff), Size: uint64(len(shstr)), Addralign: 1})
	return b.Bytes()
}
