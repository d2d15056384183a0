package maps

import "strconv"

// Spec describes a map to create: the arguments of BPF_MAP_CREATE and what a
// loader fills in afterwards.
type Spec struct {
	Name       string
	Type       Type
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32
	Flags      uint32 // Flag*
	Extra      uint64 // map_extra: hash functions of a bloom filter, address of an arena

	Inner *Spec // prototype of the inner maps of a map of maps

	// BTFKey and BTFValue are type ids in the program's BTF, 0 for none. VType
	// is btf_vmlinux_value_type_id of a struct_ops map.
	BTFKey, BTFValue, VType uint32

	// Special are the parts of a value that updates leave alone: struct
	// bpf_spin_lock, bpf_timer, kptrs. SpinLock says that one of them is a
	// bpf_spin_lock, which BPF_F_LOCK needs.
	Special  []Span
	SpinLock bool

	Data   []byte // initial value of element 0 (.data, .rodata), at most ValueSize bytes
	Init   []KV   // further initial elements
	Frozen bool   // user space may not write any more (.rodata)
}

// Span is a range of bytes within a value.
type Span struct{ Off, Len uint32 }

// LockOffset is where in a value its bpf_spin_lock is; false when it has none.
func (s *Spec) LockOffset() (uint32, bool) {
	for _, p := range s.Special {
		if s.SpinLock && p.Len == spinLockSize {
			return p.Off, true
		}
	}
	return 0, false
}

// spinLockSize is that of struct bpf_spin_lock. Of the special parts of a map
// value it alone is that small.
const spinLockSize = 4

// KV is an element to create with a map. A value of a map of maps, a prog
// array or a sockmap is the 32-bit number of what it refers to.
type KV struct{ Key, Value []byte }

// CreateError is a map that the kernel would refuse to create.
type CreateError struct {
	Map   string // its name
	Errno Errno
	Msg   string // why
}

func (e *CreateError) Error() string {
	return "map " + strconv.Quote(e.Map) + ": " + e.Msg + " (" + e.Errno.Error() + ")"
}

func (e *CreateError) Unwrap() error { return e.Errno }

const (
	kmallocMax    = 4 << 20 // KMALLOC_MAX_SIZE of x86
	percpuMax     = 32 << 10
	storageMax    = 65535 - 128 // BPF_LOCAL_STORAGE_MAX_VALUE_SIZE of a 64-bit kernel
	pageSize      = 4096
	maxCPUs       = 8192 // NR_CPUS of the reference kernel
	maxStackDepth = 127  // kernel.perf_event_max_stack
	maxStack      = 512  // MAX_BPF_STACK
	htabElemSize  = 48
	buildIDSize   = 32 // struct bpf_stack_build_id

	// maxHashed are the entries of a hash whose buckets, 16 bytes each and
	// rounded up to a power of two, stay below 4 GiB.
	maxHashed = 1 << 27
)

// Check says what BPF_MAP_CREATE would say: nil or a *CreateError. Order and
// numbers follow the map_alloc_check functions of Linux 6.12.
func (s *Spec) Check() error {
	if err := s.check(); err != nil {
		err.Map = s.Name
		return err
	}
	return nil
}

