//go:build linux

package bpf

import "unsafe"

// ProgInfo is struct bpf_prog_info (include/uapi/linux/bpf.h).
type ProgInfo struct {
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

// Get fills i from the program behind fd: first the sizes, then, where i says where to and how much, the contents.
func (i *ProgInfo) Get(fd int) error {
	b := unsafe.Slice((*byte)(unsafe.Pointer(i)), unsafe.Sizeof(*i))
	_, err := ObjInfo(fd, b)
	return err
}
