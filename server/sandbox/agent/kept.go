//go:build linux

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"skep/server/sandbox/bpf"
	"skep/server/sandbox/proto"
)

// keep puts a program under a name that later calls use, replacing an older one.
func (a *agent) keep(name string, l *loaded) {
	if old := a.kept[name]; old != nil {
		old.close()
	}
	l.name = name
	a.kept[name] = l
}

func (a *agent) program(name string) (*loaded, error) {
	if l := a.kept[name]; l != nil {
		return l, nil
	}
	if name == "" && len(a.kept) == 1 {
		for _, l := range a.kept {
			return l, nil
		}
	}
	return nil, fmt.Errorf("program %q: not loaded", name)
}

// ebpfProgram is a second handle on a kept program for the link library.
func (l *loaded) ebpfProgram() (*ebpf.Program, error) {
	fd, err := unix.FcntlInt(uintptr(l.prog), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, err
	}
	return ebpf.NewProgramFromFD(fd)
}

// findMap finds a kept map by name.
func (a *agent) findMap(name string) (int, *proto.Map, error) {
	for _, l := range a.kept {
		for i := range l.spec {
			if l.spec[i].Name == name {
				return l.maps[i], &l.spec[i], nil
			}
		}
	}
	return 0, nil, fmt.Errorf("map %q: not loaded", name)
}

func (a *agent) ebpfMap(name string) (*ebpf.Map, error) {
	fd, _, err := a.findMap(name)
	if err != nil {
		return nil, err
	}
	if fd, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3); err != nil {
		return nil, err
	}
	return ebpf.NewMapFromFD(fd)
}

// dumpMaps reads one map, or all in the order of their names.
func (a *agent) dumpMaps(p proto.NameParams) (any, error) {
	if p.Name != "" {
		fd, m, err := a.findMap(p.Name)
		if err != nil {
			return nil, err
		}
		return []proto.MapDump{dump(fd, m)}, nil
	}
	dumps := []proto.MapDump{}
	seen := map[string]bool{}
	for _, l := range a.kept {
		for i := range l.spec {
			if name := l.spec[i].Name; !seen[name] {
				seen[name] = true
				dumps = append(dumps, dump(l.maps[i], &l.spec[i]))
			}
		}
	}
	slices.SortFunc(dumps, func(x, y proto.MapDump) int { return strings.Compare(x.Name, y.Name) })
	return dumps, nil
}

func (a *agent) updateMap(p proto.UpdateParams) (any, error) {
	fd, m, err := a.findMap(p.Map)
	if err != nil {
		return nil, err
	}
	if len(p.Key) != int(m.KeySize) || !p.Delete && len(p.Value) < int(m.ValueSize) {
		return nil, fmt.Errorf("map %q: key of %d and value of %d bytes, want %d and %d", p.Map, len(p.Key), len(p.Value), m.KeySize, m.ValueSize)
	}
	if p.Delete {
		return nil, bpf.MapDelete(fd, p.Key)
	}
	return nil, bpf.MapUpdate(fd, p.Key, p.Value, p.Flags)
}

func (a *agent) testRun(p proto.RunParams, tail []byte) (any, error) {
	l, err := a.program(p.Name)
	if err != nil {
		return nil, err
	}
	if p.Data < 0 || p.Ctx < 0 || p.Data+p.Ctx != len(tail) {
		return nil, errors.New("run: lengths do not match the tail")
	}
	var v proto.VerdictMsg
	data, ctx := l.run(&proto.Program{Run: &proto.Run{Data: tail[:p.Data], Ctx: tail[p.Data:], Repeat: p.Repeat}}, &v)
	return proto.RunResult{Errno: v.RunErrno, Ret: v.Ret, NS: v.RunNS, Data: data, Ctx: ctx}, nil
}
