package verifier

import "skep/vm/helper"

// kfuncFlags are the KF_ flags of include/linux/btf.h.
type kfuncFlags = helper.KfuncFlags

const (
	kfAcquire      = helper.KfuncAcquire
	kfRelease      = helper.KfuncRelease
	kfRetNull      = helper.KfuncRetNull
	kfTrustedArgs  = helper.KfuncTrustedArgs
	kfSleepable    = helper.KfuncSleepable
	kfDestructive  = helper.KfuncDestructive
	kfRCU          = helper.KfuncRCU
	kfIterNew      = helper.KfuncIterNew
	kfIterNext     = helper.KfuncIterNext
	kfIterDestroy  = helper.KfuncIterDestroy
	kfRCUProtected = helper.KfuncRCUProtected
)

// kfuncRow is what BTF does not say of a kernel function.
type kfuncRow struct {
	name   string
	flags  kfuncFlags
	hooks  helper.KfuncHooks
	filter bool // a set of it has a filter, see kfuncFilter
}

// findKfunc is the row of a kernel function, nil when programs may call none
// of that name.
func findKfunc(name string) *kfuncRow {
	k := helper.KfuncByName(name)
	if k == nil || k.Flags.Has(helper.KfuncModule) {
		return nil
	}
	return &kfuncRow{name: k.Name, flags: k.Flags, hooks: k.Hooks, filter: k.Flags.Has(helper.KfuncFilter)}
}
