//go:build linux

package main

import (
	"encoding/hex"
	"fmt"
	"runtime"
	"unsafe"

	"skep/server/sandbox/bpf"
	"skep/server/sandbox/proto"
)

// lineInfo is struct bpf_line_info.
type lineInfo struct{ insn, file, line, lineCol uint32 }

// jit asks for the sizes, then for the code.
func (a *agent) jit(p proto.NameParams) (any, error) {
	l, err := a.program(p.Name)
	if err != nil {
		return nil, err
	}
	var size bpf.ProgInfo
	if err := size.Get(l.prog); err != nil {
		return nil, fmt.Errorf("info: %w", err)
	}
	const most, mostLines = 4 << 20, 1 << 17
	if size.JitedLen > most || size.XlatedLen > most {
		return nil, fmt.Errorf("jit: %d and %d bytes are too many", size.XlatedLen, size.JitedLen)
	}
	lines := min(size.NrLineInfo, size.NrJitedLineInfo)
	if lines > mostLines {
		lines = 0
	}
	records, addresses := make([]lineInfo, lines), make([]uint64, lines)
	r := proto.JITResult{Xlated: make([]byte, size.XlatedLen), Jited: make([]byte, size.JitedLen),
		FuncLens: make([]uint32, size.NrJitedLens), Ksyms: make([]uint64, size.NrJitedKsyms)}
	info := bpf.ProgInfo{JitedLen: size.JitedLen, XlatedLen: size.XlatedLen, Jited: bpf.Ptr(r.Jited), Xlated: bpf.Ptr(r.Xlated),
		NrJitedLens: size.NrJitedLens, NrJitedKsyms: size.NrJitedKsyms}
	if len(r.FuncLens) > 0 {
		info.JitedFuncLens = unsafe.Pointer(&r.FuncLens[0])
	}
	if len(r.Ksyms) > 0 {
		info.JitedKsyms = unsafe.Pointer(&r.Ksyms[0])
	}
	if lines > 0 {
		info.LineInfo, info.NrLineInfo, info.LineInfoRecSize = unsafe.Pointer(&records[0]), lines, uint32(unsafe.Sizeof(records[0]))
		info.JitedLineInfo, info.NrJitedLineInfo, info.JitedLineInfoRecSize = unsafe.Pointer(&addresses[0]), lines, 8
	}
	if err := info.Get(l.prog); err != nil {
		return nil, fmt.Errorf("info: %w", err)
	}
	runtime.KeepAlive(r)
	for i, rec := range records {
		r.Lines = append(r.Lines, proto.JITLine{Insn: rec.insn, Line: rec.lineCol >> 10, Addr: addresses[i]})
	}
	r.Tag, r.Verified = hex.EncodeToString(info.Tag[:]), info.VerifiedInsns
	return r, nil
}

func (a *agent) stats(p proto.NameParams) (any, error) {
	l, err := a.program(p.Name)
	if err != nil {
		return nil, err
	}
	var i bpf.ProgInfo
	if err := i.Get(l.prog); err != nil {
		return nil, fmt.Errorf("info: %w", err)
	}
	return proto.StatsResult{RunCount: i.RunCnt, RunNS: i.RunTimeNS, Misses: i.RecursionMisses}, nil
}
