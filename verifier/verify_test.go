package verifier

import (
	"bytes"
	"context"
	"errors"
	"math/rand"
	"strings"
	"testing"
	"time"
	"unsafe"

	"skep/verifier/progen"
	"skep/vm/hook"
	"skep/vm/isa"
)

func mov(dst uint8, imm int32) isa.Insn {
	return isa.Insn{Op: isa.ClassALU64 | isa.OpMov, Dst: dst, Imm: imm}
}

var exit = isa.Insn{Op: isa.ClassJMP | isa.JmpExit}

func TestVerifyLevels(t *testing.T) {
	p := &Program{Type: hook.SocketFilter, GPL: true, Insns: []isa.Insn{mov(0, 1), exit}}
	for _, c := range []struct {
		level int
		want  string
	}{
		{0, ""},
		{LogLevel1, "processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n"},
		{LogStats, "verification time 0 usec\nstack depth 0\nprocessed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n"},
		{LogLevel2, "func#0 @0\n0: R1=ctx() R10=fp0\n0: (b7) r0 = 1                        ; R0_w=1\n1: (95) exit\nprocessed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n"},
	} {
		res, err := Verify(p, Config{LogLevel: c.level})
		if err != nil {
			t.Fatal(err)
		}
		if res.Verdict != Accepted || string(res.Log) != c.want {
			t.Errorf("level %d: %v\n%s\nwant\n%s", c.level, res.Verdict, res.Log, c.want)
		}
	}
}

