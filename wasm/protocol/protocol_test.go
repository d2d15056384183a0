package protocol_test

import (
	"bytes"
	"go/format"
	"os"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skep/wasm/protocol"
	"skep/wasm/protocol/schema"
)

// TestGenerated: both generated files are what the tables say.
func TestGenerated(t *testing.T) {
	if mistake := schema.Check(); mistake != "" {
		t.Fatal(mistake)
	}
	text, err := format.Source(schema.Go())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		path string
		want []byte
	}{
		{"zmsg.go", text},
		{"../../web/src/engine/zprotocol.ts", schema.TypeScript()},
	} {
		got, err := os.ReadFile(f.path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, f.want) {
			t.Errorf("%s is stale: run go generate ./wasm/protocol", f.path)
		}
	}
	if schema.HeaderSize != protocol.HeaderSize || schema.Version != protocol.Version {
		t.Error("header of the schema and of the package differ")
	}
}

// fill sets every field below v to something that is not zero.
func fill(v reflect.Value, n *int, depth int) {
	*n++
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n, depth)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n, depth)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte{byte(*n), 2, 3})
			return
		}
		s := reflect.MakeSlice(v.Type(), 2, 2)
		for i := range 2 {
			fill(s.Index(i), n, depth+1)
		}
		v.Set(s)
	case reflect.Uint8:
		v.SetUint(1) // every enum has two values
	case reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n))
	case reflect.Int32:
		v.SetInt(int64(-*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString("é" + string(rune('a'+*n%26)))
	}
}

// messages is one of each: every request, and every reply that it has.
func messages() []protocol.Message {
	out := []protocol.Message{
		&protocol.Failed{}, &protocol.Done{}, &protocol.Welcome{}, &protocol.Problems{}, &protocol.PacketList{}, &protocol.Blob{},
		&protocol.HookList{}, &protocol.Executed{}, &protocol.Loaded{}, &protocol.Texts{}, &protocol.Started{}, &protocol.Moved{},
		&protocol.Wrote{}, &protocol.EntryList{}, &protocol.LinkRecord{},
		&protocol.Verify{}, &protocol.Verified{}, &protocol.VerifyHello{}, &protocol.VerifyWelcome{},
	}
	for id := range uint16(160) {
		// A request of 1 KiB of zeros is one for which the reader has bytes left over, at worst.
		frame := append([]byte{protocol.Version, 0, byte(id), 0, 0, 0, 0, 0}, make([]byte, 1024)...)
		if _, m, _ := protocol.ParseRequest(frame); m != nil {
			out = append(out, m)
		}
	}
	return out
}

func TestRoundTrip(t *testing.T) {
	for _, m := range messages() {
		n := 0
		fill(reflect.ValueOf(m).Elem(), &n, 0)
		frame := protocol.Pack(nil, 7, m)
		got := reflect.New(reflect.TypeOf(m).Elem()).Interface().(protocol.Message)
		if err := protocol.Parse(frame, got); err != nil {
			t.Fatalf("%T: %v", m, err)
		}
		if d := cmp.Diff(m, got); d != "" {
			t.Errorf("%T: %s", m, d)
		}
		// Cut anywhere, or one byte longer, it is refused.
		for i := range frame {
			if protocol.Parse(frame[:i], reflect.New(reflect.TypeOf(m).Elem()).Interface().(protocol.Message)) == nil {
				t.Fatalf("%T: taken although cut to %d of %d bytes", m, i, len(frame))
			}
		}
		if protocol.Parse(append(frame, 0), got) == nil {
			t.Errorf("%T: taken with a byte too many", m)
		}
	}
}

func TestRefused(t *testing.T) {
	ok := protocol.Pack(nil, 1, &protocol.Look{})
	change := func(i int, b byte) []byte {
		f := bytes.Clone(ok)
		f[i] = b
		return f
	}
	for _, c := range []struct {
		frame []byte
		want  string
	}{
		{nil, "frame: shorter than its header"},
		{change(0, 99), "frame: page and engine come from different builds; reload the page"},
		{change(2, 0), "frame: unknown message number"},
		{protocol.Pack(nil, 1, &protocol.Done{}), "frame: unknown message number"},
		{append(protocol.Pack(nil, 1, &protocol.Check{})[:8], 0xff, 0xff, 0xff, 0xff), "frame: cut short inside a field"},
		{append(protocol.Pack(nil, 1, &protocol.Breakpoints{})[:8], 0xff, 0xff, 0xff, 0x7f), "frame: a list claims more elements than the frame has bytes for"},
		{append(protocol.Pack(nil, 1, &protocol.Check{})[:8], 1, 0, 0, 0, 0xff), "frame: a text is not UTF-8"},
		{append(protocol.Pack(nil, 1, &protocol.OutputPcap{})[:8], 2), "frame: a bool is neither 0 nor 1"},
		{append(protocol.Pack(nil, 1, &protocol.Move{})[:8], 200), "frame: a value outside of its list of words"},
	} {
		_, _, err := protocol.ParseRequest(c.frame)
		if err == nil || err.Error() != c.want {
			t.Errorf("% x: got %v, want %s", c.frame, err, c.want)
		}
	}
}

// FuzzParse: no bytes make a decoder panic or take memory beyond a small
// multiple of the frame; what is taken is encoded to the same bytes again.
func FuzzParse(f *testing.F) {
	for _, m := range messages() {
		n := 0
		fill(reflect.ValueOf(m).Elem(), &n, 0)
		f.Add(protocol.Pack(nil, 7, m))
	}
	all := messages()
	f.Fuzz(func(t *testing.T, frame []byte) {
		h, err := protocol.ParseHeader(frame)
		if err != nil {
			return
		}
		for _, like := range all {
			if like.ID() != h.ID {
				continue
			}
			m := reflect.New(reflect.TypeOf(like).Elem()).Interface().(protocol.Message)
			if protocol.Parse(frame, m) != nil {
				return
			}
			if again := protocol.Pack(nil, h.Session, m); !bytes.Equal(again, frame) {
				t.Fatalf("%T: encoded again as\n% x\nnot\n% x", m, again, frame)
			}
		}
	})
}
