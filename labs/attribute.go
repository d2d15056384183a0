package labs

import (
	"strconv"
	"strings"
)

// attributes are the words behind a directive's name or in a fence's info
// string: name=value, name="quoted value", and bare words in their order.
type attributes struct {
	words []string
	named []attribute
}

type attribute struct {
	name, value string
	col         int // byte from 0 in what was read
}

func (a *attributes) get(name string) string {
	for _, n := range a.named {
		if n.name == name {
			return n.value
		}
	}
	return ""
}

func (a *attributes) word(i int) string {
	if i < len(a.words) {
		return a.words[i]
	}
	return ""
}

// unknown is the first attribute that is none of the allowed.
func (a *attributes) unknown(allowed ...string) (attribute, bool) {
next:
	for _, n := range a.named {
		for _, ok := range allowed {
			if n.name == ok {
				continue next
			}
		}
		return n, true
	}
	return attribute{}, false
}

// readAttributes splits s; col is where it went wrong when msg is not empty.
func readAttributes(s string) (a attributes, col int, msg string) {
	for i := 0; ; {
		for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\r' || s[i] == '\n') {
			i++
		}
		if i == len(s) {
			return a, 0, ""
		}
		if s[i] == '"' {
			v, n, ok := quotedPrefix(s[i:])
			if !ok {
				return a, i, "the text that begins here has no end: a \" is missing"
			}
			a.words = append(a.words, v)
			i += n
			continue
		}
		from := i
		for i < len(s) && s[i] != ' ' && s[i] != '\t' && s[i] != '=' && s[i] != '\n' {
			i++
		}
		word := s[from:i]
		if i == len(s) || s[i] != '=' || strings.HasSuffix(word, "~") {
			for i < len(s) && s[i] != ' ' && s[i] != '\t' && s[i] != '\n' {
				i++
			}
			a.words = append(a.words, s[from:i])
			continue
		}
		i++
		v, n, ok := quotedPrefix(s[i:])
		if !ok {
			if i < len(s) && s[i] == '"' {
				return a, i, "the text that begins here has no end: a \" is missing"
			}
			for n = i; n < len(s) && s[n] != ' ' && s[n] != '\t' && s[n] != '\n'; n++ {
			}
			v, n = s[i:n], n-i
		}
		a.named = append(a.named, attribute{word, v, from})
		i += n
	}
}

// quotedPrefix is the text in quotes that s begins with and its length there.
func quotedPrefix(s string) (v string, n int, ok bool) {
	lit, err := strconv.QuotedPrefix(s)
	if err != nil || lit[0] != '"' {
		return "", 0, false
	}
	v, err = strconv.Unquote(lit)
	return v, len(lit), err == nil
}
