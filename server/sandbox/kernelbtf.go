package sandbox

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"sync"

	"skep/vm/hook"
)

// Kinds of BTF types that programs refer to by name (include/uapi/linux/btf.h).
const (
	kindStruct  = 4
	kindTypedef = 8
	kindFunc    = 12
	kindVar     = 14
)

// kernelBTF finds type ids of one kernel by kind and name.
type kernelBTF struct {
	ids map[string]uint32 // kind digit pair, then name
}

var kernelBTFs sync.Map // path -> *kernelBTF

// loadKernelBTF indexes the BTF file of a kernel once a process.
func loadKernelBTF(path string) (*kernelBTF, error) {
	if k, ok := kernelBTFs.Load(path); ok {
		return k.(*kernelBTF), nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("kernel BTF: %w", err)
	}
	k, err := indexBTF(b)
	if err != nil {
		return nil, fmt.Errorf("kernel BTF: %w", err)
	}
	kernelBTFs.Store(path, k)
	return k, nil
}

func btfKey(kind int, name string) string { return string(rune('a'+kind)) + name }

// indexBTF walks the type section once. Only the kinds above are kept.
func indexBTF(b []byte) (*kernelBTF, error) {
	le := binary.LittleEndian
	if len(b) < 24 || le.Uint16(b) != 0xeb9f {
		return nil, fmt.Errorf("no BTF header")
	}
	hdr := uint64(le.Uint32(b[4:]))
	section := func(off, n uint32) ([]byte, bool) {
		lo := hdr + uint64(off)
		hi := lo + uint64(n)
		if hi > uint64(len(b)) {
			return nil, false
		}
		return b[lo:hi], true
	}
	types, ok1 := section(le.Uint32(b[8:]), le.Uint32(b[12:]))
	strs, ok2 := section(le.Uint32(b[16:]), le.Uint32(b[20:]))
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("section outside of %d bytes", len(b))
	}
	str := string(strs)
	k := &kernelBTF{ids: map[string]uint32{}}
	for id := uint32(1); len(types) >= 12; id++ {
		name, info := le.Uint32(types), le.Uint32(types[4:])
		kind, vlen := int(info>>24&0x1f), int(info&0xffff)
		n := 12
		switch kind {
		case 1, 14, 17: // INT, VAR, DECL_TAG
			n += 4
		case 3: // ARRAY
			n += 12
		case 4, 5, 15, 19: // STRUCT, UNION, DATASEC, ENUM64
			n += 12 * vlen
		case 6, 13: // ENUM, FUNC_PROTO
			n += 8 * vlen
		case 2, 7, 8, 9, 10, 11, 12, 16, 18:
		default:
			return nil, fmt.Errorf("type %d: kind %d is unknown", id, kind)
		}
		if n > len(types) {
			return nil, fmt.Errorf("type %d: cut", id)
		}
		switch kind {
		case kindStruct, kindTypedef, kindFunc, kindVar:
			if int(name) < len(str) {
				s := str[name:]
				if i := strings.IndexByte(s, 0); i > 0 {
					if key := btfKey(kind, s[:i]); k.ids[key] == 0 {
						k.ids[key] = id
					}
				}
			}
		}
		types = types[n:]
	}
	return k, nil
}

func (k *kernelBTF) id(kind int, name string) uint32 { return k.ids[btfKey(kind, name)] }

// attachID resolves attach_to for the program and attach type: a traced function, a raw tracepoint, an LSM hook, an iterator
// or a struct_ops structure. Names are taken with or without the kernel's prefix.
func (k *kernelBTF) attachID(prog, attach uint32, name string) (uint32, error) {
	kind, prefix := kindFunc, ""
	switch t := hook.ProgType(prog); {
	case t == hook.Tracing && hook.AttachType(attach) == hook.TraceRawTp:
		kind, prefix = kindTypedef, "btf_trace_"
	case t == hook.Tracing && hook.AttachType(attach) == hook.TraceIter:
		prefix = "bpf_iter_"
	case t == hook.LSM:
		prefix = "bpf_lsm_"
	case t == hook.StructOps:
		kind = kindStruct
	}
	if !strings.HasPrefix(name, prefix) {
		name = prefix + name
	}
	if id := k.id(kind, name); id != 0 {
		return id, nil
	}
	return 0, fmt.Errorf("attach_to %q: the kernel's BTF has no such type", name)
}
