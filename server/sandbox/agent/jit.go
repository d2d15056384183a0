//go:build linux

package main

import (
	"encoding/hex"
	"fmt"
	"runtime"
	"unsafe"

	"skep/server/sandbox/proto"
)

// progInfo is struct bpf_prog_info (include/uapi/linux/bpf.h).
type progInfo struct {
	Type, ID                    uint32
	Tag                         [8]byte
	JitedLen, XlatedLen         uint32
	Jited, Xlated               unsafe.Pointer
	LoadTime                    uint64
	UID, NrMapIDs               uint32
	MapIDs                      unsafe.Pointer
	Name                        [16]byte
	Ifindex, GPL                uint32
	NetnsDev, NetnsIno          uint64
	NrJitedKsyms, NrJitedLens   uint32
	JitedKsyms, JitedFuncLens   unsafe.Pointer
	BTFID, FuncInfoRecSize      uint32
	FuncInfo                    unsafe.Pointer
	NrFuncInfo, NrLineInfo      uint32
	LineInfo, JitedLineInfo     unsafe.Pointer
	NrJitedLineInfo             uint32
	LineInfoRecSize             uint32
	JitedLineInfoRecSize        uint32
	NrProgTags                  uint32
	ProgTags                    unsafe.Pointer
	RunTimeNS, RunCnt           uint64
	RecursionMisses             uint64
	VerifiedInsns, AttachBTFObj uint32
	AttachBTFID, _              uint32
}

func (i *progInfo) get(fd int) error {
	b := unsafe.Slice((*byte)(unsafe.Pointer(i)), unsafe.Sizeof(*i))
	_, err := objInfo(fd, b)
	return err
}

// jit asks for the sizes, then for the code.
func (a *agent) jit(p proto.NameParams) (any, error) {
	l, err := a.program(p.Name)
	if err != nil {
		return nil, err
	}
	var size progInfo
	if err := size.get(l.prog); err != nil {
		return nil, fmt.Errorf("info: %w", err)
	}
	const most = 4 << 20
	if size.JitedLen > most || size.XlatedLen > most {
		return nil, fmt.Errorf("jit: %d and %d bytes are too many", size.XlatedLen, size.JitedLen)
	}
	r := proto.JITResult{Xlated: make([]byte, size.XlatedLen), Jited: make([]byte, size.JitedLen),
		FuncLens: make([]uint32, size.NrJitedLens), Ksyms: make([]uint64, size.NrJitedKsyms)}
	info := progInfo{JitedLen: size.JitedLen, XlatedLen: size.XlatedLen, Jited: ptr(r.Jited), Xlated: ptr(r.Xlated),
		NrJitedLens: size.NrJitedLens, NrJitedKsyms: size.NrJitedKsyms}
	if len(r.FuncLens) > 0 {
		info.JitedFuncLens = unsafe.Pointer(&r.FuncLens[0])
	}
	if len(r.Ksyms) > 0 {
		info.JitedKsyms = unsafe.Pointer(&r.Ksyms[0])
	}
	if err := info.get(l.prog); err != nil {
		return nil, fmt.Errorf("info: %w", err)
	}
	runtime.KeepAlive(r)
	r.Tag, r.Verified = hex.EncodeToString(info.Tag[:]), info.VerifiedInsns
	return r, nil
}

func (a *agent) stats(p proto.NameParams) (any, error) {
	l, err := a.program(p.Name)
	if err != nil {
		return nil, err
	}
	var i progInfo
	if err := i.get(l.prog); err != nil {
		return nil, fmt.Errorf("info: %w", err)
	}
	return proto.StatsResult{RunCount: i.RunCnt, RunNS: i.RunTimeNS, Misses: i.RecursionMisses}, nil
}
