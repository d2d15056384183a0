package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"skep/server/sandbox"
	"skep/vm/btf"
	"skep/vm/kernel"
	"skep/vm/object"
)

// typeLine is a type of a list, for --json.
type typeLine struct {
	ID   btf.ID `json:"id"`
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`
	Size uint32 `json:"size,omitempty"` // bytes
}

// typeDef is one type in full, for --json.
type typeDef struct {
	typeLine
	C       string          `json:"c"`
	Members []typeMember    `json:"members,omitempty"`
	Values  []typeValue     `json:"values,omitempty"` // of an enum
	Value   json.RawMessage `json:"value,omitempty"`  // the bytes of -x
}

// typeMember is a member of a struct or union, or a variable of a section.
type typeMember struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Off  uint32 `json:"bit_offset"`
	Bits uint32 `json:"bits"`
}

type typeValue struct {
	Name  string `json:"name"`
	Value int64  `json:"value"` // an unsigned one above the range of int64 wraps
}

func runBTF(ctx context.Context, sh *shell, args []string) int {
	fs := sh.flags("btf", "[-kind K] [-match TEXT] [-x HEX] [--json] FILE|kernel[:VERSION]|builtin [TYPE]",
		"Prints types. FILE is an object of clang, C, or BTF as the kernel has it in /sys/kernel/btf;\nkernel is an installed sandbox kernel, builtin what the page knows of one. Without TYPE all are\nlisted; TYPE is a name (iphdr, \"struct iphdr\") or a number: its definition in C with offsets.")
	kind := fs.String("kind", "", "list only types of this kind: struct, enum, func, ...")
	match := fs.String("match", "", "list only types with this in the name")
	value := fs.String("x", "", "with TYPE: a value of it in hex, to be decoded")
	asJSON := fs.Bool("json", false, "a line of JSON a type")
	operands, code, ok := parse(fs, args)
	switch {
	case !ok:
		return code
	case len(operands) == 0 || len(operands) > 2:
		return sh.broken("btf", errors.New("a FILE, kernel or builtin is needed, then at most one TYPE"))
	case *value != "" && len(operands) == 1:
		return sh.broken("btf", errors.New("-x needs a TYPE to decode the bytes by"))
	}
	types, err := sh.loadTypes(ctx, operands[0])
	if err != nil {
		return sh.broken("btf", err)
	}
	if len(operands) == 1 {
		for t := range types.All() {
			if (*kind == "" || t.Kind().String() == *kind) && strings.Contains(t.Name(), *match) {
				sh.printType(types, t, *asJSON)
			}
		}
		return exitOK
	}
	found, err := findTypes(types, operands[1])
	if err != nil {
		return sh.broken("btf", fmt.Errorf("%s: %w", operands[0], err))
	}
	bits, err := unhex(*value)
	if err != nil {
		return sh.broken("btf", fmt.Errorf("-x: %w", err))
	}
	for i, t := range found {
		d := defineType(types, t)
		if *value != "" {
			d.Value = types.AppendValue(nil, t.ID(), bits)
		}
		switch {
		case *asJSON:
			sh.out.Write(marshal(d))
		case d.Value != nil:
			fmt.Fprintf(sh.out, "%s\n", d.Value)
		default:
			if i > 0 {
				fmt.Fprintln(sh.out)
			}
			fmt.Fprintln(sh.out, d.C)
		}
	}
	return exitOK
}

func (sh *shell) printType(types *btf.Spec, t btf.Type, asJSON bool) {
	l := describeType(types, t)
	if asJSON {
		sh.out.Write(marshal(l))
		return
	}
	text, _, cut := strings.Cut(types.TypeName(t.ID()), "\n")
	if cut { // a struct without name, written out
		text += " ... }"
	}
	fmt.Fprintf(sh.out, "%6d %-10s %s", l.ID, l.Kind, text)
	if l.Size > 0 {
		fmt.Fprintf(sh.out, ", %d bytes", l.Size)
	}
	fmt.Fprintln(sh.out)
}

// loadTypes finds the types that an operand names.
func (sh *shell) loadTypes(ctx context.Context, name string) (*btf.Spec, error) {
	if name == "builtin" {
		return kernel.Types(), nil
	}
	if version, ok := strings.CutPrefix(name, "kernel"); ok && (version == "" || version[0] == ':') {
		if version = strings.TrimPrefix(version, ":"); version == "" {
			version = sandbox.DefaultKernel
		}
		k, err := sandbox.FindKernel(version)
		if err != nil {
			return nil, err
		}
		b, err := os.ReadFile(k.BTFFile())
		if err != nil {
			return nil, fmt.Errorf("kernel %s: %w", version, err)
		}
		return btf.Parse(b)
	}
	b, err := sh.read(name)
	if err != nil {
		return nil, err
	}
	if filepath.Ext(name) == ".c" {
		if b, err = compileC(ctx, string(b)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if !bytes.HasPrefix(b, []byte("\x7fELF")) {
		types, err := btf.Parse(b)
		if err != nil {
			return nil, fmt.Errorf("%s: neither an object nor BTF: %w", name, err)
		}
		return types, nil
	}
	obj, err := object.Load(b)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case obj.BTF == nil:
		return nil, fmt.Errorf("%s: the object has no BTF: compile it with -g", name)
	}
	return obj.BTF, nil
}

// findTypes finds types by number, or by name with or without a keyword. A
// name that only forward declarations and others have gives the others.
func findTypes(types *btf.Spec, what string) ([]btf.Type, error) {
	if n, err := strconv.ParseUint(what, 10, 32); err == nil {
		if n == 0 || n >= uint64(types.Len()) {
			return nil, fmt.Errorf("there is no type %d: they go from 1 to %d", n, types.Len()-1)
		}
		return []btf.Type{types.Type(btf.ID(n))}, nil
	}
	keyword, name, ok := strings.Cut(what, " ")
	if !ok {
		keyword, name = "", what
	}
	var found, forward []btf.Type
	for t := range types.Named(name) {
		k := t.Kind().String()
		switch {
		case t.Kind() == btf.KindFwd:
			forward = append(forward, t)
		case keyword == "" || k == keyword || keyword == "enum" && t.Kind().IsEnum():
			found = append(found, t)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	if len(forward) > 0 {
		return nil, fmt.Errorf("%s is only declared here, not defined", what)
	}
	if near := nearTypes(types, name); len(near) > 0 {
		return nil, fmt.Errorf("there is no type %q; there are %s", what, strings.Join(near, ", "))
	}
	return nil, fmt.Errorf("there is no type %q", what)
}

// nearTypes are the shortest names that contain the one that was not found.
func nearTypes(types *btf.Spec, name string) (near []string) {
	const most = 5
	for t := range types.All() {
		if n := t.Name(); name != "" && strings.Contains(n, name) {
			near = append(near, n)
		}
	}
	slices.SortFunc(near, func(a, b string) int {
		if d := len(a) - len(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	near = slices.Compact(near)
	return near[:min(most, len(near))]
}

func describeType(types *btf.Spec, t btf.Type) typeLine {
	l := typeLine{ID: t.ID(), Kind: t.Kind().String(), Name: t.Name()}
	if !t.Kind().IsModifier() {
		l.Size, _ = types.Size(t.ID())
	}
	return l
}

func defineType(types *btf.Spec, t btf.Type) typeDef {
	d := typeDef{typeLine: describeType(types, t), C: string(types.AppendLayout(nil, t.ID()))}
	switch k := t.Kind(); {
	case k.IsComposite():
		for i := range t.Vlen() {
			m := t.Member(i)
			bits := m.Bits
			if bits == 0 {
				n, _ := types.Size(m.Type)
				bits = 8 * n
			}
			d.Members = append(d.Members, typeMember{m.Name, types.TypeName(m.Type), m.Offset, bits})
		}
	case k == btf.KindDatasec:
		for i := range t.Vlen() {
			v := t.SecVar(i)
			d.Members = append(d.Members, typeMember{types.Name(v.Type), types.TypeName(types.Type(v.Type).Target()), 8 * v.Offset, 8 * v.Size})
		}
	case k.IsEnum():
		for i := range t.Vlen() {
			e := t.Enumerator(i)
			d.Values = append(d.Values, typeValue{e.Name, int64(e.Value)})
		}
	}
	return d
}
