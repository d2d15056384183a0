package verifier

import (
	"skep/vm/btf"
	"skep/vm/helper"
)

const esrch errno = 3

// trustedArg is a parameter of a function that is tagged as a trusted pointer:
// the kernel's struct of the same name (btf_get_ptr_to_btf_id).
func (e *env) trustedArg(a *subprogArg, spec *btf.Spec, to btf.Type, i int, nullable bool) errno {
	k := e.kbtf()
	if k == nil {
		return e.notModelled("trusted pointer without kernel BTF")
	}
	name := btf.EssentialName(to.Name())
	n := 0
	id := btf.ID(0)
	for _, full := range [...]string{name, name + "___init"} {
		for t := range k.Named(full) {
			if t.Kind() == to.Kind() {
				id = t.ID()
				n++
			}
		}
	}
	if n == 0 && k.Len() < wholeBTF {
		return e.notModelled("trusted pointer to struct " + name)
	}
	if n != 1 {
		word, err := "has no matches", enoent
		if n > 1 {
			word, err = "is ambiguous", esrch
		}
		e.logf("arg#%d reference type('%s %s') %s\n", i, kindWord(to.Kind()), to.Name(), word)
		return err
	}
	a.kind = helper.ArgPtrToBTFID | helper.ArgKind(helper.PtrTrusted)
	if nullable {
		a.kind |= helper.ArgKind(helper.PtrMaybeNull)
	}
	a.btfID = uint32(id)
	return 0
}

// matchTrustedArg checks what a caller passes for such a parameter.
func (e *env) matchTrustedArg(a *subprogArg, r *RegState, regno int) errno {
	if r.isNull() && a.kind.Flags()&helper.PtrMaybeNull != 0 {
		return 0
	}
	m := callMeta{needID: a.btfID}
	if err := e.checkRegType(regno, a.kind, &m); err != 0 {
		return err
	}
	return e.checkArgOff(r, regno, a.kind)
}

// enterTrustedArg makes r what the function may rely on.
func (e *env) enterTrustedArg(a *subprogArg, r *RegState) {
	r.Type = PtrToBTFID | PtrTrusted
	if a.kind.Flags()&helper.PtrMaybeNull != 0 {
		r.Type |= PtrMaybeNull
	}
	r.setKnown(0)
	r.setBTF(btfKernel, a.btfID)
	r.ID = e.newID()
}
