package btf

import (
	"errors"
	"strconv"
	"strings"
)

// CoreKind is what a CO-RE relocation asks for (enum bpf_core_relo_kind).
type CoreKind uint32

const (
	CoreFieldByteOffset CoreKind = iota
	CoreFieldByteSize
	CoreFieldExists
	CoreFieldSigned
	CoreFieldLshiftU64
	CoreFieldRshiftU64
	CoreTypeIDLocal
	CoreTypeIDTarget
	CoreTypeExists
	CoreTypeSize
	CoreEnumvalExists
	CoreEnumvalValue
	CoreTypeMatches

	numCoreKinds
)

var coreKindNames = [numCoreKinds]string{
	"byte_off", "byte_sz", "field_exists", "signed", "lshift_u64", "rshift_u64",
	"local_type_id", "target_type_id", "type_exists", "type_size",
	"enumval_exists", "enumval_value", "type_matches",
}

// String is libbpf's word for the kind.
func (k CoreKind) String() string {
	if k < numCoreKinds {
		return coreKindNames[k]
	}
	return "unknown"
}

func (k CoreKind) isType() bool {
	switch k {
	case CoreTypeIDLocal, CoreTypeIDTarget, CoreTypeExists, CoreTypeSize, CoreTypeMatches:
		return true
	}
	return false
}

func (k CoreKind) isEnumval() bool { return k == CoreEnumvalExists || k == CoreEnumvalValue }

func (k CoreKind) isField() bool { return k <= CoreFieldRshiftU64 }

// CoreFix is the solution of a relocation: how to change the instruction.
type CoreFix struct {
	Local  uint64 // what clang put into the instruction
	Target uint64 // what belongs there
	Check  bool   // the instruction must hold Local now
	Poison bool   // the target lacks it: the instruction must not be reached

	// A load or store whose field has another size in the target must change
	// its width, which is right for pointers and unsigned integers only.
	LocalSize, TargetSize uint32
	BadSize               bool

	Enum32 bool // both are values of 32-bit enums: only the low half is sure
}

// Limits of the search. A chain of accesses has at most 64 parts
// (BPF_CORE_SPEC_MAX_LEN); the steps of all relocations together, a member or
// value looked at each, are far above what programs need.
const (
	coreMaxParts = 64
	coreSteps    = 1 << 26
)

// Relocator solves CO-RE relocations of one object against one target, by the
// rules of libbpf (tools/lib/bpf/relo_core.c).
type Relocator struct {
	local, target *Spec
	cands         map[ID][]ID
	steps         int
}

// NewRelocator solves relocations of types of local against target: a kernel's
// BTF, or that of a module with the kernel's as its base.
func NewRelocator(local, target *Spec) *Relocator {
	return &Relocator{local: local, target: target, cands: make(map[ID][]ID), steps: coreSteps}
}

// coreError is a relocation that cannot be solved: not one whose answer is no.
func coreError(r *Relocator, relo CoreRelo, msg string) error {
	return errors.New("relocation " + string(r.local.AppendCoreRelo(nil, relo)) + ": " + msg)
}

var (
	errCoreAccess = errors.New("the access string does not fit the type")
	errCoreDeep   = errors.New("types are nested too deeply")
	errCoreSize   = errors.New("a type has no size")
	errCoreArray  = errors.New("cannot be asked of an array element")
	errCoreBits   = errors.New("the bitfield does not fit a 64-bit load")
	errCoreKind   = errors.New("unknown kind of relocation")
)

// accessor is a step of an access that has a name in C: a member, or an
// element (name empty).
type accessor struct {
	typ  ID
	idx  int
	name string
}

// access is a parsed access, into local or target types.
type access struct {
	s    *Spec
	root ID
	acc  []accessor
	raw  []int
	bits uint32 // offset
}

// coreCompat reports whether a relocation may go from one kind to another.
func coreCompat(a, b Kind) bool { return a == b || a.IsEnum() && b.IsEnum() }

// parseAccess resolves the access string of a relocation in the local types.
func (s *Spec) parseAccess(relo CoreRelo) (access, error) {
	a := access{s: s, root: relo.Type}
	if relo.Kind.isType() {
		if relo.Access != "0" {
			return a, errCoreAccess
		}
		return a, nil
	}
	if relo.Access == "" {
		return a, errCoreAccess
	}
	for _, part := range strings.Split(relo.Access, ":") {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil || len(a.raw) == coreMaxParts {
			return a, errCoreAccess
		}
		a.raw = append(a.raw, int(n))
	}
	id := s.Resolve(relo.Type)
	first := accessor{typ: id, idx: a.raw[0]}
	if relo.Kind.isEnumval() {
		t := s.Type(id)
		if !t.Kind().IsEnum() || len(a.raw) > 1 || !t.has(first.idx) {
			return a, errCoreAccess
		}
		first.name = t.Enumerator(first.idx).Name
		a.acc = append(a.acc, first)
		return a, nil
	}
	if !relo.Kind.isField() {
		return a, errCoreKind
	}
	a.acc = append(a.acc, first)
	if err := a.skip(id, first.idx); err != nil {
		return a, err
	}
	for _, idx := range a.raw[1:] {
		id = s.Resolve(id)
		t := s.Type(id)
		switch k := t.Kind(); {
		case k.IsComposite():
			if !t.has(idx) {
				return a, errCoreAccess
			}
			m := t.Member(idx)
			a.bits += m.Offset
			if m.Name != "" {
				a.acc = append(a.acc, accessor{id, idx, m.Name})
			}
			id = m.Type
		case k == KindArray:
			if !a.inArray(t.Array(), idx, a.acc[len(a.acc)-1]) {
				return a, errCoreAccess
			}
			id = s.Resolve(t.Array().Elem)
			a.acc = append(a.acc, accessor{typ: id, idx: idx})
			if err := a.skip(id, idx); err != nil {
				return a, err
			}
		default:
			return a, errCoreAccess
		}
	}
	return a, nil
}

