package verifier

// processSpinLock is process_spin_lock.
func (e *env) processSpinLock(regno int, lock bool) errno {
	r := &e.regs()[regno]
	if !r.VarOff.IsConst() {
		e.logf("R%d doesn't have constant offset. bpf_spin_lock has to be at the constant offset\n", regno)
		return einval
	}
	what, name := "local", "kptr"
	if r.Type == PtrToMapValue {
		m := e.mapOf(r.mapHandle())
		what, name = "map", m.Name
		if m.BTF == nil {
			e.logf("map '%s' has to have BTF in order to use bpf_spin_lock\n", m.Name)
			return einval
		}
	}
	at, ok := e.record(r).offsetOf(fieldSpinLock)
	if !ok {
		e.logf("%s '%s' has no valid bpf_spin_lock\n", what, name)
		return einval
	}
	if off := int64(r.VarOff.Value) + int64(r.Off); int64(at) != off {
		e.logf("off %lld doesn't point to 'struct bpf_spin_lock' that is at %d\n", off, at)
		return einval
	}
	st := e.cur
	if lock {
		if st.lockMap != 0 {
			e.logs("Locking two bpf_spin_locks are not allowed\n")
			return einval
		}
		st.lockMap, st.lockID = lockOf(r), r.ID
		return 0
	}
	if st.lockMap == 0 {
		e.logs("bpf_spin_unlock without taking a lock\n")
		return einval
	}
	if st.lockMap != lockOf(r) || st.lockID != r.ID {
		e.logs("bpf_spin_unlock of different lock\n")
		return einval
	}
	e.forgetNonOwning()
	st.lockMap, st.lockID = 0, 0
	return 0
}

// processTimer is process_timer_func.
func (e *env) processTimer(regno int, m *callMeta) errno {
	r := &e.regs()[regno]
	if !r.VarOff.IsConst() {
		e.logf("R%d doesn't have constant offset. bpf_timer has to be at the constant offset\n", regno)
		return einval
	}
	mp := e.mapOf(r.mapHandle())
	if mp.BTF == nil {
		e.logf("map '%s' has to have BTF in order to use bpf_timer\n", mp.Name)
		return einval
	}
	at, ok := mp.rec.offsetOf(fieldTimer)
	if !ok {
		e.logf("map '%s' has no valid bpf_timer\n", mp.Name)
		return einval
	}
	if off := int64(r.VarOff.Value) + int64(r.Off); int64(at) != off {
		e.logf("off %lld doesn't point to 'struct bpf_timer' that is at %d\n", off, at)
		return einval
	}
	if m.mapHandle != 0 {
		e.logs("verifier bug. Two map pointers in a timer helper\n")
		return efault
	}
	m.mapHandle, m.mapUID = r.mapHandle(), r.mapUID()
	return 0
}
