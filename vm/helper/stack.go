package helper

const (
	stackSkip     = 0xff    // BPF_F_SKIP_FIELD_MASK
	stackUser     = 1 << 8  // BPF_F_USER_STACK
	stackFast     = 1 << 9  // BPF_F_FAST_STACK_CMP
	stackReuse    = 1 << 10 // BPF_F_REUSE_STACKID
	stackBuildID  = 1 << 11 // BPF_F_USER_BUILD_ID
	stackMaxDepth = 127     // sysctl_perf_event_max_stack
)

// Stacks is a stack trace map.
type Stacks interface {
	Map
	// Stack is the trace stored under id, false when there is none.
	Stack(id uint32) ([]uint64, bool)
	SetStack(id uint32, ips []uint64)
}

// trace is the current stack, innermost first, without what flags skip. False
// when there are fewer entries than those.
func trace(e Env, flags uint64, depth int) ([]uint64, bool) {
	w := e.World()
	var ips []uint64
	if flags&stackUser != 0 {
		ips = w.UserIPs
	} else if len(w.Stacks) > 0 {
		ips = w.Stacks[0]
	}
	skip := int(flags & stackSkip)
	if len(ips) < skip {
		return nil, false
	}
	ips = ips[skip:]
	return ips[:min(len(ips), depth, stackMaxDepth)], true
}

// getStackid: (ctx, map, flags) stores the stack under a hash of it.
func getStackid(e Env, c *Call) {
	m := mapAt(e, c.Args[1])
	s, ok := m.(Stacks)
	if !ok {
		panic(stop{fault("not simulated: bpf_get_stackid on map " + m.Name())})
	}
	flags := c.Args[2]
	if flags&^(stackSkip|stackUser|stackFast|stackReuse) != 0 {
		c.set(einval)
		return
	}
	ips, ok := trace(e, flags, int(m.ValueSize()/8))
	if !ok || len(ips) == 0 {
		c.set(efault)
		return
	}
	buckets := uint32(1)
	for buckets < m.MaxEntries() && buckets < 1<<31 {
		buckets <<= 1
	}
	hash := hashWords(ips)
	id := hash & (buckets - 1)
	c.R0 = uint64(id)
	old, ok := s.Stack(id)
	if ok {
		same := hashWords(old) == hash
		if flags&stackFast == 0 {
			same = equalWords(old, ips)
		}
		switch {
		case same:
			return
		case flags&stackReuse == 0:
			c.set(eexist)
			return
		}
	}
	s.SetStack(id, ips)
}

// hashWords is FNV-1a over the words.
func hashWords(w []uint64) uint32 {
	h := uint64(14695981039346656037)
	for _, x := range w {
		for i := 0; i < 64; i += 8 {
			h = (h ^ x>>i&0xff) * 1099511628211
		}
	}
	return uint32(h ^ h>>32)
}

func equalWords(a, b []uint64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// getStack: (ctx, buf, size, flags).
func getStack(e Env, c *Call) { copyStack(e, c, c.Args[1], c.u32(3), c.Args[3]) }

// getTaskStack: (task, buf, size, flags), of the current task.
func getTaskStack(e Env, c *Call) { copyStack(e, c, c.Args[1], c.u32(3), c.Args[3]) }

func copyStack(e Env, c *Call, addr uint64, n uint32, flags uint64) {
	touch(e, addr, int(n))
	b := make([]byte, n)
	fail := func(ret int64) {
		c.set(ret)
		write(e, addr, b)
	}
	if flags&^(stackSkip|stackUser|stackBuildID) != 0 || flags&(stackUser|stackBuildID) == stackBuildID || n%8 != 0 {
		fail(einval)
		return
	}
	if flags&stackBuildID != 0 {
		panic(stop{NotSimulated(c.ID)})
	}
	ips, ok := trace(e, flags, int(n/8))
	if !ok {
		fail(efault)
		return
	}
	for i, ip := range ips {
		le.PutUint64(b[8*i:], ip)
	}
	fail(int64(8 * len(ips)))
}
