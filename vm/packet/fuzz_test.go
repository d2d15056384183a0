package packet

import (
	"encoding/binary"
	"math/rand"
	"os"
	"strings"
	"testing"
)

func checkErrors(t *testing.T, errs []Error) {
	t.Helper()
	if len(errs) > MaxErrors {
		t.Fatalf("%d errors", len(errs))
	}
	for _, e := range errs {
		if e.Line < 1 || e.Col < 1 || e.Len < 0 || e.Msg == "" {
			t.Fatalf("%+v", e)
		}
	}
}

// Any text gives packets or errors; a packet survives its own language.
func FuzzParse(f *testing.F) {
	b, err := os.ReadFile("testdata/packets.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, line := range strings.Split(string(b), "\n") {
		if !strings.HasPrefix(line, "\t") {
			f.Add(line)
		}
	}
	f.Add("udp x3 t=+10ms cpu=1 ifindex=2 a=\"b\"")
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) > 4096 || strings.Count(src, "x") > 8 {
			return // repetitions cost time, not care
		}
		pkts, errs := Parse(src)
		checkErrors(t, errs)
		if len(pkts) > 64 {
			pkts = pkts[:64]
		}
		for _, p := range pkts {
			if len(p.Data) > MaxData {
				t.Fatalf("%d bytes", len(p.Data))
			}
			checkDecode(t, p.Data)
			Summary(p.Data)
			text := Format(p.Data)
			back, errs := Parse(text)
			if len(errs) > 0 || len(back) != 1 || string(back[0].Data) != string(p.Data) {
				t.Fatalf("%x is written as %s, %v", p.Data, text, errs)
			}
		}
	})
}

// Any bytes are decoded, with fields that cover them, and written in the language.
func FuzzDecode(f *testing.F) {
	b, err := os.ReadFile("testdata/packets.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, line := range strings.Split(string(b), "\n") {
		if pkts, errs := Parse(line); len(errs) == 0 && len(pkts) == 1 {
			f.Add(pkts[0].Data)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 2048 {
			return
		}
		checkDecode(t, b)
		if s := Summary(b); s == "" || strings.ContainsAny(s, "\n") {
			t.Fatalf("summary %q", s)
		}
		text := Format(b)
		back, errs := Parse(text)
		if len(errs) > 0 || len(back) != 1 || string(back[0].Data) != string(b) {
			t.Fatalf("%x is written as %s, %v", b, text, errs)
		}
	})
}

// Any text gives packets or errors; what hexdump prints is read back.
func FuzzHex(f *testing.F) {
	f.Add("00 01 02\n\n0304")
	f.Add(string(AppendHex(nil, []byte("0123456789abcdefXYZ|"))))
	f.Add("12:00 IP a > b\n\t0x0000:  4500 0001\n\t0x0010:  45")
	f.Add("*\n0x")
	f.Fuzz(func(t *testing.T, src string) {
		pkts, errs := ParseHex(src)
		checkErrors(t, errs)
		for _, p := range pkts {
			if len(p.Data) == 0 || len(p.Data) > MaxData {
				t.Fatalf("%d bytes", len(p.Data))
			}
		}
		if len(src) > 0 && len(src) <= MaxData {
			dump := string(AppendHex(nil, []byte(src)))
			pkts, errs = ParseHex(dump)
			if len(errs) > 0 || len(pkts) != 1 || string(pkts[0].Data) != src {
				t.Fatalf("%v\n%s", errs, dump)
			}
		}
	})
}

// Any bytes give packets and perhaps an error; what was read can be written.
func FuzzPcap(f *testing.F) {
	f.Add(AppendPcap(nil, somePackets(rand.New(rand.NewSource(3)), 3)))
	f.Add(classic(binary.BigEndian, 0xa1b2c3d4, 101, "\x45", ""))
	f.Add(ngFile(binary.LittleEndian, "packet"))
	f.Add(ngFile(binary.BigEndian, "packet"))
	f.Fuzz(func(t *testing.T, b []byte) {
		pkts, err := ReadPcap(b)
		if err != nil {
			if e := err.(*PcapError); e.Offset < 0 || e.Offset > len(b) || e.Msg == "" {
				t.Fatalf("%+v", e)
			}
		}
		for i := range pkts {
			pkts[i].Time = int64(uint64(pkts[i].Time) % (1 << 32 * 1e9))
			pkts[i].IfIndex = 0
		}
		back, err := ReadPcap(AppendPcap(nil, pkts))
		if err != nil || len(back) != len(pkts) {
			t.Fatalf("%d of %d packets, %v", len(back), len(pkts), err)
		}
		for i := range back {
			if string(back[i].Data) != string(pkts[i].Data) || back[i].WireLen != pkts[i].WireLen {
				t.Fatalf("packet %d: %+v, want %+v", i, back[i], pkts[i])
			}
		}
	})
}
