package btf

// match tries one candidate of the target: whether it has what the local
// access names, and where.
func (r *Relocator) match(k CoreKind, local *access, id ID) (access, bool, error) {
	a := access{s: r.target, root: id}
	switch {
	case k == CoreTypeMatches:
		ok, err := r.typesMatch(local.root, id, false, MaxDepth)
		return a, ok, err
	case k.isType():
		ok, err := r.typesCompat(local.root, id, MaxDepth)
		return a, ok, err
	case k.isEnumval():
		et := r.target.Type(r.target.Resolve(id))
		if !et.Kind().IsEnum() {
			return a, false, nil
		}
		want := EssentialName(local.acc[0].name)
		for i := range et.Vlen() {
			if r.steps--; r.steps < 0 {
				return a, false, errCoreDeep
			}
			if e := et.Enumerator(i); EssentialName(e.Name) == want {
				a.acc = append(a.acc, accessor{et.id, i, e.Name})
				a.raw = append(a.raw, i)
				return a, true, nil
			}
		}
		return a, false, nil
	}
	for i, acc := range local.acc {
		id = r.target.Resolve(id)
		if acc.name != "" {
			found, err := r.matchMember(acc, &a, &id)
			if err != nil || !found {
				return a, false, err
			}
			continue
		}
		// The first index counts whole objects of the root type.
		if i > 0 {
			t := r.target.Type(id)
			if t.Kind() != KindArray || !a.inArray(t.Array(), acc.idx, a.acc[len(a.acc)-1]) {
				return a, false, nil
			}
			id = r.target.Resolve(t.Array().Elem)
		}
		if len(a.raw) == coreMaxParts {
			return a, false, errCoreDeep
		}
		a.acc = append(a.acc, accessor{typ: id, idx: acc.idx})
		a.raw = append(a.raw, acc.idx)
		if err := a.skip(id, acc.idx); err != nil {
			return a, false, err
		}
	}
	return a, true, nil
}

// matchMember finds a local member by name in the struct *id of the target, in
// its anonymous members too, and moves *id to the member's type.
func (r *Relocator) matchMember(local accessor, a *access, id *ID) (bool, error) {
	t := r.target.Type(r.target.Resolve(*id))
	if !t.Kind().IsComposite() {
		return false, nil
	}
	lm := r.local.Type(local.typ).Member(local.idx)
	for i := range t.Vlen() {
		if r.steps--; r.steps < 0 || len(a.raw) == coreMaxParts {
			return false, errCoreDeep
		}
		m := t.Member(i)
		a.bits += m.Offset
		a.raw = append(a.raw, i)
		switch m.Name {
		case "":
			inner := m.Type
			found, err := r.matchMember(local, a, &inner)
			if found || err != nil {
				*id = inner
				return found, err
			}
		case lm.Name:
			a.acc = append(a.acc, accessor{t.id, i, m.Name})
			*id = m.Type
			return r.fieldsCompat(lm.Type, m.Type)
		}
		a.bits -= m.Offset
		a.raw = a.raw[:len(a.raw)-1]
	}
	return false, nil
}

// fieldsCompat reports whether a field of one type may stand for one of the
// other: any struct or union for any other, integers of every size, enums of
// the same name.
func (r *Relocator) fieldsCompat(local, target ID) (bool, error) {
	for range MaxDepth {
		l, t := r.local.Type(r.local.Resolve(local)), r.target.Type(r.target.Resolve(target))
		if l.Kind().IsComposite() && t.Kind().IsComposite() {
			return true, nil
		}
		if !coreCompat(l.Kind(), t.Kind()) {
			return false, nil
		}
		switch l.Kind() {
		case KindPtr, KindFloat:
			return true, nil
		case KindFwd, KindEnum, KindEnum64:
			ln, tn := EssentialName(l.Name()), EssentialName(t.Name())
			return ln == "" || tn == "" || ln == tn, nil
		case KindInt:
			return l.Int().Offset == 0 && t.Int().Offset == 0, nil
		case KindArray:
			local, target = l.Array().Elem, t.Array().Elem
			continue
		}
		return false, nil
	}
	return false, errCoreDeep
}

