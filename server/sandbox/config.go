package sandbox

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Config configures a Manager. The zero value serves every installed kernel with the measured defaults.
type Config struct {
	Kernels  []string // versions to serve; nil is every installed one
	Warm     int      // idle, pre-warmed clones a kernel; 0 is 2, negative is none
	MaxVMs   int      // busy at once; 0 is 4 a core, at most one a 64 MiB of memory
	MaxQueue int      // jobs waiting; 0 is 256
	MaxOwner int      // jobs of one owner waiting; 0 is 8
	MinLevel Level    // strangers' jobs are refused below it
	Level    *Level   // force a level instead of the strongest that works
}

func (c *Config) defaults() {
	if c.Warm == 0 {
		c.Warm = 2
	}
	c.Warm = max(c.Warm, 0)
	if c.MaxVMs == 0 {
		c.MaxVMs = max(1, min(4*runtime.NumCPU(), int(memoryMiB()/64)))
	}
	if c.MaxQueue == 0 {
		c.MaxQueue = 256
	}
	if c.MaxOwner == 0 {
		c.MaxOwner = 8
	}
}

// memoryMiB is the memory available now.
func memoryMiB() int64 {
	b, _ := os.ReadFile("/proc/meminfo")
	for _, line := range strings.Split(string(b), "\n") {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "MemAvailable:" {
			kb, _ := strconv.ParseInt(f[1], 10, 64)
			return kb / 1024
		}
	}
	return 1024
}
