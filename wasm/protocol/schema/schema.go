// Package schema describes the protocol between the page and the engine once:
// a table of enums, structs and messages. The generator beside it writes two
// files from the table, which are never edited: ../zmsg.go (Go structs with
// encoder and decoder) and web/src/engine/zprotocol.ts (TypeScript interfaces
// with the same). A test fails when they are stale.
//
// The wire form is little endian, in field order, without padding or tags:
//
//	u8 u16 u32 i32 u64    fixed size integers
//	bool                  one byte, 0 or 1
//	enum                  one byte, the index into Enum.Values
//	str, bytes            u32 length, then that many bytes (str: UTF-8)
//	[]T                   u32 count, then the elements
//	?T                    one byte 0 or 1, then T when 1
//	struct                its fields
//
// A frame is u8 version, u8 zero, u16 message id, u32 session, then the
// message. Changing the table in any way means raising Version: page and
// module always come from one build, so there is no negotiation beyond
// refusing another version.
//
// Read next: table.go (the description itself), golang.go and typescript.go
// (the writers), then the package wasm/protocol.
package schema

// Version of the protocol; the first byte of each frame.
const Version = 4

// HeaderSize is the length of the frame header in bytes.
const HeaderSize = 8

// Enum is a closed list of words: a uint8 in Go, a union of strings in TypeScript.
type Enum struct {
	Name   string
	Doc    string
	Values []Value
}

// Value is one word of an Enum; its number is its position.
type Value struct{ Name, Doc string }

// Struct is a record of fields in wire order.
type Struct struct {
	Name   string
	Doc    string
	Fields []Field
	// ID is the message number of a struct that is a whole message; else 0.
	ID uint16
	// Reply names the struct that answers this request; "" for replies.
	Reply string
	// Module names the module that a message is for when it is not the first
	// one: that then does not link its coder.
	Module string
}

// Field of a struct. Name is camelCase as in TypeScript; Type is one of the
// words of the package comment, or the name of an Enum or Struct, with [] or ?
// in front.
type Field struct{ Name, Type, Doc string }

// Check returns the first mistake in the tables: a type nobody defines, a
// name or id used twice, a reply that is no message. "" when they are sound.
func Check() string {
	names := make(map[string]bool)
	ids := make(map[uint16]string)
	for _, e := range Enums {
		if names[e.Name] {
			return "enum " + e.Name + ": name used twice"
		}
		names[e.Name] = true
		if len(e.Values) == 0 || len(e.Values) > 255 {
			return "enum " + e.Name + ": needs 1 to 255 values"
		}
	}
	for _, s := range Structs {
		if names[s.Name] {
			return "struct " + s.Name + ": name used twice"
		}
		names[s.Name] = true
		if s.ID != 0 {
			if other, ok := ids[s.ID]; ok {
				return "message " + s.Name + ": id also used by " + other
			}
			ids[s.ID] = s.Name
		}
	}
	for _, s := range Structs {
		if s.Reply != "" {
			r := find(s.Reply)
			if s.ID == 0 || r == nil || r.ID == 0 {
				return "message " + s.Name + ": reply " + s.Reply + " is not a message"
			}
		}
		for _, f := range s.Fields {
			t := f.Type
			for len(t) > 0 && (t[0] == '?' || t[0] == '[') {
				if t[0] == '?' {
					t = t[1:]
				} else {
					t = t[2:]
				}
			}
			if !isBasic(t) && !names[t] {
				return "struct " + s.Name + ": field " + f.Name + ": unknown type " + t
			}
			if f.Type[0] == '?' && find(t) == nil {
				return "struct " + s.Name + ": field " + f.Name + ": only structs may be optional"
			}
		}
	}
	return ""
}

func isBasic(t string) bool {
	switch t {
	case "u8", "u16", "u32", "i32", "u64", "bool", "str", "bytes":
		return true
	}
	return false
}

func find(name string) *Struct {
	for i := range Structs {
		if Structs[i].Name == name {
			return &Structs[i]
		}
	}
	return nil
}

func findEnum(name string) *Enum {
	for i := range Enums {
		if Enums[i].Name == name {
			return &Enums[i]
		}
	}
	return nil
}

// minSize is the least number of bytes a value of type t takes on the wire;
// decoders use it to refuse counts that cannot be true before they allocate.
func minSize(t string) int {
	switch {
	case t[0] == '?', t == "u8", t == "bool":
		return 1
	case t[0] == '[', t == "u32", t == "i32", t == "str", t == "bytes":
		return 4
	case t == "u16":
		return 2
	case t == "u64":
		return 8
	}
	if findEnum(t) != nil {
		return 1
	}
	n := 0
	for _, f := range find(t).Fields {
		n += minSize(f.Type)
	}
	return max(n, 1)
}
