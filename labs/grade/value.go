package grade

import (
	"strconv"
	"strings"
)

// value is what a term comes to: a number, or text.
type value struct {
	num  int64
	text string
	str  bool
	any  bool // some text of a list: the comparison decides which
	list []string
}

func number(n int64) value { return value{num: n} }
func text(s string) value  { return value{text: s, str: true} }

func (v value) String() string {
	switch {
	case v.any:
		return strconv.Itoa(len(v.list)) + " lines"
	case v.str:
		return strconv.Quote(v.text)
	}
	return strconv.FormatInt(v.num, 10)
}

// holds says whether a op b. Text is compared byte for byte; ~= is "contains".
func holds(a value, op string, b value) bool {
	if a.any {
		for _, line := range a.list {
			if holds(text(line), op, b) {
				return true
			}
		}
		return false
	}
	if op == "~=" {
		return strings.Contains(a.printed(), b.printed())
	}
	if a.str != b.str {
		return op == "!="
	}
	c := 0
	switch {
	case a.str:
		c = strings.Compare(a.text, b.text)
	case a.num < b.num:
		c = -1
	case a.num > b.num:
		c = 1
	}
	switch op {
	case "==":
		return c == 0
	case "!=":
		return c != 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	}
	return false
}

func (v value) printed() string {
	if v.str {
		return v.text
	}
	return v.String()
}

// read decodes a little-endian field; more than eight bytes are shown as hex.
func (f Field) read(b []byte) value {
	if f.Offset < 0 || f.Size <= 0 || f.Offset > len(b) || f.Size > len(b)-f.Offset {
		return text("")
	}
	b = b[f.Offset : f.Offset+f.Size]
	if f.Text {
		s, _, _ := strings.Cut(string(b), "\x00")
		return text(s)
	}
	return scalar(b, f.Signed)
}

func scalar(b []byte, signed bool) value {
	if len(b) > 8 {
		return text(encodeHex(b))
	}
	var n uint64
	for i := len(b) - 1; i >= 0; i-- {
		n = n<<8 | uint64(b[i])
	}
	if signed && len(b) > 0 && len(b) < 8 && b[len(b)-1]&0x80 != 0 {
		n |= ^uint64(0) << (8 * len(b))
	}
	return number(int64(n))
}
