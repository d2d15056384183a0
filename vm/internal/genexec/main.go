// Command genexec writes the interpreter's switch, vm/zexec.go: from exec.tmpl,
// which holds what moves control, and the tables below, which hold the rest.
//
// Why generated: each case ends by going to the next instruction itself, which
// measured a third faster than one common end, and is nothing to repeat by
// hand a hundred times.
package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"go/format"
	"log"
	"os"
	"strings"
	"text/template"
)

//go:embed exec.tmpl
var text string

func main() {
	src, err := generate()
	if err == nil {
		err = os.WriteFile("zexec.go", src, 0o644)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func generate() ([]byte, error) {
	t, err := template.New("exec").Parse(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, map[string]string{"Cases": arithmetic() + jumps() + memory() + pairs()}); err != nil {
		return nil, err
	}
	return format.Source(b.Bytes())
}

// one is a case of the switch that goes on with the next instruction.
func one(kind, body string) string {
	return "case isa.Kind" + kind + ":\n" + body + "\nip = unsafe.Add(ip, opSize)\ncontinue\n"
}

// binary is the arithmetic operators that Go has alike.
var binary = []struct{ name, op string }{
	{"Add", "+"}, {"Sub", "-"}, {"Mul", "*"}, {"Or", "|"}, {"And", "&"}, {"Xor", "^"},
}

// unary is single instructions: d and s are the destination and source.
var unary = []struct{ kind, expr string }{
	{"Mov64Imm", "in.imm"},
	{"Mov64Reg", "s"},
	{"Neg64", "-d"},
	{"Lsh64Imm", "d << (in.imm & 63)"},
	{"Lsh64Reg", "d << (s & 63)"},
	{"Rsh64Imm", "d >> (in.imm & 63)"},
	{"Rsh64Reg", "d >> (s & 63)"},
	{"Arsh64Imm", "uint64(int64(d) >> (in.imm & 63))"},
	{"Arsh64Reg", "uint64(int64(d) >> (s & 63))"},
	{"MovSX8To64", "uint64(int64(int8(s)))"},
	{"MovSX16To64", "uint64(int64(int16(s)))"},
	{"MovSX32To64", "uint64(int64(int32(s)))"},
	{"Mov32Imm", "uint64(uint32(in.imm))"},
	{"Mov32Reg", "uint64(s32)"},
	{"Lsh32Imm", "uint64(d32 << (in.imm & 31))"},
	{"Lsh32Reg", "uint64(d32 << (s32 & 31))"},
	{"Rsh32Imm", "uint64(d32 >> (in.imm & 31))"},
	{"Rsh32Reg", "uint64(d32 >> (s32 & 31))"},
	{"Arsh32Imm", "uint64(uint32(int32(d32) >> (in.imm & 31)))"},
	{"Arsh32Reg", "uint64(uint32(int32(d32) >> (s32 & 31)))"},
	{"LE16", "uint64(uint16(d))"},
	{"BE16", "uint64(bits.ReverseBytes16(uint16(d)))"},
}

// regs puts the register file in place of d, s, d32 and s32.
var regs = strings.NewReplacer(
	"d32", "*reg32(rp, in.dst)", "s32", "*reg32(rp, in.src)",
	"(d)", "(*reg(rp, in.dst))", "(s)", "(*reg(rp, in.src))", "(s ", "(*reg(rp, in.src) ",
)

func expr(e string) string {
	switch {
	case e == "s":
		return "*reg(rp, in.src)"
	case strings.HasPrefix(e, "-d"):
		return "-*reg(rp, in.dst)"
	case strings.HasPrefix(e, "d "):
		e = "*reg(rp, in.dst)" + e[1:]
	}
	return regs.Replace(e)
}

func arithmetic() string {
	var b strings.Builder
	for _, o := range binary {
		b.WriteString(one(o.name+"64Imm", "*reg(rp, in.dst) "+o.op+"= in.imm"))
		b.WriteString(one(o.name+"64Reg", "*reg(rp, in.dst) "+o.op+"= *reg(rp, in.src)"))
		b.WriteString(one(o.name+"32Imm", "*reg(rp, in.dst) = uint64(*reg32(rp, in.dst) "+o.op+" uint32(in.imm))"))
		b.WriteString(one(o.name+"32Reg", "*reg(rp, in.dst) = uint64(*reg32(rp, in.dst) "+o.op+" *reg32(rp, in.src))"))
	}
	for _, o := range unary {
		b.WriteString(one(o.kind, "*reg(rp, in.dst) = "+expr(o.expr)))
	}
	for _, o := range []struct{ name, op, zero string }{
		{"Div64", "/", "*reg(rp, in.dst) = 0"}, {"Mod64", "%", ""},
	} {
		for _, v := range []struct{ suffix, src string }{{"Imm", "in.imm"}, {"Reg", "*reg(rp, in.src)"}} {
			body := "if v := " + v.src + "; v != 0 {\n*reg(rp, in.dst) " + o.op + "= v\n}"
			if o.zero != "" {
				body += " else {\n" + o.zero + "\n}"
			}
			b.WriteString(one(o.name+v.suffix, body))
		}
	}
	return b.String()
}

func jumps() string {
	var b strings.Builder
	for _, width := range []string{"64", "32"} {
		reg, imm, signed := "reg", "in.imm", "int64"
		if width == "32" {
			reg, imm, signed = "reg32", "uint32(in.imm)", "int32"
		}
		dst, src := "*"+reg+"(rp, in.dst)", "*"+reg+"(rp, in.src)"
		for _, c := range []struct{ name, cond string }{
			{"JEq", "%s == %s"}, {"JNe", "%s != %s"}, {"JGt", "%s > %s"}, {"JGe", "%s >= %s"},
			{"JLt", "%s < %s"}, {"JLe", "%s <= %s"}, {"JSet", "%s&%s != 0"},
			{"JSgt", "S(%s) > S(%s)"}, {"JSge", "S(%s) >= S(%s)"}, {"JSlt", "S(%s) < S(%s)"}, {"JSle", "S(%s) <= S(%s)"},
		} {
			cond := strings.ReplaceAll(c.cond, "S(", signed+"(")
			for _, v := range []struct{ suffix, src string }{{"Imm", imm}, {"Reg", src}} {
				b.WriteString(one(c.name+width+v.suffix, "if "+fmt.Sprintf(cond, dst, v.src)+" {\ngoto taken\n}"))
			}
		}
	}
	return b.String()
}

// memory is the plain loads and stores: inside the current frame, or else the
// last window, or else what reach finds.
func memory() string {
	var b strings.Builder
	for _, a := range []struct{ prefix, base, win, perm, body string }{
		{"Ldx", "src", "rd", "Read", "*reg(rp, in.dst) = uint64(*(*%[1]s)(unsafe.Add(x.mem, uintptr(a))))"},
		{"Stx", "dst", "wr", "Write", "*(*%[1]s)(unsafe.Add(x.mem, uintptr(a))) = %[1]s(*reg(rp, in.src))"},
		{"St", "dst", "wr", "Write", "*(*%[1]s)(unsafe.Add(x.mem, uintptr(a))) = %[1]s(in.imm)"},
	} {
		for _, s := range []struct {
			suffix, typ string
			n           int
		}{{"B", "uint8", 1}, {"H", "uint16", 2}, {"W", "uint32", 4}, {"DW", "uint64", 8}} {
			check := fmt.Sprintf("a := *reg(rp, in.%s) + uint64(int64(in.off))\n"+
				"if a-x.stk > FrameSize-%d && a-m.%s.lo >= m.%s.n%d && !m.reach(a, %d, arena.%s) {\ngoto stop\n}\n",
				a.base, s.n, a.win, a.win, s.n, s.n, a.perm)
			b.WriteString(one(a.prefix+s.suffix, check+fmt.Sprintf(a.body, s.typ)))
		}
	}
	return b.String()
}

// pairs is two instructions at once: see vm/fuse.go. The second one is next.
func pairs() string {
	var b strings.Builder
	const next = "next := (*op)(unsafe.Add(ip, opSize))\n"
	const end = "ip = unsafe.Add(ip, 2*opSize)\ncontinue\n"
	for _, p := range []struct{ kind, expr string }{
		{"opMovAdd", "*reg(rp, in.src) + next.imm"},
		{"opMovLsh", "*reg(rp, in.src) << (next.imm & 63)"},
		{"opMovRsh", "*reg(rp, in.src) >> (next.imm & 63)"},
		{"opMovAnd", "*reg(rp, in.src) & next.imm"},
		{"opLshRsh", "*reg(rp, in.dst) << (in.imm & 63) >> (next.imm & 63)"},
	} {
		b.WriteString("case " + p.kind + ":\n" + next + "*reg(rp, in.dst) = " + p.expr + "\n" + end)
	}
	for _, p := range []struct{ kind, cond string }{
		{"opAddJNeImm", "!= next.imm"},
		{"opAddJNeReg", "!= *reg(rp, next.src)"},
		{"opAddJLtImm", "< next.imm"},
		{"opAddJLtReg", "< *reg(rp, next.src)"},
	} {
		b.WriteString("case " + p.kind + ":\n" + next + "*reg(rp, in.dst) += in.imm\nif *reg(rp, next.dst) " + p.cond +
			" {\nip = unsafe.Add(ip, opSize)\ngoto taken\n}\n" + end)
	}
	return b.String()
}
