package kernelbench

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A test's own engine: what a program is called says what becomes of it.
type fake struct{}

func (fake) Round(q Request) (*Round, error) {
	switch q.Program {
	case "refused":
		return nil, errors.New("refused by the verifier")
	case "killed":
		os.Exit(3)
	}
	return &Round{NS: float64(q.NS), Outcome: &Outcome{R0: 7}}, nil
}

func TestMain(m *testing.M) {
	if os.Getenv("SKEP_TEST_PEER") != "" {
		if err := Serve(os.Stdin, os.Stdout, fake{}); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A program that fails costs its own figure; a process that ends, all that would follow.
func TestPeer(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "SKEP_TEST_PEER=1")
	p, err := Start(t.Context(), cmd, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for range 2 {
		if _, err := p.Round(Request{Program: "refused"}); err == nil || err.Error() != "refused by the verifier" || p.Gone() {
			t.Errorf("a refused program: %v", err)
		}
		if r, err := p.Round(Request{Program: "alu64", NS: 12}); err != nil || r.NS != 12 || r.Outcome.R0 != 7 {
			t.Errorf("%+v, %v", r, err)
		}
	}
	for range 2 {
		if _, err := p.Round(Request{Program: "killed"}); err == nil || !p.Gone() || !strings.Contains(err.Error(), "exit status 3") {
			t.Errorf("a process that ended: %v", err)
		}
	}
}

func TestDiffer(t *testing.T) {
	interp := &Outcome{R0: 1<<32 | 5, Packet: "00ff", Maps: []string{"a 00=01", "a 01=02"}}
	for _, tt := range []struct {
		name string
		o    Outcome
		want string
	}{
		{"equal", *interp, ""},
		{"of a kernel", Outcome{R0: 5, Narrow: true, Packet: "00ff", Maps: interp.Maps}, ""},
		{"only r0 is known", Outcome{R0: 1<<32 | 5}, ""},
		{"r0", Outcome{R0: 5}, "r0 is 0x5"},
		{"packet", Outcome{R0: 1<<32 | 5, Packet: "00fe"}, "the packet is 00fe"},
		{"value", Outcome{R0: 1<<32 | 5, Maps: []string{"a 00=01", "a 01=03"}}, "map element 1 of 2 is not a 01=02"},
		{"less", Outcome{R0: 1<<32 | 5, Maps: []string{"a 00=01"}}, "map element 1 of 1"},
		{"more", Outcome{R0: 1<<32 | 5, Maps: append(append([]string{}, interp.Maps...), "a 02=00")}, "there are 3 map elements"},
	} {
		if got := tt.o.Differ(interp); !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
