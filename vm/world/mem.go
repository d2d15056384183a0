package world

import (
	"strings"

	"skep/vm/arena"
	"skep/vm/btf"
)

// fields finds members of structs by name, in any kernel's BTF.
type fields struct {
	spec  *btf.Spec
	known map[member]place
}

// member names a member of a struct.
type member struct{ structure, path string }

// place is where a member is in a struct; size 0 when there is none such.
type place struct{ off, size uint32 }

// find is the place of a member: "f_path.dentry" goes into embedded structs,
// those without name are looked through.
func (f *fields) find(structure, path string) place {
	key := member{structure, path}
	if p, ok := f.known[key]; ok {
		return p
	}
	var p place
	if id, ok := f.spec.Lookup(structure, btf.KindStruct); ok {
		p = f.walk(id, path)
	}
	if f.known == nil {
		f.known = make(map[member]place)
	}
	f.known[key] = p
	return p
}

func (f *fields) walk(id btf.ID, path string) place {
	name, rest, _ := strings.Cut(path, ".")
	off, typ, ok := f.lookup(id, name)
	if !ok {
		return place{}
	}
	if rest != "" {
		p := f.walk(f.spec.Resolve(typ), rest)
		p.off += off
		return p
	}
	size, _ := f.spec.Size(typ)
	return place{off, size}
}

func (f *fields) lookup(id btf.ID, name string) (off uint32, typ btf.ID, ok bool) {
	t := f.spec.Type(f.spec.Resolve(id))
	if !t.Kind().IsComposite() {
		return 0, 0, false
	}
	for i := range t.Vlen() {
		m := t.Member(i)
		if m.Name == name && m.Bits == 0 {
			return m.Offset / 8, m.Type, true
		}
		if m.Name == "" {
			if off, typ, ok := f.lookup(m.Type, name); ok {
				return m.Offset/8 + off, typ, true
			}
		}
	}
	return 0, 0, false
}

// size is that of a struct, 64 when it is not known.
func (f *fields) size(structure string) uint32 {
	if id, ok := f.spec.Lookup(structure, btf.KindStruct); ok {
		n, _ := f.spec.Size(id)
		return n
	}
	return 64
}

// memory is a kernel object in the arena: the same address for the same slot.
type memory struct {
	w      *World
	name   string
	addr   uint32
	length uint32
}

// objectMap marks the arena's regions that belong to the world.
const objectMap = -1000

// mem finds or makes the object of a struct in a slot.
func (w *World) mem(structure string, slot int) memory {
	return w.region(structure, structure, slot, w.k.size(structure))
}

func (w *World) region(structure, name string, slot int, size uint32) memory {
	if w.dry {
		return memory{w: w, name: structure}
	}
	a := w.m.Arena()
	for i := range a.Regions() {
		r := &a.Regions()[i]
		if r.Kind == arena.Object && r.Map == objectMap && int(r.Index) == slot && r.Name == name {
			return memory{w, structure, r.Base, r.Len}
		}
	}
	r, err := a.Alloc(arena.Region{
		Kind: arena.Object, Len: max(size, 8), Perm: arena.Read | arena.Write, Map: objectMap, Index: int32(slot), Name: name,
	}, 64)
	if err != nil {
		return memory{w: w, name: structure}
	}
	return memory{w, structure, r.Base, r.Len}
}

func (o memory) ptr() uint64 { return uint64(o.addr) }

// clear zeroes the object.
func (o memory) clear() memory {
	if o.addr != 0 {
		o.w.m.Arena().Zero(o.addr, o.length)
	}
	return o
}

// set writes a member; it does nothing when the layout has none.
func (o memory) set(path string, v uint64) memory {
	var b [8]byte
	le.PutUint64(b[:], v)
	o.put(path, b[:], true)
	return o
}

// preset writes members that always have the same value: "prio=120 on_cpu=1".
func (o memory) preset(list string) memory {
	for w := range strings.FieldsSeq(list) {
		name, value, _ := strings.Cut(w, "=")
		n, _ := number(value)
		o.set(name, n)
	}
	return o
}

// fill writes several members, named with blanks between, with one value.
func (o memory) fill(names string, v uint64) memory {
	for n := range strings.FieldsSeq(names) {
		o.set(n, v)
	}
	return o
}

// text writes a member that is an array of bytes, cut to fit and, but for a
// short one, ended by a zero.
func (o memory) text(path, s string) memory {
	o.put(path, append([]byte(s), 0), false)
	return o
}

func (o memory) put(path string, b []byte, number bool) {
	p := o.w.k.find(o.name, path)
	if p.size == 0 || o.addr == 0 || uint64(p.off)+uint64(p.size) > uint64(o.length) {
		return
	}
	if n := min(int(p.size), len(b)); number || n < int(p.size) {
		o.w.m.Arena().Write(o.addr+p.off, b[:n])
	} else {
		o.w.m.Arena().Write(o.addr+p.off, append(b[:p.size-1:p.size-1], 0))
	}
}

// raw writes bytes at the object's start.
func (o memory) raw(b []byte) memory {
	if n := min(int(o.length), len(b)); o.addr != 0 && n > 0 {
		o.w.m.Arena().Write(o.addr, b[:n])
	}
	return o
}

// userKey is the number by which user space knows one of the world's objects,
// for storage maps: see helper.World.UserKey.
func (w *World) userKey(addr uint64) (uint32, bool) {
	if addr>>32 != 0 {
		return 0, false
	}
	r := w.m.Arena().Find(uint32(addr))
	if r == nil || r.Map != objectMap {
		return 0, false
	}
	switch n := int(r.Index); r.Name {
	case "task_struct":
		for i := range w.st.tasks {
			if w.st.tasks[i].slot == n {
				return w.st.tasks[i].pid, true
			}
		}
	case "cgroup":
		if n < len(w.st.cgroups) {
			return uint32(cgroupID(w.st.cgroups[n])), true
		}
	case "inode":
		if n < len(w.st.files) {
			return uint32(w.st.files[n].ino), true
		}
	}
	return uint32(r.Index), true
}

// drop forgets the values that storage maps keep with an object that is gone.
func (w *World) drop(addr uint64) {
	if w.dry || addr == 0 {
		return
	}
	for _, m := range w.m.Maps().Maps() {
		if s, ok := m.(interface{ Drop(owner uint64) int64 }); ok {
			s.Drop(addr)
		}
	}
}

// userSize is the user memory that an event can use, bytes.
const userSize = 64 << 10

// user puts bytes into the task's user memory and gives their address; 0
// when the event has used up what there is.
func (w *World) user(b []byte) uint64 {
	o := w.region("", "user memory", 0, userSize)
	n := uint32(len(b)+7) &^ 7
	if o.addr == 0 || w.r.user+n > userSize {
		return 0
	}
	at := o.addr + w.r.user
	w.m.Arena().Zero(at, n)
	w.m.Arena().Write(at, b)
	w.r.user += n
	return uint64(at)
}

func (w *World) passText(s string) uint64 { return w.user(append([]byte(s), 0)) }

// keepText keeps a string for a kernel object, by slot; the longest path
// that is kept has 255 bytes.
func (w *World) keepText(kind string, slot int, s string) uint64 {
	o := w.region("", kind, slot, 256).clear()
	return o.raw([]byte(s[:min(len(s), 255)])).ptr()
}
