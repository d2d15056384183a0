// Package proto is the frame protocol between the host and the agent in a sandbox guest.
//
// A frame is a little-endian u32 length, one type byte and length-1 bytes of payload. The payload of
// almost every frame is a JSON head followed by raw bytes (see Join and Split), so that logs, packets and BTF
// blobs cross the channel without being escaped. The guest is the attacker: the host's Reader bounds
// every length before it allocates, and no decoder in this package panics on any input.
//
// Read next: message.go for the messages, then the agent (server/sandbox/agent) that answers them.
package proto

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Version is raised whenever a frame changes meaning. Host and agent are built from one module, so a mismatch
// means that a stale agent was cached.
const Version = 1

// Limits of the wire. A frame longer than MaxFrame ends the VM.
const (
	MaxFrame  = 8 << 20 // bytes after the length word
	headerLen = 4
)

// ErrFrame is wrapped by every error that says the peer broke the frame format.
var ErrFrame = errors.New("bad frame")

// Frame is one message as it crossed the channel.
type Frame struct {
	Type    Type
	Payload []byte
}

// Reader reads frames from the guest or the host.
type Reader struct {
	r     io.Reader
	max   uint32
	total int64
}

// NewReader returns a Reader that refuses frames longer than max bytes; 0 means MaxFrame.
func NewReader(r io.Reader, max int) *Reader {
	if max <= 0 || max > MaxFrame {
		max = MaxFrame
	}
	return &Reader{r: r, max: uint32(max)}
}

// Total is the number of bytes read so far, headers included. The host's output limit counts them.
func (r *Reader) Total() int64 { return r.total }

// Next reads one frame. The payload is the caller's to keep. io.EOF means that the peer closed between two frames.
func (r *Reader) Next() (Frame, error) {
	var h [headerLen]byte
	if _, err := io.ReadFull(r.r, h[:]); err != nil {
		return Frame{}, err
	}
	n := binary.LittleEndian.Uint32(h[:])
	if n == 0 || n > r.max {
		return Frame{}, fmt.Errorf("%w: length %d is not in 1..%d", ErrFrame, n, r.max)
	}
	// Grow with what really arrives: a hostile guest must not make the host reserve 8 MiB by sending four bytes.
	buf := make([]byte, 0, min(n, 64<<10))
	for uint32(len(buf)) < n {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		end := min(int(n), cap(buf))
		m, err := io.ReadFull(r.r, buf[len(buf):end])
		buf = buf[:len(buf)+m]
		if err != nil {
			return Frame{}, fmt.Errorf("%w: ends after %d of %d bytes: %w", ErrFrame, len(buf), n, err)
		}
	}
	r.total += int64(n) + headerLen
	return Frame{Type(buf[0]), buf[1:]}, nil
}

// Writer writes frames; it is safe for concurrent use, a frame is never interleaved with another.
type Writer struct {
	mu  sync.Mutex
	w   io.Writer
	buf []byte
}

// NewWriter returns a Writer on w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write sends one frame with the concatenation of parts as its payload.
func (w *Writer) Write(t Type, parts ...[]byte) error {
	n := 1
	for _, p := range parts {
		n += len(p)
	}
	if n > MaxFrame {
		return fmt.Errorf("frame %v: %d bytes are more than %d", t, n, MaxFrame)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = binary.LittleEndian.AppendUint32(w.buf[:0], uint32(n))
	w.buf = append(w.buf, byte(t))
	for _, p := range parts {
		w.buf = append(w.buf, p...)
	}
	_, err := w.w.Write(w.buf)
	if cap(w.buf) > 1<<20 {
		w.buf = nil
	}
	return err
}

// Send writes a frame with head as JSON and tail as raw bytes behind it.
func (w *Writer) Send(t Type, head any, tail ...[]byte) error {
	j, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("frame %v: %w", t, err)
	}
	n := binary.LittleEndian.AppendUint32(nil, uint32(len(j)))
	return w.Write(t, append([][]byte{n, j}, tail...)...)
}

// Split decodes the JSON head of a payload into head and returns the raw tail.
func Split(payload []byte, head any) (tail []byte, err error) {
	if len(payload) < 4 {
		return nil, fmt.Errorf("%w: %d bytes have no head", ErrFrame, len(payload))
	}
	n := binary.LittleEndian.Uint32(payload)
	payload = payload[4:]
	if uint64(n) > uint64(len(payload)) {
		return nil, fmt.Errorf("%w: head of %d bytes in a payload of %d", ErrFrame, n, len(payload))
	}
	if err := json.Unmarshal(payload[:n], head); err != nil {
		return nil, fmt.Errorf("%w: head: %w", ErrFrame, err)
	}
	return payload[n:], nil
}
