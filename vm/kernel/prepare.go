package kernel

import (
	"skep/vm/btf"
	"skep/vm/isa"
	"skep/vm/object"
)

// Prepare makes the programs of an object ready for a kernel: CO-RE relocations
// by its types and the kernel's configuration. References to symbols of the
// kernel stay as they are. The object is changed only in the contents of its
// .kconfig map.
//
// A nil spec is the kernel of Types, of which only a part is known: what an
// object asks about types that are not there stays as compiled, and unknown
// names them. Any other spec is a whole kernel's: what it lacks does not exist.
func Prepare(o *object.Object, spec *btf.Spec) (progs []object.Program, unknown []string, err error) {
	unknown = Configure(o)
	if o.BTF == nil {
		return o.Programs, unknown, nil
	}
	if spec != nil {
		progs, err = o.Relocate(spec)
		return progs, unknown, err
	}
	spec = Types()
	few := *o
	few.Programs = append([]object.Program(nil), o.Programs...)
	seen := map[string]bool{}
	for i := range few.Programs {
		p := &few.Programs[i]
		relos := p.CoreRelos
		p.CoreRelos, p.Ksyms = nil, nil
		for _, r := range relos {
			name := o.BTF.Name(o.BTF.SkipQualifiers(r.Type))
			if kernelHas(spec, btf.EssentialName(name)) {
				p.CoreRelos = append(p.CoreRelos, r)
			} else if !seen[name] {
				seen[name] = true
				unknown = append(unknown, "struct "+name)
			}
		}
	}
	progs, err = few.Relocate(spec)
	if err != nil {
		return nil, unknown, err
	}
	for i := range progs {
		for _, r := range few.Programs[i].CoreRelos {
			if int(r.Insn) < len(progs[i].Insns) && absent(&progs[i].Insns[r.Insn], r.Kind) {
				unknown = append(unknown, "a member of struct "+o.BTF.Name(o.BTF.SkipQualifiers(r.Type)))
			}
		}
		progs[i].CoreRelos, progs[i].Ksyms = o.Programs[i].CoreRelos, o.Programs[i].Ksyms
	}
	return progs, unknown, nil
}

// absent says whether a relocated instruction says that the kernel has not what
// was asked for. A part of a kernel's types cannot know that.
func absent(i *isa.Insn, kind btf.CoreKind) bool {
	switch kind {
	case btf.CoreFieldExists, btf.CoreTypeExists, btf.CoreEnumvalExists, btf.CoreTypeMatches:
		return i.Imm == 0
	}
	return i.Op == isa.ClassJMP|isa.JmpCall && i.Imm == object.PoisonCoreRelo
}

// Configure gives the externs of .kconfig the kernel's configuration and what
// libbpf adds to it; unknown names those that it does not know.
func Configure(o *object.Object) (unknown []string) {
	for i := range o.Externs {
		x := &o.Externs[i]
		if x.Kind == object.ExternKconfig && !setKconfig(o, x.Name) && !x.Weak {
			unknown = append(unknown, "kernel configuration "+x.Name)
		}
	}
	return unknown
}

func kernelHas(spec *btf.Spec, name string) bool {
	for range spec.Named(name) {
		return true
	}
	return false
}

// setKconfig gives an extern of .kconfig its value.
func setKconfig(o *object.Object, name string) bool {
	for _, c := range kconfig {
		if c.name == name {
			return o.SetKconfig(name, c.value)
		}
	}
	return false
}

// kconfig is what is known of the configuration.
var kconfig = [...]struct {
	name  string
	value uint64
}{
	{"LINUX_KERNEL_VERSION", 6<<16 | 12<<8},
	{"LINUX_HAS_SYSCALL_WRAPPER", 1},
	{"LINUX_HAS_BPF_COOKIE", 1},
	{"CONFIG_HZ", 250},
	{"CONFIG_ARCH_HAS_SYSCALL_WRAPPER", 1},
}
