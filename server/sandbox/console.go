package sandbox

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// consoleSize is how much of the guest's console is kept: the first bytes and the last ones.
const consoleSize = 64 << 10

// console keeps the end of what the guest's kernel wrote to its serial line.
type console struct {
	mu   sync.Mutex
	buf  []byte
	done chan struct{}
}

func newConsole(r io.Reader) *console {
	c := &console{done: make(chan struct{})}
	go func() {
		defer close(c.done)
		var chunk [4096]byte
		for {
			n, err := r.Read(chunk[:])
			c.mu.Lock()
			c.buf = append(c.buf, chunk[:n]...)
			if len(c.buf) > 2*consoleSize {
				c.buf = append(c.buf[:0], c.buf[len(c.buf)-consoleSize:]...)
			}
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return c
}

// String is the console's last 64 KiB.
func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.buf[max(0, len(c.buf)-consoleSize):])
}

// panicLine is the kernel's own word for its end, without time stamp: "Kernel panic - not syncing: ..."; "" when there is none.
func (c *console) panicLine() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := bytes.LastIndex(c.buf, []byte("Kernel panic - not syncing"))
	if i < 0 {
		return ""
	}
	line, _, _ := bytes.Cut(c.buf[i:], []byte("\n"))
	return printable(string(line[:min(len(line), 300)]))
}

// printable replaces what a terminal would act on: the guest wrote it.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\r' {
			return -1
		}
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return '.'
		}
		return r
	}, s)
}