func (s *Spec) check() *CreateError {
	fail := func(e Errno, msg string) *CreateError { return &CreateError{Errno: e, Msg: msg} }
	r := s.Type.Row()
	if r == nil || s.Type == Unspec {
		return fail(EINVAL, "there is no map type "+strconv.Itoa(int(s.Type)))
	}
	switch {
	case s.Extra != 0 && s.Type != BloomFilter && s.Type != Arena:
		return fail(EINVAL, "map_extra is for bloom_filter and arena")
	case s.Flags&FlagRdonly != 0 && s.Flags&FlagWronly != 0:
		return fail(EINVAL, "BPF_F_RDONLY and BPF_F_WRONLY exclude each other")
	case s.Flags&FlagRdonlyProg != 0 && s.Flags&FlagWronlyProg != 0:
		return fail(EINVAL, "BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG exclude each other")
	case s.Flags&^r.Flags != 0:
		return fail(EINVAL, "map_flags 0x"+strconv.FormatUint(uint64(s.Flags&^r.Flags), 16)+" are not for "+r.Name)
	case r.Must&^s.Flags != 0 && r.Must == FlagNoPrealloc:
		return fail(EINVAL, r.Name+" needs map_flags BPF_F_NO_PREALLOC")
	case r.Must&^s.Flags != 0:
		return fail(EINVAL, r.Name+" needs map_flags BPF_F_MMAPABLE")
	case s.Flags&FlagNUMANode != 0 && r.PerCPU && s.Type != PerCPUCgroupStorage:
		return fail(EINVAL, "a per-CPU map takes no NUMA node")
	}
	if lru := s.Type == LRUHash || s.Type == LRUPerCPUHash; lru && s.Flags&FlagNoPrealloc != 0 {
		return fail(ENOTSUPP, r.Name+" does not take BPF_F_NO_PREALLOC")
	} else if r.Flags == hashFlags && !lru && s.Flags&FlagNoCommonLRU != 0 {
		return fail(EINVAL, "BPF_F_NO_COMMON_LRU is for LRU maps")
	}
	if s.Type == HashOfMaps && s.ValueSize != 4 {
		return fail(EINVAL, "value_size must be 4, not "+utoa(s.ValueSize))
	}
	if s.Type == StructOps && s.VType == 0 {
		return fail(EINVAL, "struct_ops needs btf_vmlinux_value_type_id")
	}
	if err := s.checkSizes(r); err != nil {
		return err
	}
	return s.checkType()
}

// checkSizes holds key, value and entries to the rules of the row.
func (s *Spec) checkSizes(r *Row) *CreateError {
	if why, e := r.Key.check(s.KeySize); e != 0 {
		return &CreateError{Errno: e, Msg: "key_size must be " + why + ", not " + utoa(s.KeySize)}
	}
	if why, e := r.Entries.check(s.MaxEntries); e != 0 {
		return &CreateError{Errno: e, Msg: "max_entries must be " + why + ", not " + utoa(s.MaxEntries)}
	}
	if why, e := r.Value.check(s.ValueSize); e != 0 {
		return &CreateError{Errno: e, Msg: "value_size must be " + why + ", not " + utoa(s.ValueSize)}
	}
	return nil
}

// check returns what the rule demands and the error of breaking it.
func (r SizeRule) check(n uint32) (string, Errno) {
	ok, e := true, EINVAL
	switch r {
	case SizeAny:
		ok = n > 0
	case SizeZero, SizeEntries0:
		ok = n == 0
	case Size4:
		ok = n == 4
	case Size4or8:
		ok = n == 4 || n == 8
	case SizeMul8:
		ok = n >= 8 && n%8 == 0
	case SizeLPM:
		ok = n >= 5 && n <= 260
	case SizeCgroup:
		ok = n == 8 || n == 16
	case SizePerCPU:
		if ok = n > 0 && n <= percpuMax; n > percpuMax {
			e = E2BIG
		}
	case SizeStorage:
		if ok = n > 0 && n <= storageMax; n > storageMax {
			e = E2BIG
		}
	case SizePages:
		ok = n >= pageSize && n&(n-1) == 0
	case SizeOne:
		ok = n == 1
	}
	if ok {
		return "", 0
	}
	return r.String(), e
}

