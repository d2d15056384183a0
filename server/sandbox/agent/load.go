//go:build linux

package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"skep/server/sandbox/bpf"
	"skep/server/sandbox/proto"
)

// Sizes of the load path.
const (
	logBuffer   = 48 << 20 // of the verifier; only written pages cost memory
	logDefault  = 1 << 20  // returned when the request names no bound
	maxBTF      = 256      // blobs kept loaded
	testDataOut = 64 << 10
)

// btfBlob is a BTF blob that programs and maps name by hash; it is loaded when first used.
type btfBlob struct {
	blob []byte
	fd   int
	err  error
	done bool
}

func (a *agent) addBTF(hash string, blob []byte) {
	if _, ok := a.btf[hash]; ok {
		return
	}
	if len(a.btf) >= maxBTF {
		for h, b := range a.btf { // the host sends again what it needs again
			if b.done && b.err == nil {
				unix.Close(b.fd)
			}
			delete(a.btf, h)
		}
	}
	a.btf[hash] = &btfBlob{blob: blob}
}

func (a *agent) btfFD(hash string) (int, error) {
	b, ok := a.btf[hash]
	if !ok {
		return 0, fmt.Errorf("btf %s: was not sent", hash)
	}
	if !b.done {
		b.fd, b.err = bpf.BTFLoad(b.blob)
		b.done, b.blob = true, nil
	}
	if b.err != nil {
		return 0, fmt.Errorf("btf %s: %w", hash, b.err)
	}
	return b.fd, nil
}

// loaded is a program in the kernel with its maps.
type loaded struct {
	prog int // -1 when refused
	typ  uint32
	name string
	// What the section name says, for Attach.
	section    string
	attachType uint32

	maps []int
	spec []proto.Map
}

func (l *loaded) close() {
	for _, fd := range l.maps {
		unix.Close(fd)
	}
	if l.prog >= 0 {
		unix.Close(l.prog)
	}
}

// verdict answers one Load frame.
func (a *agent) verdict(p *proto.Program) error {
	v := proto.VerdictMsg{ID: p.ID}
	l, log, err := a.load(p, &v)
	if err != nil {
		v.Error, v.Errno = err.Error(), errnoOf(err)
	}
	var data, ctx []byte
	if l != nil && l.prog >= 0 && p.Run != nil {
		data, ctx = l.run(p, &v)
	}
	if l != nil {
		if p.Keep != "" && l.prog >= 0 {
			l.attachType = p.ExpectedAttachType
			a.keep(p.Keep, l)
		} else {
			l.close()
		}
	}
	v.Data, v.Ctx = len(data), len(ctx)
	return a.w.Send(proto.Verdict, v, log, data, ctx)
}

