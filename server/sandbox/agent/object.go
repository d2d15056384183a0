//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"skep/server/sandbox/proto"
)

// object loads every program and map of an ELF file from clang. The first program that the verifier refuses ends it.
func (a *agent) object(p proto.ObjectParams, elf []byte) (any, error) {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(elf))
	if err != nil {
		return nil, fmt.Errorf("object: %w", err)
	}
	if p.LogLevel == 0 {
		p.LogLevel = 1
	}
	opts := ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{LogLevel: ebpf.LogLevel(p.LogLevel), LogSizeStart: 1 << 20}}
	var coll *ebpf.Collection
	if aerr := as(p.Privilege, func() { coll, err = ebpf.NewCollectionWithOptions(spec, opts) }); aerr != nil {
		return nil, aerr
	}
	if err != nil {
		r := proto.ObjectResult{Errno: errnoOf(err), Error: err.Error()}
		var ve *ebpf.VerifierError
		if errors.As(err, &ve) {
			r.Log = strings.Join(ve.Log, "\n") + "\n"
		}
		return r, nil
	}
	defer coll.Close()
	return a.keepCollection(spec, coll)
}

// keepCollection keeps every program under its own name, each with handles on all maps.
func (a *agent) keepCollection(spec *ebpf.CollectionSpec, coll *ebpf.Collection) (any, error) {
	var r proto.ObjectResult
	for name := range coll.Maps {
		r.Maps = append(r.Maps, name)
	}
	sort.Strings(r.Maps)
	for name, prog := range coll.Programs {
		fd, err := unix.FcntlInt(uintptr(prog.FD()), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			return nil, err
		}
		l := &loaded{prog: fd, typ: uint32(prog.Type()), section: spec.Programs[name].SectionName, attachType: uint32(spec.Programs[name].AttachType)}
		for _, mname := range r.Maps {
			m := coll.Maps[mname]
			mfd, err := unix.FcntlInt(uintptr(m.FD()), unix.F_DUPFD_CLOEXEC, 3)
			if err != nil {
				return nil, err
			}
			l.maps = append(l.maps, mfd)
			l.spec = append(l.spec, proto.Map{Name: mname, Type: uint32(m.Type()), KeySize: m.KeySize(), ValueSize: m.ValueSize(), MaxEntries: m.MaxEntries()})
		}
		a.keep(name, l)
		r.Programs = append(r.Programs, proto.ObjectProgram{Name: name, Section: l.section, Type: prog.Type().String(), Log: prog.VerifierLog})
	}
	sort.Slice(r.Programs, func(i, j int) bool { return r.Programs[i].Name < r.Programs[j].Name })
	return r, nil
}
