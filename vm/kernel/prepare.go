package kernel

import (
	"skep/vm/btf"
	"skep/vm/object"
)

// Prepare makes the programs of an object ready for a kernel whose memory is
// laid out by a BTF, nil being Types(): CO-RE relocations by its types, and
// the kernel's configuration. References to symbols of the kernel stay as they
// are. unknown is the types that the object relocates by and the kernel lacks;
// what is about those stays as compiled. The object is changed only in the
// contents of its .kconfig map.
func Prepare(o *object.Object, kernel *btf.Spec) (progs []object.Program, unknown []string, err error) {
	if kernel == nil {
		kernel = Types()
	}
	for _, c := range kconfig {
		o.SetKconfig(c.name, c.value)
	}
	if o.BTF == nil {
		return o.Programs, nil, nil
	}
	few := *o
	few.Programs = append([]object.Program(nil), o.Programs...)
	seen := map[string]bool{}
	for i := range few.Programs {
		p := &few.Programs[i]
		relos := p.CoreRelos
		p.CoreRelos, p.Ksyms = nil, nil
		for _, r := range relos {
			name := o.BTF.Name(o.BTF.SkipQualifiers(r.Type))
			if kernelHas(kernel, btf.EssentialName(name)) {
				p.CoreRelos = append(p.CoreRelos, r)
			} else if !seen[name] {
				seen[name] = true
				unknown = append(unknown, name)
			}
		}
	}
	progs, err = few.Relocate(kernel)
	if err != nil {
		return nil, unknown, err
	}
	for i := range progs {
		progs[i].CoreRelos, progs[i].Ksyms = o.Programs[i].CoreRelos, o.Programs[i].Ksyms
	}
	return progs, unknown, nil
}

func kernelHas(kernel *btf.Spec, name string) bool {
	for range kernel.Named(name) {
		return true
	}
	return false
}

// kconfig is the configuration and what libbpf adds to it.
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
