package verifier

import (
	"bytes"
	"strconv"
)

// Log levels, a bit set, as BPF_PROG_LOAD takes them (BPF_LOG_LEVEL1 ...).
const (
	LogLevel1 = 1 // the path that failed
	LogLevel2 = 2 // all paths
	LogStats  = 4 // statistics

	logLevelAny = LogLevel1 | LogLevel2
)

// logBuffer is the verifier's log. What is cut off at its front, when there is
// more than max bytes, is remembered in base: positions go on as if it were
// all there.
type logBuffer struct {
	buf   []byte
	base  int
	max   int
	level int
}

// pos is the position after the last byte (log->end_pos).
func (l *logBuffer) pos() int { return l.base + len(l.buf) }

// reset forgets everything from pos on (bpf_vlog_reset).
func (l *logBuffer) reset(pos int) {
	switch {
	case pos <= l.base:
		l.base, l.buf = pos, l.buf[:0]
	case pos < l.pos():
		l.buf = l.buf[:pos-l.base]
	}
}

// trim keeps the buffer bounded: the newest bytes stay.
func (l *logBuffer) trim() {
	if l.max > 0 && len(l.buf) > 2*l.max {
		cut := len(l.buf) - l.max
		l.base += cut
		l.buf = append(l.buf[:0], l.buf[cut:]...)
	}
}

// text is the log as the kernel hands it out.
func (l *logBuffer) text() []byte {
	if l.max > 0 && len(l.buf) > l.max {
		return l.buf[len(l.buf)-l.max:]
	}
	return l.buf
}

// lastError is the last line that is not statistics, without newline.
func (l *logBuffer) lastError() string {
	b := bytes.TrimRight(l.buf, "\n")
	if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
		b = b[i+1:]
	}
	return string(b)
}

// appendf formats like printf with the verbs that the kernel's messages use:
// %s, %d, %u, %x, %02x, %#x and %+d, and their ll and z forms. It is here because
// the engine cannot afford package fmt.
func appendf(dst []byte, format string, args ...any) []byte {
	n := 0
	for i := 0; i < len(format); i++ {
		c := format[i]
		if c != '%' {
			dst = append(dst, c)
			continue
		}
		i++
		alt, plus, zero := false, false, false
		for ; i < len(format); i++ {
			switch format[i] {
			case '#':
				alt = true
				continue
			case '+':
				plus = true
				continue
			case '0':
				zero = true
				continue
			case 'l', 'z', '2':
				continue
			}
			break
		}
		if i >= len(format) {
			break
		}
		if format[i] == '%' {
			dst = append(dst, '%')
			continue
		}
		if n >= len(args) {
			break
		}
		a := args[n]
		n++
		switch v := a.(type) {
		case string:
			dst = append(dst, v...)
			continue
		case []byte:
			dst = append(dst, v...)
			continue
		case RegType:
			dst = v.Append(dst)
			continue
		case Tnum:
			dst = v.Append(dst)
			continue
		}
		s, u := integer(a)
		switch format[i] {
		case 'x':
			switch {
			case alt:
				dst = appendHex(dst, u)
			case zero && u < 16:
				dst = strconv.AppendUint(append(dst, '0'), u, 16)
			default:
				dst = strconv.AppendUint(dst, u, 16)
			}
		case 'u':
			dst = strconv.AppendUint(dst, u, 10)
		default:
			if plus && s >= 0 {
				dst = append(dst, '+')
			}
			dst = strconv.AppendInt(dst, s, 10)
		}
	}
	return dst
}

// integer is an argument as printf reads it signed and unsigned.
func integer(a any) (int64, uint64) {
	switch v := a.(type) {
	case int:
		return int64(v), uint64(v)
	case int16:
		return int64(v), uint64(uint32(v))
	case int32:
		return int64(v), uint64(uint32(v))
	case int64:
		return v, uint64(v)
	case uint8:
		return int64(v), uint64(v)
	case uint32:
		return int64(v), uint64(v)
	case uint64:
		return int64(v), v
	case errno:
		return int64(v), uint64(v)
	}
	return 0, 0
}

// logf appends a message to the log, whatever the level: Result tells the
// message of a rejection even when no log was asked for. What is printed at a
// level only asks for it first.
func (e *env) logf(format string, args ...any) {
	e.log.buf = appendf(e.log.buf, format, args...)
	e.log.trim()
}

func (e *env) logs(s string) { e.log.buf = append(e.log.buf, s...) }