// checkType has the rules that only one family of types has.
func (s *Spec) checkType() *CreateError {
	fail := func(e Errno, msg string) *CreateError { return &CreateError{Errno: e, Msg: msg} }
	switch s.Type {
	case Hash, PerCPUHash, LRUHash, LRUPerCPUHash, HashOfMaps:
		if uint64(s.KeySize)+uint64(s.ValueSize) >= kmallocMax-htabElemSize {
			return fail(E2BIG, "key and value are too large together: the limit is 4 MiB")
		}
		if s.MaxEntries > maxHashed {
			return fail(E2BIG, "max_entries is above 2^27")
		}
	case Array:
		if s.ValueSize > 1<<31-1 {
			return fail(E2BIG, "value_size is above 2 GiB")
		}
	case LPMTrie:
		if s.ValueSize > kmallocMax-260-64 {
			return fail(EINVAL, "value_size is too large: the limit is 4 MiB")
		}
	case Queue, Stack:
		if s.ValueSize > kmallocMax {
			return fail(E2BIG, "value_size is above 4 MiB")
		}
		if s.MaxEntries >= (1<<32-1)/s.ValueSize {
			return fail(E2BIG, "max_entries times value_size is above 4 GiB")
		}
	case BloomFilter:
		if s.ValueSize > kmallocMax {
			return fail(E2BIG, "value_size is above 4 MiB")
		}
		if s.Extra > 15 {
			return fail(EINVAL, "map_extra is the number of hash functions, at most 15")
		}
	case StackTrace:
		if s.Flags&FlagStackBuildID != 0 {
			if s.ValueSize%buildIDSize != 0 || s.ValueSize/buildIDSize > maxStackDepth {
				return fail(EINVAL, "value_size must be a multiple of 32 and at most 127 of them")
			}
		} else if s.ValueSize/8 > maxStackDepth {
			return fail(EINVAL, "value_size is more than 127 addresses of 8 bytes")
		}
		if s.MaxEntries > 1<<31 {
			return fail(E2BIG, "max_entries is above 2^31")
		}
	case CPUMap:
		if s.MaxEntries > maxCPUs {
			return fail(E2BIG, "max_entries is above the number of CPUs a kernel may have")
		}
	case DevmapHash:
		if s.MaxEntries > 1<<31 {
			return fail(EINVAL, "max_entries is above 2^31")
		}
	case Sockmap:
		if s.MaxEntries > 1<<31-1 {
			return fail(EINVAL, "max_entries is above 2^31-1")
		}
	case SockHash:
		if s.KeySize > maxStack {
			return fail(E2BIG, "key_size is above 512, the size of a stack")
		}
		if s.MaxEntries > maxHashed {
			return fail(EINVAL, "max_entries is above 2^27")
		}
	case SkStorage, InodeStorage, TaskStorage, CgrpStorage:
		if s.BTFKey == 0 || s.BTFValue == 0 {
			return fail(EINVAL, s.Type.String()+" needs BTF types for key and value")
		}
	case Arena:
		return s.checkArena()
	}
	if s.Type == ArrayOfMaps || s.Type == HashOfMaps {
		return s.checkInner()
	}
	return nil
}

func (s *Spec) checkArena() *CreateError {
	size := uint64(s.MaxEntries) * pageSize
	switch {
	case s.Extra%pageSize != 0:
		return &CreateError{Errno: EINVAL, Msg: "map_extra is the user address of the arena and must be a whole page"}
	case size > 1<<32:
		return &CreateError{Errno: E2BIG, Msg: "max_entries is above 4 GiB of pages"}
	case s.Extra>>32 != (s.Extra+size-1)>>32:
		return &CreateError{Errno: ERANGE, Msg: "the user address range crosses a 4 GiB border"}
	}
	return nil
}

func (s *Spec) checkInner() *CreateError {
	switch {
	case s.Inner == nil:
		return &CreateError{Errno: EINVAL, Msg: "a map of maps needs an inner map"}
	case s.Inner.Type == ArrayOfMaps || s.Inner.Type == HashOfMaps:
		return &CreateError{Errno: EINVAL, Msg: "the inner map is itself a map of maps"}
	}
	switch s.Inner.Type {
	case ProgArray, CgroupStorage, PerCPUCgroupStorage, StructOps:
		return &CreateError{Errno: ENOTSUPP, Msg: s.Inner.Type.String() + " cannot be an inner map"}
	}
	if err := s.Inner.check(); err != nil {
		err.Msg = "inner map: " + err.Msg
		return err
	}
	return nil
}

func utoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
