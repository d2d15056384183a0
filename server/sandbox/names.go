package sandbox

import (
	"fmt"
	"strconv"

	"skep/vm/hook"
	"skep/vm/maps"
)

// progType reads a program type: bpftool's name, a section name of libbpf, or the number of enum bpf_prog_type.
func progType(name string) (uint32, error) {
	if t, ok := hook.ByName(name); ok {
		return uint32(t), nil
	}
	if s, _, ok := hook.ParseSection(name); ok {
		return uint32(s.Type), nil
	}
	return number("prog_type", name)
}

// mapType reads a map type: bpftool's name, or the number of enum bpf_map_type.
func mapType(name string) (uint32, error) {
	if t, ok := maps.ByName(name); ok {
		return uint32(t), nil
	}
	return number("map type", name)
}

func number(what, name string) (uint32, error) {
	n, err := strconv.ParseUint(name, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%s %q: unknown", what, name)
	}
	return uint32(n), nil
}

// mapTypeName is the name that a guest's answer gets, or its number.
func mapTypeName(n uint32) string {
	if row := maps.Type(n).Row(); row != nil && n != 0 {
		return maps.Type(n).String()
	}
	return strconv.Itoa(int(n))
}
