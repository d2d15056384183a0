package proto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRoundTrip(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	if err := w.Send(Verdict, VerdictMsg{ID: "a", Log: 3}, []byte("log"), []byte("pkt")); err != nil {
		t.Fatal(err)
	}
	big := bytes.Repeat([]byte{7}, 3<<20)
	if err := w.Write(Pong, big); err != nil {
		t.Fatal(err)
	}
	r := NewReader(&b, 0)
	f, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	var m VerdictMsg
	tail, err := Split(f.Payload, &m)
	if err != nil || string(tail) != "logpkt" {
		t.Fatalf("tail %q, %v", tail, err)
	}
	if diff := cmp.Diff(VerdictMsg{ID: "a", Log: 3}, m); diff != "" {
		t.Error(diff)
	}
	if f, err = r.Next(); err != nil || f.Type != Pong || !bytes.Equal(f.Payload, big) {
		t.Errorf("big frame: %v, %d bytes, %v", f.Type, len(f.Payload), err)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("at the end: %v, want io.EOF", err)
	}
	if err := w.Write(Ping, make([]byte, MaxFrame)); err == nil {
		t.Error("a frame longer than MaxFrame was written")
	}
}

func TestReaderRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, in, want string
	}{
		{"zero length", "\x00\x00\x00\x00", "length 0"},
		{"four gigabytes", "\xff\xff\xff\xff", "length 4294967295"},
		{"over the limit", "\x00\x10\x00\x00x", "length 4096"},
		{"cut payload", "\x08\x00\x00\x00abc", "3 of 8 bytes"},
		{"cut header", "\x08\x00", "unexpected EOF"},
	} {
		_, err := NewReader(strings.NewReader(tt.in), 1024).Next()
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	for _, in := range []string{"", "abc", "\xff\xff\xff\xff{}", "\x02\x00\x00\x00{", "\x02\x00\x00\x00]["} {
		if _, err := Split([]byte(in), new(HelloMsg)); !errors.Is(err, ErrFrame) {
			t.Errorf("%q: %v, want ErrFrame", in, err)
		}
	}
}

// FuzzReader plays the hostile guest: any byte stream must end in an error, within the memory bound.
func FuzzReader(f *testing.F) {
	f.Add([]byte("\x05\x00\x00\x00p1234\x01\x00\x00\x00h"))
	f.Add([]byte("\xff\xff\xff\x7f"))
	f.Add([]byte("\x07\x00\x00\x00v\x02\x00\x00\x00{}"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := NewReader(bytes.NewReader(in), 1<<20)
		used := 0
		for {
			fr, err := r.Next()
			if err != nil {
				break
			}
			used += headerLen + 1 + len(fr.Payload)
			if used > len(in) {
				t.Fatalf("%d bytes of frames from %d bytes", used, len(in))
			}
			if n := binary.LittleEndian.Uint32(in[used-len(fr.Payload)-5:]); int(n) != len(fr.Payload)+1 {
				t.Fatalf("frame of %d bytes announced as %d", len(fr.Payload)+1, n)
			}
			for _, head := range []any{new(HelloMsg), new(VerdictMsg), new(ErrorMsg)} {
				if tail, err := Split(fr.Payload, head); err == nil && len(tail) > len(fr.Payload) {
					t.Fatal("tail longer than payload")
				}
			}
		}
	})
}