// load makes the maps and asks the verifier. A refusal by the verifier is not an error: it is in v. The log is a part
// of the agent's buffer and lives until the next load.
func (a *agent) load(p *proto.Program, v *proto.VerdictMsg) (*loaded, []byte, error) {
	l := &loaded{prog: -1, typ: p.Type, section: p.Section, spec: p.Maps}
	for i := range p.Maps {
		fd, err := a.makeMap(&p.Maps[i], p.Privilege, v)
		if err != nil {
			return l, nil, fmt.Errorf("map %d: %w", i, err)
		}
		l.maps = append(l.maps, fd)
	}
	if len(p.Insns)%8 != 0 {
		return l, nil, fmt.Errorf("insns: %d bytes are not a multiple of 8", len(p.Insns))
	}
	for _, r := range p.MapRefs {
		if r.Insn < 0 || r.Insn*8+8 > len(p.Insns) || r.Map < 0 || r.Map >= len(l.maps) {
			return l, nil, fmt.Errorf("map_refs: instruction %d, map %d: out of range", r.Insn, r.Map)
		}
		binary.LittleEndian.PutUint32(p.Insns[r.Insn*8+4:], uint32(l.maps[r.Map]))
	}
	attr := bpf.ProgLoadAttr{
		Type: p.Type, InsnCnt: uint32(len(p.Insns) / 8), Insns: bpf.Ptr(p.Insns),
		LogLevel: p.LogLevel, KernVersion: p.KernVersion, Flags: p.Flags, Name: bpf.ObjName(p.Name),
		ExpectedAttachType: p.ExpectedAttachType, AttachBTFID: p.AttachBTFID,
	}
	license := append([]byte(p.License), 0)
	attr.License = bpf.Ptr(license)
	if p.LogLevel != 0 {
		if a.log == nil {
			buf, err := unix.Mmap(-1, 0, logBuffer, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
			if err != nil {
				return l, nil, fmt.Errorf("log buffer: %w", err)
			}
			a.log = buf
		}
		a.log[0] = 0
		attr.LogBuf, attr.LogSize = bpf.Ptr(a.log), uint32(len(a.log))
	}
	if p.BTF != "" {
		fd, err := a.btfFD(p.BTF)
		if err != nil {
			return l, nil, err
		}
		attr.BTFFD = uint32(fd)
		if p.FuncInfoRecSize > 0 && len(p.FuncInfo) > 0 {
			attr.FuncInfo, attr.FuncInfoRecSize = bpf.Ptr(p.FuncInfo), p.FuncInfoRecSize
			attr.FuncInfoCnt = uint32(len(p.FuncInfo)) / p.FuncInfoRecSize
		}
		if p.LineInfoRecSize > 0 && len(p.LineInfo) > 0 {
			attr.LineInfo, attr.LineInfoRecSize = bpf.Ptr(p.LineInfo), p.LineInfoRecSize
			attr.LineInfoCnt = uint32(len(p.LineInfo)) / p.LineInfoRecSize
		}
	}
	fdArray := make([]byte, 4*len(l.maps)) // for BPF_PSEUDO_MAP_IDX
	for i, fd := range l.maps {
		binary.LittleEndian.PutUint32(fdArray[4*i:], uint32(fd))
	}
	attr.FDArray = bpf.Ptr(fdArray)
	var fd int
	var lerr error
	start := time.Now()
	if err := as(p.Privilege, func() { fd, lerr = bpf.ProgLoad(&attr) }); err != nil {
		return l, nil, err
	}
	v.LoadUS = since(start)
	if lerr != nil {
		v.Errno = errnoOf(lerr)
	} else {
		l.prog = fd
	}
	return l, a.takeLog(p, v), nil
}

// takeLog measures the log, hashes it and cuts its middle when it is longer than asked for.
func (a *agent) takeLog(p *proto.Program, v *proto.VerdictMsg) []byte {
	if p.LogLevel == 0 {
		return nil
	}
	log := a.log[:clen(a.log)]
	v.LogLen = len(log)
	limit := p.LogMax
	if limit <= 0 {
		limit = logDefault
	}
	limit = min(limit, proto.MaxFrame-(1<<20))
	if len(log) > limit {
		sum := sha256.Sum256(log)
		v.LogSHA = hex.EncodeToString(sum[:])
		const mark = "\n[... cut ...]\n"
		half := max(limit-len(mark), 0) / 2
		cut := make([]byte, 0, limit)
		cut = append(append(append(cut, log[:half]...), mark...), log[len(log)-half:]...)
		// Give back the pages of a giant log.
		unix.Madvise(a.log[1<<20:], unix.MADV_DONTNEED)
		log = cut
	}
	v.Log = len(log)
	return log
}

// clen is the length of a NUL-terminated string. The buffer is reused, so only the first NUL counts.
func clen(b []byte) int {
	for i := 0; i < len(b); i += 4096 {
		end := min(i+4096, len(b))
		for j := i; j < end; j++ {
			if b[j] == 0 {
				return j
			}
		}
	}
	return len(b)
}

// run does the test run that the request asks for and returns packet and context afterwards.
func (l *loaded) run(p *proto.Program, v *proto.VerdictMsg) (data, ctx []byte) {
	r := p.Run
	a := bpf.TestRunAttr{FD: uint32(l.prog), Repeat: max(r.Repeat, 1)}
	if len(r.Data) > 0 {
		data = make([]byte, max(testDataOut, len(r.Data)+512))
		a.Data, a.DataIn = bpf.Ptr(r.Data), uint32(len(r.Data))
		a.DataOutPtr, a.DataOut = bpf.Ptr(data), uint32(len(data))
	}
	if len(r.Ctx) > 0 {
		ctx = make([]byte, len(r.Ctx))
		a.Ctx, a.CtxIn = bpf.Ptr(r.Ctx), uint32(len(r.Ctx))
		switch l.typ {
		case progRawTracepoint, progRawTracepointWritable, progSKLookup:
		case progSyscall:
			ctx = r.Ctx // the kernel writes the context back to where it was read
		default:
			a.CtxOutPtr, a.CtxOut = bpf.Ptr(ctx), uint32(len(ctx))
		}
	}
	if l.typ == progSyscall || l.typ == progRawTracepoint || l.typ == progRawTracepointWritable {
		a.Repeat = 0 // refused otherwise
	}
	err := bpf.TestRun(&a)
	if err != nil {
		v.RunErrno = errnoOf(err)
		return nil, nil
	}
	v.Ran, v.Ret, v.RunNS = true, a.Ret, a.Duration
	if r.Maps {
		for i := range l.maps {
			v.Maps = append(v.Maps, dump(l.maps[i], &l.spec[i]))
		}
	}
	if len(r.Ctx) == 0 || a.CtxOutPtr == nil && l.typ != progSyscall {
		ctx = nil
	}
	return data[:min(int(a.DataOut), len(data))], ctx
}
