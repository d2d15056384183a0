//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"skep/server/sandbox/bpf"
	"skep/server/sandbox/proto"
)

// Map types that need care (enum bpf_map_type), and program types (enum bpf_prog_type).
const (
	mapHash           = 1
	mapArray          = 2
	mapProgArray      = 3
	mapPerfEventArray = 4
	mapPercpuHash     = 5
	mapPercpuArray    = 6
	mapStackTrace     = 7
	mapCgroupArray    = 8
	mapLRUHash        = 9
	mapLRUPercpuHash  = 10
	mapLPMTrie        = 11
	mapArrayOfMaps    = 12
	mapHashOfMaps     = 13
	mapQueue          = 22
	mapStack          = 23
	mapRingbuf        = 27
	mapBloomFilter    = 30
	mapArena          = 33

	progRawTracepoint         = 17
	progRawTracepointWritable = 24
	progSyscall               = 31
	progSKLookup              = 30

	dumpEntries = 4096
	dumpBytes   = 1 << 20
)

// makeMap creates a map, its content and, for a map of maps, its inner map.
//
// A map of an unprivileged program is made by that user, because the verifier trusts a map by its maker (Spectre masking, special
// fields); where the kernel refuses that, root makes it, as a privileged service would for its users.
func (a *agent) makeMap(m *proto.Map, who proto.Privilege, v *proto.VerdictMsg) (int, error) {
	attr := bpf.MapCreateAttr{Type: m.Type, KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries,
		Flags: m.Flags, Name: bpf.ObjName(m.Name), Extra: m.Extra}
	if m.Inner != nil {
		fd, err := a.makeMap(m.Inner, who, v)
		if err != nil {
			return -1, fmt.Errorf("inner: %w", err)
		}
		defer unix.Close(fd) // the outer map holds what it needs of it
		attr.InnerFD = uint32(fd)
	}
	if m.BTF != "" && (m.KeyTypeID != 0 || m.ValueTypeID != 0) {
		if fd, err := a.btfFD(m.BTF); err == nil {
			attr.BTFFD, attr.KeyTypeID, attr.ValueTypeID = uint32(fd), m.KeyTypeID, m.ValueTypeID
		} else {
			v.Notes = append(v.Notes, "map "+m.Name+": without BTF: "+err.Error())
		}
	}
	fd, err := mapCreateAs(who, &attr)
	if err != nil && attr.BTFFD != 0 {
		// As libbpf does: many map types take no BTF.
		plain := attr
		plain.BTFFD, plain.KeyTypeID, plain.ValueTypeID = 0, 0, 0
		var perr error
		if fd, perr = mapCreateAs(who, &plain); perr == nil {
			v.Notes = append(v.Notes, "map "+m.Name+": without BTF: "+err.Error())
			err = nil
		}
	}
	if errors.Is(err, unix.EPERM) && who != proto.Root {
		fd, err = bpf.MapCreate(&attr)
	}
	if err != nil {
		return -1, err
	}
	if err := fill(fd, m); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func mapCreateAs(who proto.Privilege, attr *bpf.MapCreateAttr) (fd int, err error) {
	if aerr := as(who, func() { fd, err = bpf.MapCreate(attr) }); aerr != nil {
		return -1, aerr
	}
	return fd, err
}

// fill writes a map's initial content and freezes it when asked.
func fill(fd int, m *proto.Map) error {
	if n := int(m.ValueSize); n > 0 && len(m.Data) > 0 {
		var key [4]byte
		for i := 0; i*n < len(m.Data) && i < int(m.MaxEntries); i++ {
			binary.LittleEndian.PutUint32(key[:], uint32(i))
			val := m.Data[i*n:]
			if len(val) < n {
				val = append(append([]byte{}, val...), make([]byte, n-len(val))...)
			}
			if err := bpf.MapUpdate(fd, key[:], val[:n], 0); err != nil {
				return fmt.Errorf("data of element %d: %w", i, err)
			}
		}
	}
	for i, e := range m.Entries {
		if len(e.Key) != int(m.KeySize) || len(e.Value) < int(m.ValueSize) {
			return fmt.Errorf("entry %d: key of %d and value of %d bytes, want %d and %d", i, len(e.Key), len(e.Value), m.KeySize, m.ValueSize)
		}
		if err := bpf.MapUpdate(fd, e.Key, e.Value, 0); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
	}
	if m.Frozen {
		if err := bpf.MapFreeze(fd); err != nil {
			return fmt.Errorf("freeze: %w", err)
		}
	}
	return nil
}

// possibleCPUs is the number of values of a per-CPU element.
var possibleCPUs = func() int {
	b, err := os.ReadFile("/sys/devices/system/cpu/possible")
	if err != nil {
		return 1
	}
	_, hi, ok := strings.Cut(strings.TrimSpace(string(b)), "-")
	n, err := strconv.Atoi(hi)
	if !ok || err != nil {
		return 1
	}
	return n + 1
}

func perCPU(typ uint32) bool {
	return typ == mapPercpuHash || typ == mapPercpuArray || typ == mapLRUPercpuHash || typ == 21 // percpu_cgroup_storage
}

// dump reads a map's elements in the kernel's order, bounded in number and bytes.
func dump(fd int, m *proto.Map) proto.MapDump {
	d := proto.MapDump{Name: m.Name, Type: m.Type}
	switch m.Type {
	case mapRingbuf, mapPerfEventArray, mapBloomFilter, mapArena, mapQueue, mapStack, 31: // user_ringbuf
		return d
	}
	size := int(m.ValueSize)
	if perCPU(m.Type) {
		size = (size + 7) / 8 * 8 * possibleCPUs()
	}
	var prev []byte
	for total := 0; ; {
		key := make([]byte, m.KeySize)
		if err := bpf.MapNextKey(fd, prev, key); err != nil {
			if !errors.Is(err, unix.ENOENT) {
				d.Error = err.Error()
			}
			return d
		}
		prev = key
		val := make([]byte, size)
		if err := bpf.MapLookup(fd, key, val); err != nil {
			if errors.Is(err, unix.ENOENT) { // an empty slot of an array of maps or programs
				continue
			}
			d.Error = err.Error()
			return d
		}
		d.Entries = append(d.Entries, proto.KV{Key: key, Value: val})
		if total += len(key) + len(val); total > dumpBytes || len(d.Entries) >= dumpEntries {
			d.Cut = true
			return d
		}
	}
}
