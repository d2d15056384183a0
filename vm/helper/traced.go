package helper

// What a tracing program asks about the function it is attached to.

func getFuncIP(e Env, c *Call) {
	c.R0 = e.World().FuncIP
}

func getAttachCookie(e Env, c *Call) {
	c.R0 = e.World().Cookie
}

// getFuncArg: (ctx, n, value).
func getFuncArg(e Env, c *Call) {
	args := e.World().FuncArgs
	n := c.u32(2)
	if uint64(n) >= uint64(len(args)) {
		c.set(einval)
		return
	}
	c.set(0)
	writeWord(e, c.Args[2], args[n])
}

// getFuncRet: (ctx, value). Only at the function's end.
func getFuncRet(e Env, c *Call) {
	_, attach, _ := e.Context()
	const fexit, modifyReturn = 25, 26
	if attach != fexit && attach != modifyReturn {
		c.set(eopnotsupp)
		return
	}
	c.set(0)
	writeWord(e, c.Args[1], e.World().FuncRet)
}

func getFuncArgCnt(e Env, c *Call) {
	c.R0 = uint64(len(e.World().FuncArgs))
}

// overrideReturn: (regs, value) makes the probed function return at once.
func overrideReturn(e Env, c *Call) {
	const ax = 80 // pt_regs.ax of amd64
	e.SetVar(VarRetval, c.Args[1])
	c.set(0)
	writeWord(e, c.Args[0]+ax, c.Args[1])
}

func getRetval(e Env, c *Call) { c.set(int64(int32(e.Var(VarRetval)))) }

func setRetval(e Env, c *Call) {
	e.SetVar(VarRetval, uint64(c.u32(1)))
	c.set(0)
}

// dPath: (path, buf, size) gives the length with the NUL.
func dPath(e Env, c *Call) {
	n := c.u32(3)
	if n == 0 {
		c.set(0)
		return
	}
	path := e.World().PathName
	if uint64(len(path)) >= uint64(n) {
		const enametoolong = -36
		c.set(enametoolong)
		return
	}
	c.set(int64(len(path)) + 1)
	write(e, c.Args[1], append([]byte(path), 0))
}

// kallsymsLookupName: (name, name_size, flags, res).
func kallsymsLookupName(e Env, c *Call) {
	b := read(e, c.Args[0], c.size(2))
	ret, addr := int64(enoent), uint64(0)
	if c.Args[2] != 0 || len(b) <= 1 || b[len(b)-1] != 0 {
		ret = einval
	} else {
		name := string(b[:len(b)-1])
		for _, s := range e.World().Symbols {
			if s.Name == name {
				ret, addr = 0, s.Addr
				break
			}
		}
	}
	c.set(ret)
	writeWord(e, c.Args[3], addr)
}

func rcRepeat(e Env, c *Call) {
	e.Emit(Event{Kind: EventKey, ID: uint32(c.ID)})
	c.set(0)
}

// rcKeydown: (ctx, protocol, scancode, toggle).
func rcKeydown(e Env, c *Call) {
	e.Emit(Event{Kind: EventKey, ID: uint32(c.ID), Index: c.Args[2], Flags: uint64(c.u32(2))<<32 | uint64(c.u32(4)&1)})
	c.set(0)
}

// rcPointerRel: (ctx, x, y).
func rcPointerRel(e Env, c *Call) {
	e.Emit(Event{Kind: EventKey, ID: uint32(c.ID), Index: uint64(c.u32(2))<<32 | uint64(c.u32(3))})
	c.set(0)
}