func TestMessageWithoutLog(t *testing.T) {
	res, err := Verify(&Program{Type: hook.SocketFilter, GPL: true, Insns: []isa.Insn{exit}}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if res.Verdict != Rejected || res.Errno != 13 || res.Message != "R0 !read_ok" || len(res.Log) != 0 {
		t.Errorf("%+v", res)
	}
}

// loop never ends: r0 counts, and the bound is unknown.
func endlessLoop() *Program {
	return &Program{Type: hook.SocketFilter, GPL: true, Insns: []isa.Insn{
		mov(0, 0),
		{Op: isa.ClassALU64 | isa.OpAdd, Dst: 0, Imm: 1},
		{Op: isa.ClassJMP | isa.JmpNe, Dst: 0, Off: -2, Imm: 1 << 30},
		exit,
	}}
}

func TestTooManyInsns(t *testing.T) {
	res, err := Verify(endlessLoop(), Config{LogLevel: LogStats})
	if err != nil {
		t.Fatal(err)
	}
	if res.Verdict != Rejected || res.Errno != 7 || !strings.HasPrefix(res.Message, "BPF program is too large. Processed 1000001 insn") {
		t.Errorf("%v %v %q", res.Verdict, res.Errno, res.Message)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Verify(endlessLoop(), Config{Context: ctx}); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
}

func TestStages(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range stages {
		if s.name == "" || s.doc == "" || s.fn == nil || seen[s.name] {
			t.Errorf("stage %+v", s)
		}
		seen[s.name] = true
	}
}

// TestEveryOpcode: no instruction of the table makes the verifier panic or
// call a known opcode unknown.
func TestEveryOpcode(t *testing.T) {
	for i := range isa.Table {
		r := &isa.Table[i]
		in := isa.Insn{Op: r.Op, Src: r.Src, Off: r.Off, Imm: r.Imm}
		prog := []isa.Insn{in}
		if in.IsWide() {
			prog = append(prog, isa.Insn{})
		}
		prog = append(prog, mov(0, 0), exit)
		res, err := Verify(&Program{Type: hook.SocketFilter, GPL: true, Insns: prog}, Config{LogLevel: LogLevel2})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(res.Log), "unknown opcode") && r.Since != "" && r.Since < "6.13" && r.Form != isa.FormNone {
			t.Errorf("%s: %s", r.Name, res.Log)
		}
	}
}

func fromProgen(g *progen.Program) *Program {
	typ, _ := hook.ByName(g.Type)
	p := &Program{Type: typ, GPL: true, Insns: g.Insns}
	for _, m := range g.Maps {
		mt, _ := mapTypeByName(m.Type)
		p.Maps = append(p.Maps, MapInfo{Name: m.Name, Type: mt, KeySize: m.Key, ValueSize: m.Value, MaxEntries: m.MaxEntries})
	}
	return p
}

// TestMetamorphic: what must not change a verdict does not. A privileged user
// may all that an unprivileged one may; a checkpoint at every branch changes
// counters only; the log changes nothing; a run is deterministic.
func TestMetamorphic(t *testing.T) {
	for seed := int64(1); seed <= 400; seed++ {
		p := fromProgen(progen.New(progen.Config{Seed: seed, Bad: 0.05}))
		res := mustVerify(t, p, Config{})
		logged := mustVerify(t, p, Config{LogLevel: LogLevel2 | LogStats})
		again := mustVerify(t, p, Config{LogLevel: LogLevel2 | LogStats})
		if res.Verdict != logged.Verdict || res.Errno != logged.Errno || res.InsnProcessed != logged.InsnProcessed {
			t.Errorf("seed %d: log changes the verdict", seed)
		}
		if !bytes.Equal(logged.Log, again.Log) {
			t.Errorf("seed %d: two runs, two logs", seed)
		}
		freq := *p
		freq.Flags |= FlagTestStateFreq
		if f := mustVerify(t, &freq, Config{}); f.Verdict != res.Verdict {
			t.Errorf("seed %d: %v, with a checkpoint at each branch %v (%s)", seed, res.Verdict, f.Verdict, f.Message)
		}
		sf := *p
		sf.Type = hook.SocketFilter
		priv, unpriv := mustVerify(t, &sf, Config{}), mustVerify(t, &sf, Config{Privilege: Unprivileged})
		if unpriv.Verdict == Accepted && priv.Verdict != Accepted {
			t.Errorf("seed %d: accepted only from a user without capabilities: %s", seed, priv.Message)
		}
	}
}

func mustVerify(t *testing.T, p *Program, cfg Config) *Result {
	t.Helper()
	res, err := Verify(p, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestRandomBytes: whatever the bytes, a verdict and no panic.
func TestRandomBytes(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for range 3000 {
		b := make([]byte, isa.Size*(1+rnd.Intn(20)))
		rnd.Read(b)
		verifyBytes(t, b, uint8(rnd.Intn(40)), uint8(rnd.Intn(3)))
	}
}

func verifyBytes(t *testing.T, b []byte, typ, priv uint8) {
	insns, err := isa.DecodeAll(b[:len(b)/isa.Size*isa.Size])
	if err != nil {
		t.Fatal(err)
	}
	if len(insns) > 4096 {
		return
	}
	p := &Program{Type: hook.ProgType(typ), Insns: insns, GPL: typ&1 != 0,
		Maps: []MapInfo{{Name: "m", Type: 1, KeySize: 4, ValueSize: 8, MaxEntries: 1}, {Name: "a", Type: 2, KeySize: 4, ValueSize: 16, MaxEntries: 1}}}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	cfg := Config{Privilege: Privilege(priv % 3), LogLevel: 6, LogMax: 1 << 16, Context: ctx, Facts: priv&4 != 0}
	if _, err := Verify(p, cfg); err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
}

func FuzzVerify(f *testing.F) {
	for seed := int64(1); seed <= 20; seed++ {
		p := progen.New(progen.Config{Seed: seed, Bad: 0.1})
		f.Add(isa.EncodeAll(p.Insns), uint8(hook.XDP), uint8(seed%2*4))
	}
	f.Fuzz(func(t *testing.T, b []byte, typ, priv uint8) { verifyBytes(t, b, typ, priv) })
}

func TestPoolSizes(t *testing.T) {
	for _, s := range []struct {
		what      string
		got, want uintptr
	}{
		{"State", unsafe.Sizeof(State{}), sizeState},
		{"FuncState", unsafe.Sizeof(FuncState{}), sizeFuncState},
		{"StackSlot", unsafe.Sizeof(StackSlot{}), sizeStackSlot},
		{"Ref", unsafe.Sizeof(Ref{}), sizeRef},
	} {
		if unsafe.Sizeof(uintptr(0)) == 8 && s.got != s.want {
			t.Errorf("%s has %d bytes, not %d", s.what, s.got, s.want)
		}
	}
}
