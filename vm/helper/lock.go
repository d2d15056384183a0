package helper

// A spin lock is a 32-bit word of a map value: 1 when it is held. Simulated
// CPUs switch between instructions, so a program that takes a held lock
// would spin forever: that is a fault here.

func spinLock(e Env, c *Call) {
	b := peek(e, c.Args[0], 4)
	if le.Uint32(b) != 0 {
		panic(stop{fault("the lock is held already: taking it again would spin forever")})
	}
	e.SetVar(VarLock, c.Args[0])
	write(e, c.Args[0], []byte{1, 0, 0, 0})
}

func spinUnlock(e Env, c *Call) {
	touch(e, c.Args[0], 4)
	e.SetVar(VarLock, 0)
	write(e, c.Args[0], []byte{0, 0, 0, 0})
}
