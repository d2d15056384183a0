package helper

// sysctlGetName: (ctx, buf, size, flags). Flag 1 leaves the directory away.
func sysctlGetName(e Env, c *Call) {
	const baseName = 1 // BPF_F_SYSCTL_BASE_NAME
	name := e.World().Sysctl.Name
	if c.Args[3]&baseName != 0 {
		for i := len(name) - 1; i >= 0; i-- {
			if name[i] == '/' {
				name = name[i+1:]
				break
			}
		}
	}
	n := c.size(3)
	switch {
	case c.Args[1] == 0:
		c.set(einval)
		return
	case n == 0:
		c.set(e2big)
		return
	case len(name) < n:
		c.set(int64(len(name)))
	default:
		name = name[:n-1]
		c.set(e2big)
	}
	write(e, c.Args[1], append([]byte(name), 0))
}

func sysctlGetCurrentValue(e Env, c *Call) {
	sysctlValue(e, c, e.World().Sysctl.Current)
}

func sysctlGetNewValue(e Env, c *Call) {
	s := &e.World().Sysctl
	if !s.Write {
		sysctlValue(e, c, "")
		return
	}
	sysctlValue(e, c, s.New)
}

// sysctlValue: (ctx, buf, size). The rest of the buffer is zero; a value that
// does not fit is cut, ended and -E2BIG, an empty one -EINVAL.
func sysctlValue(e Env, c *Call, v string) {
	n := c.size(3)
	switch {
	case c.Args[1] == 0:
		c.set(einval)
		return
	case n == 0:
		c.set(e2big)
		return
	}
	touch(e, c.Args[1], n)
	b := make([]byte, n)
	switch {
	case v == "":
		c.set(einval)
	case len(v) < n:
		c.set(int64(len(v)))
		copy(b, v)
	default:
		c.set(e2big)
		copy(b[:n-1], v)
	}
	write(e, c.Args[1], b)
}

// sysctlSetNewValue: (ctx, buf, size).
func sysctlSetNewValue(e Env, c *Call) {
	const page = 4096
	b := read(e, c.Args[1], c.size(3))
	switch {
	case !e.World().Sysctl.Write || len(b) == 0:
		c.set(einval)
		return
	case len(b) > page-1:
		c.set(e2big)
		return
	}
	e.Emit(Event{Kind: EventSysctl, ID: uint32(c.ID), Data: b})
	c.set(0)
}
