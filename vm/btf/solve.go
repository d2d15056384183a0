package btf

// solve computes the values of a relocation, of the local and of the target
// type. A nil target is one that does not exist.
func solve(relo CoreRelo, local, target *access) (fix CoreFix, err error) {
	fix.Check = true
	switch k := relo.Kind; {
	case k.isField():
		return solveField(k, local, target)
	case k.isType():
		if fix.Local, err = typeValue(k, local); err != nil {
			return fix, err
		}
		fix.Check = k != CoreTypeIDTarget
		if target != nil {
			fix.Target, err = typeValue(k, target)
		}
		return fix, err
	case k == CoreEnumvalExists:
		fix.Local = 1
		if target != nil {
			fix.Target = 1
		}
	case k == CoreEnumvalValue:
		if target == nil {
			fix.Poison = true
			return fix, nil
		}
		fix.Local, fix.Target = enumValue(local), enumValue(target)
		fix.Enum32 = local.s.Kind(local.acc[0].typ) == KindEnum && target.s.Kind(target.acc[0].typ) == KindEnum
	default:
		return fix, errCoreKind
	}
	return fix, nil
}

func enumValue(a *access) uint64 {
	return a.s.Type(a.acc[0].typ).Enumerator(a.acc[0].idx).Value
}

func typeValue(k CoreKind, a *access) (uint64, error) {
	switch k {
	case CoreTypeIDTarget:
		return uint64(a.root), nil
	case CoreTypeSize:
		size, ok := a.s.Size(a.root)
		if !ok {
			return 0, errCoreSize
		}
		return uint64(size), nil
	}
	return 1, nil
}

// fieldValue is the answer for one side.
type fieldValue struct {
	val   uint64
	size  uint32 // bytes of the field, for the width of a load; 0 when open
	typ   ID
	exact bool // clang and libbpf agree on it
}

func solveField(k CoreKind, local, target *access) (fix CoreFix, err error) {
	l, err := field(k, local)
	if err != nil {
		return fix, err
	}
	fix.Check, fix.Local, fix.LocalSize = l.exact, l.val, l.size
	if target == nil {
		fix.Poison = k != CoreFieldExists
		return fix, nil
	}
	t, err := field(k, target)
	if err != nil {
		return fix, err
	}
	fix.Target, fix.TargetSize = t.val, t.size
	if fix.LocalSize != fix.TargetSize {
		a, b := local.s.Type(l.typ), target.s.Type(t.typ)
		switch {
		case a.Kind() == KindPtr && b.Kind() == KindPtr:
		case a.Kind() == KindInt && b.Kind() == KindInt &&
			a.Int().Encoding != IntSigned && b.Int().Encoding != IntSigned:
		default:
			fix.BadSize = true
		}
	}
	return fix, nil
}

// field answers a question about the field at the end of an access.
func field(k CoreKind, a *access) (fieldValue, error) {
	v := fieldValue{exact: true}
	if k == CoreFieldExists {
		v.val = 1
		return v, nil
	}
	last := a.acc[len(a.acc)-1]
	if last.name == "" { // an array element
		size, ok := a.s.Size(last.typ)
		switch {
		case !ok:
			return v, errCoreSize
		case k == CoreFieldByteOffset:
			v.val, v.size, v.typ = uint64(a.bits/8), size, last.typ
		case k == CoreFieldByteSize:
			v.val = uint64(size)
		default:
			return v, errCoreArray
		}
		return v, nil
	}
	m := a.s.Type(last.typ).Member(last.idx)
	id := a.s.Resolve(m.Type)
	size, ok := a.s.Size(id)
	if !ok {
		return v, errCoreSize
	}
	off, width := a.bits/8, size*8
	if m.Bits != 0 {
		// The smallest aligned load that holds all bits of the field.
		v.exact, width = false, m.Bits
		if size == 0 {
			return v, errCoreSize
		}
		off = a.bits / 8 / size * size
		for a.bits+width-off*8 > size*8 {
			if size >= 8 {
				return v, errCoreBits
			}
			size *= 2
			off = a.bits / 8 / size * size
		}
	}
	switch k {
	case CoreFieldByteOffset:
		v.val = uint64(off)
		if m.Bits == 0 {
			v.size, v.typ = size, id
		}
	case CoreFieldByteSize:
		v.val = uint64(size)
	case CoreFieldSigned:
		v.exact = true
		if a.s.Type(id).Signed() {
			v.val = 1
		}
	case CoreFieldLshiftU64:
		v.val = uint64(uint32(64 - (a.bits + width - off*8)))
	case CoreFieldRshiftU64:
		v.val, v.exact = uint64(uint32(64-width)), true
	}
	return v, nil
}