// inArray reports whether element idx exists; in a flexible array at the end
// of a struct each does.
func (a *access) inArray(arr Array, idx int, outer accessor) bool {
	if arr.Len == 0 && outer.name != "" {
		return outer.idx == a.s.Type(outer.typ).Vlen()-1
	}
	return uint64(idx) < uint64(arr.Len)
}

// skip moves the offset over idx elements.
func (a *access) skip(elem ID, idx int) error {
	size, ok := a.s.Size(elem)
	if !ok {
		return errCoreSize
	}
	a.bits += uint32(idx) * size * 8
	return nil
}

// Fix solves one relocation. An error means that the object or the target is
// broken or ambiguous; that the target lacks a field is no error.
func (r *Relocator) Fix(relo CoreRelo) (CoreFix, error) {
	local, err := r.local.parseAccess(relo)
	if err != nil {
		return CoreFix{}, coreError(r, relo, err.Error())
	}
	if relo.Kind == CoreTypeIDLocal {
		return CoreFix{Local: uint64(relo.Type), Target: uint64(relo.Type)}, nil
	}
	name := r.local.Name(relo.Type)
	if name == "" {
		return CoreFix{}, coreError(r, relo, "types without a name cannot be found in the target")
	}
	var fix CoreFix
	var best access
	var matching []ID
	for _, id := range r.candidates(relo.Type, name) {
		if r.steps--; r.steps < 0 {
			return CoreFix{}, coreError(r, relo, errCoreDeep.Error())
		}
		target, ok, err := r.match(relo.Kind, &local, id)
		if err != nil {
			return CoreFix{}, coreError(r, relo, err.Error())
		}
		if !ok {
			continue
		}
		f, err := solve(relo, &local, &target)
		if err != nil {
			return CoreFix{}, coreError(r, relo, err.Error())
		}
		switch {
		case len(matching) == 0:
			fix, best = f, target
		case best.bits != target.bits || fix.Poison != f.Poison || fix.Target != f.Target:
			return CoreFix{}, coreError(r, relo, "types "+dec(uint32(best.root))+" and "+dec(uint32(id))+
				" of the target both match and give different answers")
		}
		matching = append(matching, id)
	}
	if len(matching) == 0 {
		f, err := solve(relo, &local, nil)
		if err != nil {
			return CoreFix{}, coreError(r, relo, err.Error())
		}
		return f, nil
	}
	// What one relocation of a type ruled out is ruled out for the next.
	r.cands[relo.Type] = matching
	return fix, nil
}

// candidates are the types of the target with the local type's name, flavours
// aside. Types of a module are looked at when the kernel has none.
func (r *Relocator) candidates(local ID, name string) []ID {
	if ids, ok := r.cands[local]; ok {
		return ids
	}
	var ids []ID
	kind := r.local.Kind(local)
	essential := EssentialName(name)
	for t := range r.target.essentially(essential) {
		if !coreCompat(kind, t.Kind()) {
			continue
		}
		if len(ids) > 0 && t.s != r.target.Type(ids[0]).s {
			break
		}
		ids = append(ids, t.id)
	}
	r.cands[local] = ids
	return ids
}

// AppendCoreRelo writes a relocation in libbpf's words:
// "<byte_off> [12] struct task_struct.pid (0:58 @ offset 2456)".
func (s *Spec) AppendCoreRelo(dst []byte, relo CoreRelo) []byte {
	t := s.Type(relo.Type)
	name := t.Name()
	if name == "" {
		name = "<anon>"
	}
	dst = append(append(dst, '<'), relo.Kind.String()...)
	dst = append(dst, "> ["...)
	dst = strconv.AppendUint(dst, uint64(relo.Type), 10)
	dst = append(append(append(append(dst, "] "...), t.Kind().String()...), ' '), name...)
	a, err := s.parseAccess(relo)
	if err != nil {
		return append(append(append(dst, " ("...), relo.Access...), ')')
	}
	switch {
	case relo.Kind.isEnumval():
		et := s.Type(a.acc[0].typ)
		e := et.Enumerator(a.acc[0].idx)
		dst = append(append(append(dst, "::"...), e.Name...), " = "...)
		if et.KindFlag() {
			return strconv.AppendInt(dst, int64(e.Value), 10)
		}
		return strconv.AppendUint(dst, e.Value, 10)
	case relo.Kind.isField():
		for i, acc := range a.acc {
			if acc.name != "" {
				dst = append(append(dst, '.'), acc.name...)
			} else if i > 0 || acc.idx > 0 {
				dst = append(dst, '[')
				dst = strconv.AppendInt(dst, int64(acc.idx), 10)
				dst = append(dst, ']')
			}
		}
		dst = append(append(append(dst, " ("...), relo.Access...), " @ offset "...)
		dst = strconv.AppendUint(dst, uint64(a.bits/8), 10)
		if a.bits%8 != 0 {
			dst = append(dst, '.')
			dst = strconv.AppendUint(dst, uint64(a.bits%8), 10)
		}
		dst = append(dst, ')')
	}
	return dst
}
