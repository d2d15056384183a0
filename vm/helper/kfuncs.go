package helper

import "skep/vm/hook"

// kfuncBase is where the numbers of kfuncs begin, so that a Call and Run take
// both: a kfunc's number is this plus its place in the table.
const kfuncBase = 1 << 16

// KfuncID is the number of a kfunc for Call.ID, 0 when 6.12 has none of that
// name. It is ours: BTF ids differ from kernel to kernel.
func KfuncID(name string) int {
	k := KfuncByName(name)
	if k == nil {
		return 0
	}
	for i := range kfuncTable {
		if &kfuncTable[i] == k {
			return kfuncBase + i
		}
	}
	return 0
}

// Name of a helper or kfunc by its Call.ID.
func Name(id int) string {
	if p := Lookup(id); p != nil {
		return p.Name
	}
	if i := id - kfuncBase; i >= 0 && i < len(kfuncTable) {
		return kfuncTable[i].Name
	}
	return ""
}

// kfuncOf is what the kfunc with that number does, nil when it is not
// simulated.
func kfuncOf(id int) Func {
	if i := id - kfuncBase; i < 0 || i >= len(kfuncTable) {
		return nil
	}
	switch kfuncTable[id-kfuncBase].Name {
	case "bpf_iter_num_new":
		return iterNumNew
	case "bpf_iter_num_next":
		return iterNumNext
	case "bpf_iter_num_destroy", "bpf_iter_bits_destroy":
		return iterDestroy
	case "bpf_iter_bits_new":
		return iterBitsNew
	case "bpf_iter_bits_next":
		return iterBitsNext
	case "bpf_rcu_read_lock", "bpf_rcu_read_unlock", "bpf_preempt_disable", "bpf_preempt_enable",
		"bpf_obj_drop_impl", "bpf_percpu_obj_drop_impl", "bpf_task_release", "bpf_cgroup_release",
		"bpf_cpumask_release", "bpf_put_file", "bpf_key_put":
		return nothing
	case "bpf_cast_to_kern_ctx", "bpf_rdonly_cast", "bpf_refcount_acquire_impl", "bpf_task_acquire",
		"bpf_cgroup_acquire", "bpf_cpumask_acquire":
		return itself
	case "bpf_dynptr_from_skb":
		return dynptrFromSkb
	case "bpf_dynptr_from_xdp":
		return dynptrFromXDP
	case "bpf_dynptr_slice":
		return dynptrSlice
	case "bpf_dynptr_slice_rdwr":
		return dynptrSliceRdwr
	case "bpf_dynptr_adjust":
		return dynptrAdjust
	case "bpf_dynptr_is_null":
		return dynptrIsNull
	case "bpf_dynptr_is_rdonly":
		return dynptrIsRdonly
	case "bpf_dynptr_size":
		return dynptrSize
	case "bpf_dynptr_clone":
		return dynptrClone
	case "bpf_obj_new_impl", "bpf_percpu_obj_new_impl":
		return objNew
	case "bpf_list_push_front_impl":
		return listPushFront
	case "bpf_list_push_back_impl":
		return listPushBack
	case "bpf_list_pop_front":
		return listPopFront
	case "bpf_list_pop_back":
		return listPopBack
	case "bpf_rbtree_add_impl":
		return rbtreeAdd
	case "bpf_rbtree_first":
		return rbtreeFirst
	case "bpf_rbtree_remove":
		return rbtreeRemove
	case "bpf_arena_alloc_pages":
		return arenaAllocPages
	case "bpf_arena_free_pages":
		return arenaFreePages
	case "bpf_wq_init":
		return wqInit
	case "bpf_wq_set_callback_impl":
		return wqSetCallback
	case "bpf_wq_start":
		return wqStart
	case "bpf_throw":
		return throw
	case "bpf_task_from_pid":
		return taskFromPid
	case "bpf_cgroup_from_id":
		return cgroupFromID
	case "bpf_cgroup_ancestor":
		return cgroupAncestor
	case "bpf_map_sum_elem_count":
		return mapSumElemCount
	case "bpf_copy_from_user_str":
		return copyFromUserStr
	case "bpf_xdp_metadata_rx_timestamp", "bpf_xdp_metadata_rx_hash", "bpf_xdp_metadata_rx_vlan_tag":
		return noMetadata
	}
	return cpumaskFunc(kfuncTable[id-kfuncBase].Name)
}

// nothing is for what has no effect here: there is one run at a time, and
// memory is not given back.
func nothing(e Env, c *Call) { c.set(0) }

// itself gives its first argument back: casts, and references, which are not
// counted.
func itself(e Env, c *Call) {
	c.R0 = c.Args[0]
}

// Thrower is an Env that can end the program at once.
type Thrower interface {
	// Throw leaves all frames; the program returns cookie.
	Throw(cookie uint64)
}

func throw(e Env, c *Call) {
	t, ok := e.(Thrower)
	if !ok {
		panic(stop{NotSimulated(c.ID)})
	}
	t.Throw(c.Args[0])
}

