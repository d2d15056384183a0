package helper

func getCurrentPidTgid(e Env, c *Call) {
	t := &e.World().Task
	c.R0 = uint64(t.TGID)<<32 | uint64(t.PID)
}

func getCurrentUidGid(e Env, c *Call) {
	t := &e.World().Task
	c.R0 = uint64(t.GID)<<32 | uint64(t.UID)
}

// getCurrentComm fills the whole buffer: the name, cut to fit, and zeroes.
func getCurrentComm(e Env, c *Call) {
	b := make([]byte, min(c.u32(2), 1<<20))
	if len(b) > 0 {
		name := e.World().Task.Comm
		copy(b[:len(b)-1], name[:min(len(name), 15)])
	}
	write(e, c.Args[0], b)
	c.set(0)
}

// getNsCurrentPidTgid fills a struct bpf_pidns_info for the namespace with
// that device and inode, and only for the task's own.
func getNsCurrentPidTgid(e Env, c *Call) {
	t := &e.World().Task
	var b [8]byte
	ret := int64(0)
	switch {
	case c.u32(4) != 8 || c.Args[0] != t.NSDev || c.Args[1] != t.NSIno:
		ret = einval
	case t.PID == 0 && t.TGID == 0:
		ret = enoent
	default:
		le.PutUint32(b[0:], t.NSPID)
		le.PutUint32(b[4:], t.NSTGID)
	}
	n := int(min(c.u32(4), 1<<20))
	if ret != 0 {
		write(e, c.Args[2], make([]byte, n))
		c.set(ret)
		return
	}
	write(e, c.Args[2], b[:])
	c.set(0)
}

// taskSize is the memory of the simulated task_struct, which holds nothing.
const taskSize = 64

// taskPtr is the address of the current task.
func taskPtr(e Env) uint64 {
	if at := e.World().Task.Addr; at != 0 {
		return at
	}
	return e.Object(ObjectTask, 0, taskSize)
}

func getCurrentTask(e Env, c *Call) {
	c.R0 = taskPtr(e)
}

func taskPtRegs(e Env, c *Call) {
	c.R0 = e.Object(ObjectRegs, 0, 168)
}

// sendSignal records the signal; zero, as kill(2), only checks.
func sendSignal(e Env, c *Call) {
	sig := c.u32(1)
	switch {
	case e.World().Task.TGID <= 1:
		c.set(eperm) // the idle task, kernel threads and init
		return
	case sig > 64:
		c.set(einval)
		return
	case sig == 0:
		c.set(0)
		return
	}
	e.Emit(Event{Kind: EventSignal, ID: uint32(c.ID), Index: uint64(sig)})
	c.set(0)
}

// Cgroups. World.Cgroups lists ids from the root down; the last is the
// task's own.

func cgroupID(path []uint64) uint64 {
	if len(path) == 0 {
		return 0
	}
	return path[len(path)-1]
}

// ancestor is the id at a level of the path, 0 when it is not that deep.
func ancestor(path []uint64, level int32) uint64 {
	if level < 0 || int(level) >= len(path) {
		return 0
	}
	return path[level]
}

func getCurrentCgroupID(e Env, c *Call) {
	c.R0 = cgroupID(e.World().Cgroups)
}

func getCurrentAncestorCgroupID(e Env, c *Call) {
	c.R0 = ancestor(e.World().Cgroups, int32(c.u32(1)))
}

func getCgroupClassid(e Env, c *Call) {
	c.R0 = uint64(e.World().ClassID)
}

func skbCgroupClassid(e Env, c *Call) { getCgroupClassid(e, c) }

// currentTaskUnderCgroup looks the cgroup up in a cgroup array, whose values
// are cgroup ids here.
func currentTaskUnderCgroup(e Env, c *Call) {
	underCgroup(e, c, c.Args[0], c.u32(2), e.World().Cgroups)
}

func underCgroup(e Env, c *Call, arr uint64, index uint32, path []uint64) {
	m := mapAt(e, arr)
	if index >= m.MaxEntries() {
		c.set(e2big)
		return
	}
	id, ok := element(e, m, index)
	if !ok {
		c.set(eagain)
		return
	}
	for _, p := range path {
		if p == uint64(id) {
			c.set(1)
			return
		}
	}
	c.set(0)
}

// element is what an array of references (cgroups, sockets, interfaces) holds
// at an index: a 32-bit number.
func element(e Env, m Map, index uint32) (uint32, bool) {
	if r, ok := m.(Refs); ok {
		return r.Ref(index)
	}
	var k [4]byte
	le.PutUint32(k[:], index)
	addr := m.Lookup(k[:], e.CPU())
	if addr == 0 {
		return 0, false
	}
	return word32(e, addr), true
}
