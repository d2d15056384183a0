package helper

func ktimeGetNs(e Env, c *Call) {
	c.R0 = e.Now()
}

func ktimeGetBootNs(e Env, c *Call) {
	c.R0 = e.Now() + e.World().BootNs
}

func ktimeGetTAINs(e Env, c *Call) {
	c.R0 = e.Now() + e.World().TAINs
}

// ktimeGetCoarseNs is the time of the last tick.
func ktimeGetCoarseNs(e Env, c *Call) {
	now := e.Now()
	c.R0 = now - now%(1e9/e.World().hz())
}

func jiffies64(e Env, c *Call) {
	hz := e.World().hz()
	c.R0 = uint64(uint32(1<<32-300*hz)) + e.Now()/(1e9/hz)
}

func (w *World) hz() uint64 {
	if w.HZ == 0 || w.HZ > 1e9 {
		return 250
	}
	return w.HZ
}

func getPrandomU32(e Env, c *Call) {
	c.R0 = uint64(e.Random())
}

func getSmpProcessorID(e Env, c *Call) {
	c.R0 = uint64(e.CPU())
}

func getNumaNodeID(e Env, c *Call) {
	c.R0 = uint64(e.World().NUMANode)
}