// noMetadata is a device without hints.
func noMetadata(e Env, c *Call) { c.set(eopnotsupp) }

func mapSumElemCount(e Env, c *Call) {
	m := mapArg(e, c)
	n, pos := uint64(0), uint64(0)
	for {
		_, _, next, ok := m.Each(pos, 0)
		if !ok {
			c.R0 = n
			return
		}
		n, pos = n+1, next
	}
}

// copyFromUserStr: (dst, dst_size, unsafe_ptr, flags). Flag 1 fills the rest
// with zeroes.
func copyFromUserStr(e Env, c *Call) {
	const padZeros = 1
	if c.Args[3]&^padZeros != 0 {
		c.set(einval)
		return
	}
	if c.Args[3]&padZeros != 0 && c.size(2) > 0 {
		write(e, c.Args[0], make([]byte, min(c.size(2), 1<<24)))
	}
	probeStr(e, c, User)
}

func taskFromPid(e Env, c *Call) {
	c.R0 = 0
	if t := &e.World().Task; t.PID != 0 && c.u32(1) == t.PID {
		c.R0 = taskPtr(e)
	}
}

// Cgroups are objects whose index is their place in World.Cgroups.
const cgroupSize = 64

func cgroupFromID(e Env, c *Call) {
	c.R0 = 0
	for i, id := range e.World().Cgroups {
		if id == c.Args[0] {
			c.R0 = e.Object(ObjectCgroup, uint32(i), cgroupSize)
		}
	}
}

func cgroupAncestor(e Env, c *Call) {
	level := int32(c.u32(2))
	c.R0 = 0
	for i := range e.World().Cgroups {
		if e.Object(ObjectCgroup, uint32(i), cgroupSize) == c.Args[0] && level >= 0 && int(level) <= i {
			c.R0 = e.Object(ObjectCgroup, uint32(level), cgroupSize)
		}
	}
}

// Dynptrs over the packet.

func dynptrFromSkb(e Env, c *Call) { dynptrFromPacket(e, c, dynptrSkb) }

func dynptrFromXDP(e Env, c *Call) { dynptrFromPacket(e, c, dynptrXDP) }

func dynptrFromPacket(e Env, c *Call, kind uint8) {
	d, ret := dynptr{}, int64(einval)
	if c.Args[1] == 0 {
		p := packetOf(e)
		typ, _, _ := e.Context()
		d, ret = dynptr{data: c.Args[0], size: uint32(p.Len()), kind: kind, rdonly: !mayWritePacket(typ)}, 0
	}
	c.set(ret)
	writeDynptr(e, c.Args[2], d)
}

// mayWritePacket is may_access_direct_pkt_data for stores.
func mayWritePacket(t hook.ProgType) bool {
	switch t {
	case hook.SchedCls, hook.SchedAct, hook.XDP, hook.LwtXmit, hook.SkSkb, hook.SkMsg, hook.CgroupSockopt:
		return true
	}
	return false
}

func dynptrSlice(e Env, c *Call) { slice(e, c, false) }

func dynptrSliceRdwr(e Env, c *Call) { slice(e, c, true) }

// slice: (dynptr, offset, buffer, size). All packets are linear, so a slice
// is always the memory itself and the buffer not needed.
func slice(e Env, c *Call, write bool) {
	d := readDynptr(e, c.Args[0])
	c.R0 = 0
	if d.data == 0 || write && d.rdonly || !d.inside(c.u32(2), c.u32(4)) {
		return
	}
	at := d.data
	if d.kind == dynptrSkb || d.kind == dynptrXDP {
		p := packetOf(e)
		at = p.Data
	}
	c.R0 = at + uint64(d.offset) + uint64(c.u32(2))
}

// dynptrAdjust: (dynptr, start, end).
func dynptrAdjust(e Env, c *Call) {
	d := readDynptr(e, c.Args[0])
	start, end := c.u32(2), c.u32(3)
	switch {
	case d.data == 0 || start > end:
		c.set(einval)
		return
	case start > d.size || end > d.size:
		c.set(erange)
		return
	}
	d.offset, d.size = d.offset+start, end-start
	c.set(0)
	writeDynptr(e, c.Args[0], d)
}

func dynptrIsNull(e Env, c *Call) {
	d := readDynptr(e, c.Args[0])
	c.R0 = flag(d.data == 0)
}

func dynptrIsRdonly(e Env, c *Call) {
	d := readDynptr(e, c.Args[0])
	c.R0 = flag(d.data != 0 && d.rdonly)
}

func dynptrSize(e Env, c *Call) {
	d := readDynptr(e, c.Args[0])
	c.set(int64(d.size))
	if d.data == 0 {
		c.R0 = uint64(uint32(1<<32 - 22)) // -EINVAL as a __u32
	}
}

// dynptrClone: (dynptr, clone).
func dynptrClone(e Env, c *Call) {
	d := readDynptr(e, c.Args[0])
	c.set(0)
	if d.data == 0 {
		c.set(einval)
	}
	writeDynptr(e, c.Args[1], d)
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
