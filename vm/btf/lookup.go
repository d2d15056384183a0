package btf

import (
	"iter"
	"math/bits"
	"runtime"
	"strings"
)

// nameIndex is an open-addressing hash table of the ids of all named types of
// one blob, keyed by essential name. Ids are inserted in order, so a probe
// meets equal names in order.
type nameIndex struct {
	slots []ID
	mask  uint32
}

func hashName(s string) uint32 { // FNV-1a
	h := uint32(2166136261)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h ^ h>>15
}

// EssentialName is a type name without its CO-RE flavour: "task_struct" of
// "task_struct___old".
func EssentialName(name string) string {
	// The last ___ with something before and after it; a fourth underscore
	// belongs to neither side, so x____y has no flavour (bpf_core_essential_name_len).
	for i := len(name) - 5; i >= 0; i-- {
		if name[i] != '_' && i+4 < len(name) && name[i+1:i+4] == "___" && name[i+4] != '_' {
			return name[:i+1]
		}
	}
	return name
}

func (s *Spec) buildIndex() {
	n := uint32(1) << bits.Len32(uint32(len(s.offs))*2)
	s.index = nameIndex{slots: make([]ID, n), mask: n - 1}
	for i, off := range s.offs {
		if i%1024 == 0 {
			runtime.Gosched()
		}
		nameOff := u32(s.types, off)
		if nameOff == 0 {
			continue
		}
		name := EssentialName(s.nameAt(nameOff))
		if name == "" {
			continue
		}
		h := hashName(name) & s.index.mask
		for s.index.slots[h] != 0 {
			h = (h + 1) & s.index.mask
		}
		s.index.slots[h] = s.first + ID(i)
	}
}

// byHash yields the types of this blob whose essential name has the hash of
// the given one, and perhaps others.
func (s *Spec) byHash(essential string) iter.Seq[Type] {
	return func(yield func(Type) bool) {
		s.once.Do(s.buildIndex)
		for h := hashName(essential) & s.index.mask; s.index.slots[h] != 0; h = (h + 1) & s.index.mask {
			if !yield(s.Type(s.index.slots[h])) {
				return
			}
		}
	}
}

// Named ranges over the types of that name, of every kind, base first.
func (s *Spec) Named(name string) iter.Seq[Type] {
	return func(yield func(Type) bool) {
		for _, spec := range s.chain() {
			for t := range spec.byHash(EssentialName(name)) {
				if t.Name() == name && !yield(t) {
					return
				}
			}
		}
	}
}

// essentially ranges over the types whose name without flavour is that.
func (s *Spec) essentially(essential string) iter.Seq[Type] {
	return func(yield func(Type) bool) {
		for _, spec := range s.chain() {
			for t := range spec.byHash(essential) {
				name := t.Name()
				if strings.HasPrefix(name, essential) && EssentialName(name) == essential && !yield(t) {
					return
				}
			}
		}
	}
}

// chain is the blobs, base first.
func (s *Spec) chain() (specs []*Spec) {
	if s.base != nil {
		specs = s.base.chain()
	}
	return append(specs, s)
}

// Lookup finds the first type of a name and kind.
func (s *Spec) Lookup(name string, kind Kind) (ID, bool) {
	for t := range s.Named(name) {
		if t.Kind() == kind {
			return t.id, true
		}
	}
	return 0, false
}

// Resolve follows typedefs, const, volatile, restrict and type tags to the
// type behind them (btf_type_skip_modifiers). A chain longer than MaxDepth,
// which only a broken blob has, resolves to void.
func (s *Spec) Resolve(id ID) ID {
	for range MaxDepth {
		t := s.Type(id)
		if !t.Kind().IsModifier() {
			return id
		}
		id = t.Target()
	}
	return 0
}

// SkipQualifiers is Resolve that stops at a typedef.
func (s *Spec) SkipQualifiers(id ID) ID {
	for range MaxDepth {
		t := s.Type(id)
		if !t.Kind().IsModifier() || t.Kind() == KindTypedef {
			return id
		}
		id = t.Target()
	}
	return 0
}

// Size is the number of bytes that a value of the type takes. Void, functions,
// forward declarations and arrays beyond 4 GiB have none.
func (s *Spec) Size(id ID) (uint32, bool) {
	n := uint64(1)
	for range MaxDepth {
		t := s.Type(id)
		switch k := t.Kind(); {
		case kinds[k].sized:
			n *= uint64(t.word)
			return uint32(n), n>>32 == 0
		case k == KindPtr:
			n *= 8
			return uint32(n), n>>32 == 0
		case k == KindArray:
			a := t.Array()
			if n *= uint64(a.Len); n>>32 != 0 {
				return 0, false
			}
			id = a.Elem
		case k.IsModifier() || k == KindVar || k == KindDeclTag:
			id = t.Target()
		default:
			return 0, false
		}
	}
	return 0, false
}
