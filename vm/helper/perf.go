package helper

const (
	perfIndexMask = 0xffffffff // BPF_F_INDEX_MASK, also BPF_F_CURRENT_CPU
	perfCtxLen    = 0xfffff << 32
)

// perfEventOutput: (ctx, map, flags, data, size). The low half of flags is
// the CPU, all ones the current one; bits 32 to 51 ask for that many bytes of
// the packet behind the sample.
func perfEventOutput(e Env, c *Call) {
	m := mapAt(e, c.Args[1])
	flags := c.Args[2]
	extra := flags & perfCtxLen >> 32
	p, hasPacket := e.Packet()
	switch {
	case flags&^(perfIndexMask|perfCtxLen) != 0, extra != 0 && !hasPacket:
		c.set(einval)
		return
	case extra > 0 && extra > p.Len():
		c.set(efault)
		return
	}
	index := uint32(flags & perfIndexMask)
	if index == perfIndexMask {
		index = e.CPU()
	}
	if index >= m.MaxEntries() {
		c.set(e2big)
		return
	}
	if _, ok := element(e, m, index); !ok {
		c.set(enoent)
		return
	}
	if index != e.CPU() {
		c.set(eopnotsupp) // the event of another CPU
		return
	}
	data := read(e, c.Args[3], c.size(5))
	if extra > 0 {
		b := peek(e, p.Data, int(extra))
		data = append(data, b...)
	}
	e.Emit(Event{Kind: EventOutput, ID: uint32(c.ID), Map: m.Name(), Index: uint64(index), Flags: flags, Data: data})
	c.set(0)
}

// perfEventRead: (map, flags): the counter, or an errno that looks like one.
func perfEventRead(e Env, c *Call) {
	if ret := perfEvent(e, c); ret != 0 {
		c.set(ret)
		return
	}
	c.R0 = e.World().PerfCount.Counter
}

// perfEventReadValue: (map, flags, buf, size).
func perfEventReadValue(e Env, c *Call) {
	ret := perfEvent(e, c)
	perfValue(e, c, ret, c.Args[2], c.size(4))
}

// perfProgReadValue: (ctx, buf, size).
func perfProgReadValue(e Env, c *Call) {
	perfValue(e, c, 0, c.Args[1], c.size(3))
}

func perfEvent(e Env, c *Call) int64 {
	m := mapArg(e, c)
	if c.Args[1]&^perfIndexMask != 0 {
		return einval
	}
	index := uint32(c.Args[1])
	if index == perfIndexMask {
		index = e.CPU()
	}
	if index >= m.MaxEntries() {
		return e2big
	}
	if _, ok := element(e, m, index); !ok {
		return enoent
	}
	return 0
}

// perfValue fills a struct bpf_perf_event_value; on failure the buffer is
// zero.
func perfValue(e Env, c *Call, ret int64, addr uint64, n int) {
	const size = 24
	if ret == 0 && n != size {
		ret = einval
	}
	b := make([]byte, min(n, 1<<20))
	if ret == 0 {
		v := e.World().PerfCount
		le.PutUint64(b[0:], v.Counter)
		le.PutUint64(b[8:], v.Enabled)
		le.PutUint64(b[16:], v.Running)
	}
	c.set(ret)
	write(e, addr, b)
}

// readBranchRecords: (ctx, buf, size, flags).
func readBranchRecords(e Env, c *Call) {
	const getSize = 1 // BPF_F_GET_BRANCH_RECORDS_SIZE
	if c.Args[3]&^getSize != 0 {
		c.set(einval)
		return
	}
	all := branches(e)
	if len(all) == 0 {
		c.set(enoent)
		return
	}
	if c.Args[3]&getSize != 0 {
		c.set(int64(len(all)))
		return
	}
	copyBranches(e, c, c.Args[1], c.u32(3), all)
}

// getBranchSnapshot: (buf, size, flags).
func getBranchSnapshot(e Env, c *Call) {
	if c.Args[2] != 0 {
		c.set(einval)
		return
	}
	all := branches(e)
	if len(all) == 0 {
		c.set(enoent)
		return
	}
	all = all[:min(uint64(len(all)), uint64(c.u32(2)/branchSize*branchSize))]
	c.set(int64(len(all)))
	write(e, c.Args[0], all)
}

const branchSize = 24 // struct perf_branch_entry

func branches(e Env) []byte {
	var b []byte
	for _, r := range e.World().Branches {
		b = le.AppendUint64(b, r.From)
		b = le.AppendUint64(b, r.To)
		b = le.AppendUint64(b, r.Flags)
	}
	return b
}

func copyBranches(e Env, c *Call, addr uint64, n uint32, all []byte) {
	if addr == 0 || n%branchSize != 0 {
		c.set(einval)
		return
	}
	all = all[:min(uint64(len(all)), uint64(n))]
	c.set(int64(len(all)))
	write(e, addr, all)
}