// typesCompat is the test of bpf_core_type_exists and _size: the same kind of
// type, looking through pointers, arrays and prototypes but not into structs.
func (r *Relocator) typesCompat(local, target ID, level int) (bool, error) {
	if !coreCompat(r.local.Kind(local), r.target.Kind(target)) {
		return false, nil
	}
	for range MaxDepth {
		if r.steps--; r.steps < 0 {
			return false, errCoreDeep
		}
		l, t := r.local.Type(r.local.Resolve(local)), r.target.Type(r.target.Resolve(target))
		if !coreCompat(l.Kind(), t.Kind()) {
			return false, nil
		}
		switch l.Kind() {
		case KindVoid, KindStruct, KindUnion, KindEnum, KindEnum64, KindFwd:
			return true, nil
		case KindInt:
			return l.Int().Offset == 0 && t.Int().Offset == 0, nil
		case KindPtr:
			local, target = l.Target(), t.Target()
		case KindArray:
			local, target = l.Array().Elem, t.Array().Elem
		case KindFuncProto:
			if l.Vlen() != t.Vlen() {
				return false, nil
			}
			for i := range l.Vlen() {
				if level <= 0 {
					return false, errCoreDeep
				}
				lp, tp := r.local.Resolve(l.Param(i).Type), r.target.Resolve(t.Param(i).Type)
				if ok, err := r.typesCompat(lp, tp, level-1); !ok || err != nil {
					return false, err
				}
			}
			local, target = l.Target(), t.Target()
		default:
			return false, nil
		}
	}
	return false, errCoreDeep
}

// namesMatch compares without flavours; an unnamed target has no name to match.
func namesMatch(local, target string) bool { return EssentialName(local) == EssentialName(target) }

// typesMatch is the test of bpf_core_type_matches: names and members too, but
// behind a pointer the names only.
func (r *Relocator) typesMatch(local, target ID, behindPtr bool, level int) (bool, error) {
	if level <= 0 {
		return false, errCoreDeep
	}
	for range MaxDepth {
		if r.steps--; r.steps < 0 {
			return false, errCoreDeep
		}
		l, t := r.local.Type(r.local.Resolve(local)), r.target.Type(r.target.Resolve(target))
		if !namesMatch(l.Name(), t.Name()) {
			return false, nil
		}
		lk, tk := l.Kind(), t.Kind()
		switch lk {
		case KindVoid:
			return lk == tk, nil
		case KindFwd:
			if behindPtr && tk.IsComposite() {
				return (tk == KindUnion) == l.KindFlag(), nil
			}
			return lk == tk && l.KindFlag() == t.KindFlag(), nil
		case KindEnum, KindEnum64:
			if !tk.IsEnum() {
				return false, nil
			}
			return r.enumsMatch(l, t)
		case KindStruct, KindUnion:
			if behindPtr {
				return lk == tk || tk == KindFwd && (lk == KindUnion) == t.KindFlag(), nil
			}
			if lk != tk {
				return false, nil
			}
			return r.membersMatch(l, t, level)
		case KindInt:
			return lk == tk && l.Size() == t.Size() && l.Signed() == t.Signed(), nil
		case KindPtr:
			if lk != tk {
				return false, nil
			}
			behindPtr = true
			local, target = l.Target(), t.Target()
		case KindArray:
			if lk != tk || l.Array().Len != t.Array().Len {
				return false, nil
			}
			local, target = l.Array().Elem, t.Array().Elem
		case KindFuncProto:
			if lk != tk || l.Vlen() != t.Vlen() {
				return false, nil
			}
			for i := range l.Vlen() {
				if ok, err := r.typesMatch(l.Param(i).Type, t.Param(i).Type, behindPtr, level-1); !ok || err != nil {
					return false, err
				}
			}
			local, target = l.Target(), t.Target()
		default:
			return false, nil
		}
	}
	return false, errCoreDeep
}

func (r *Relocator) enumsMatch(l, t Type) (bool, error) {
	if l.Size() != t.Size() || l.Vlen() > t.Vlen() {
		return false, nil
	}
next:
	for i := range l.Vlen() {
		for j := range t.Vlen() {
			if r.steps--; r.steps < 0 {
				return false, errCoreDeep
			}
			if namesMatch(l.Enumerator(i).Name, t.Enumerator(j).Name) {
				continue next
			}
		}
		return false, nil
	}
	return true, nil
}

func (r *Relocator) membersMatch(l, t Type, level int) (bool, error) {
	if l.Vlen() > t.Vlen() {
		return false, nil
	}
next:
	for i := range l.Vlen() {
		lm := l.Member(i)
		for j := range t.Vlen() {
			if r.steps--; r.steps < 0 {
				return false, errCoreDeep
			}
			tm := t.Member(j)
			if !namesMatch(lm.Name, tm.Name) {
				continue
			}
			ok, err := r.typesMatch(lm.Type, tm.Type, false, level-1)
			if err != nil {
				return false, err
			}
			if ok {
				continue next
			}
		}
		return false, nil
	}
	return true, nil
}

// TypesCompatible reports whether a local type may stand for a target's, as
// loaders ask for variables and functions of the kernel (bpf_core_types_are_compat).
func (r *Relocator) TypesCompatible(local, target ID) bool {
	ok, err := r.typesCompat(local, target, MaxDepth)
	return ok && err == nil
}
