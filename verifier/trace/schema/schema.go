// Package schema describes the binary form of a verification's trace once.
// The generator beside it (../gen.go) writes from it the records with their
// coders in Go (../zrecord.go) and the same in TypeScript
// (web/src/trace/zrecord.ts), which are never edited; a test fails when they
// are stale.
//
// Wire forms, in field order:
//
//	u         unsigned LEB128 of at most 32 bits
//	z         zigzag LEB128 of at most 32 bits
//	U, Z      the same of at most 64 bits
//	bool      one byte, 0 or 1
//	enum      one byte, the index into Enum.Values
//	str       u length, then UTF-8
//	[]T       u count, then the elements
//	struct    its fields; of a Sparse struct first a u whose bits say which
//	          fields follow, the others are zero (Bounds: without limits)
//	Bounds    a struct whose coder is written by hand, see ../bounds.go
//
// Changing anything means raising Version: a reader refuses other versions.
//
// Read next: table.go (the description), ../doc.go (what the records mean).
package schema

// Version of the format, behind the four bytes of Magic.
const (
	Version = 2
	Magic   = "SKtr"
)

// Enum is a closed list of words: a uint8 in Go, a union of strings in TypeScript.
type Enum struct {
	Name   string
	Doc    string
	Values []Value
	// Engine says that the verifier itself uses it: it is then package
	// verifier's (../../ztrace.go).
	Engine bool
}

// Value is one word of an Enum; its number is its position.
type Value struct{ Name, Doc string }

// Struct is a record of fields in wire order.
type Struct struct {
	Name   string
	Doc    string
	Sparse bool
	Fields []Field
}

// Field of a struct. Name is camelCase as in TypeScript; Type is one of the
// wire forms of the package comment, the name of an Enum or Struct, or []T.
type Field struct{ Name, Type, Doc string }

// Check returns the first mistake in the tables, "" when they are sound.
func Check() string {
	seen := map[string]bool{}
	for _, e := range Enums {
		if seen[e.Name] || len(e.Values) == 0 || len(e.Values) > 255 {
			return "enum " + e.Name + ": name used twice, or not 1 to 255 values"
		}
		seen[e.Name] = true
	}
	for _, s := range Structs {
		if seen[s.Name] {
			return "struct " + s.Name + ": name used twice"
		}
		if s.Sparse && len(s.Fields) > 31 {
			return "struct " + s.Name + ": too many fields for its bits"
		}
		for _, f := range s.Fields {
			t := element(f.Type)
			// A struct comes behind those it holds, so that none holds itself.
			if basic(t) == nil && !seen[t] {
				return "struct " + s.Name + ": field " + f.Name + ": unknown type " + t
			}
		}
		seen[s.Name] = true
	}
	return ""
}

// wireForm is a basic type in both languages.
type wireForm struct {
	word   string
	goType string
	tsType string
	method string // of reader and writer
	zero   string // in TypeScript
}

var wireForms = []wireForm{
	{"u", "uint32", "number", "U32", "0"},
	{"z", "int32", "number", "Z32", "0"},
	{"U", "uint64", "bigint", "U64", "0n"},
	{"Z", "int64", "bigint", "Z64", "0n"},
	{"bool", "bool", "boolean", "Bool", "false"},
	{"str", "string", "string", "Str", "''"},
	{"Bounds", "verifier.Bounds", "Bounds", "Bounds", "unbounded"},
}

func basic(t string) *wireForm {
	for i := range wireForms {
		if wireForms[i].word == t {
			return &wireForms[i]
		}
	}
	return nil
}

func element(t string) string {
	if len(t) > 2 && t[:2] == "[]" {
		return t[2:]
	}
	return t
}

func isEnum(t string) bool {
	for i := range Enums {
		if Enums[i].Name == t {
			return true
		}
	}
	return false
}

// minSize is the least number of bytes that a value of type t takes: readers
// refuse counts that cannot be true before they allocate.
func minSize(t string) int {
	for i := range Structs {
		s := &Structs[i]
		if s.Name != t || s.Sparse {
			continue
		}
		n := 0
		for _, f := range s.Fields {
			n += minSize(f.Type)
		}
		return n
	}
	return 1
}
