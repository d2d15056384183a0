package helper

// A spin lock is a 32-bit word of a map value: the number of the CPU that
// holds it plus one, 0 when it is free. The machine does not let a CPU make
// the call while another run in flight holds the lock, so that what is left
// here is a lock that nobody will give back.

func spinLock(e Env, c *Call) {
	switch holder := le.Uint32(peek(e, c.Args[0], 4)); holder {
	case 0:
	case e.CPU() + 1:
		panic(stop{fault("the lock is held already: taking it again would spin forever")})
	default:
		panic(stop{fault("the lock is held by a program that has ended: taking it would spin forever")})
	}
	e.SetVar(VarLock, c.Args[0])
	var word [4]byte
	le.PutUint32(word[:], e.CPU()+1)
	write(e, c.Args[0], word[:])
}

func spinUnlock(e Env, c *Call) {
	touch(e, c.Args[0], 4)
	e.SetVar(VarLock, 0)
	write(e, c.Args[0], []byte{0, 0, 0, 0})
}
