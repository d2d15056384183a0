package sandbox

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"skep/server/sandbox/proto"
)

// Hex is a byte string written as hex in JSON.
type Hex []byte

func (h *Hex) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	d, err := hex.DecodeString(s)
	if err != nil {
		return err
	}
	*h = d
	return nil
}

func (h Hex) MarshalJSON() ([]byte, error) { return json.Marshal(hex.EncodeToString(h)) }

// Record is one program of the batch format (design.md, "Batch format"). Unknown fields are ignored.
type Record struct {
	ID                 string          `json:"id"`
	ProgType           string          `json:"prog_type"`
	ExpectedAttachType uint32          `json:"expected_attach_type,omitempty"`
	ProgFlags          uint32          `json:"prog_flags,omitempty"`
	License            string          `json:"license,omitempty"`
	KernVersion        uint32          `json:"kern_version,omitempty"`
	LogLevel           uint32          `json:"log_level,omitempty"`
	Privileged         *bool           `json:"privileged,omitempty"` // absent means true
	Privilege          proto.Privilege `json:"privilege,omitempty"`  // finer than privileged: cap_bpf, unprivileged
	Maps               []RecordMap     `json:"maps,omitempty"`
	MapRefs            *[][3]int       `json:"map_refs,omitempty"` // absent: every lddw with src 1 or 2
	Insns              Hex             `json:"insns"`
	Data               *Hex            `json:"data,omitempty"`
	Ctx                *Hex            `json:"ctx,omitempty"`
	Repeat             uint32          `json:"repeat,omitempty"`
	BTF                string          `json:"btf,omitempty"`
	FuncInfo           Hex             `json:"func_info,omitempty"`
	FuncInfoRecSize    uint32          `json:"func_info_rec_size,omitempty"`
	LineInfo           Hex             `json:"line_info,omitempty"`
	LineInfoRecSize    uint32          `json:"line_info_rec_size,omitempty"`
	Kfuncs             []symbolRef     `json:"kfuncs,omitempty"`
	Ksyms              []symbolRef     `json:"ksyms,omitempty"`
	AttachTo           string          `json:"attach_to,omitempty"`
	AttachBTFID        uint32          `json:"attach_btf_id,omitempty"` // used when attach_to is empty
}

// RecordMap is one map of a Record.
type RecordMap struct {
	Name        string     `json:"name,omitempty"`
	Type        string     `json:"type"`
	KeySize     uint32     `json:"key_size"`
	ValueSize   uint32     `json:"value_size"`
	MaxEntries  uint32     `json:"max_entries"`
	MapFlags    uint32     `json:"map_flags,omitempty"`
	MapExtra    uint64     `json:"map_extra,omitempty"`
	BTF         string     `json:"btf,omitempty"`
	KeyTypeID   uint32     `json:"key_type_id,omitempty"`
	ValueTypeID uint32     `json:"value_type_id,omitempty"`
	Data        Hex        `json:"data,omitempty"`
	Frozen      bool       `json:"frozen,omitempty"`
	Inner       *RecordMap `json:"inner,omitempty"`
	Entries     []Element  `json:"entries,omitempty"`
}

// Element is a map element in hex.
type Element struct {
	Key   Hex `json:"key"`
	Value Hex `json:"value"`
}

// symbolRef is [instruction, id in the kernel it was made on, name].
type symbolRef struct {
	insn int
	id   uint32
	name string
}

func (s *symbolRef) UnmarshalJSON(b []byte) error {
	return unmarshalTuple(b, &s.insn, &s.id, &s.name)
}

func (s symbolRef) MarshalJSON() ([]byte, error) { return json.Marshal([]any{s.insn, s.id, s.name}) }

func unmarshalTuple(b []byte, to ...any) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	if len(raw) != len(to) {
		return fmt.Errorf("%d fields, want %d", len(raw), len(to))
	}
	for i := range raw {
		if err := json.Unmarshal(raw[i], to[i]); err != nil {
			return err
		}
	}
	return nil
}

// Program is a record resolved for one kernel: names became numbers, hex became bytes.
type Program struct {
	proto.Program
	blobs map[string][]byte // BTF by the hash that the program uses
}

// BTFStore holds BTF blobs by hash.
type BTFStore map[string][]byte

// ReadBTFStore reads JSON lines {"hash","blob" in hex}, plain or gzip.
func ReadBTFStore(path string) (BTFStore, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("btf store: %w", err)
	}
	defer f.Close()
	s := BTFStore{}
	r, err := Plain(f)
	if err != nil {
		return nil, fmt.Errorf("btf store: %w", err)
	}
	for {
		line, err := r.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var e struct {
				Hash string `json:"hash"`
				Blob Hex    `json:"blob"`
			}
			if err := json.Unmarshal(line, &e); err != nil {
				return nil, fmt.Errorf("btf store: line %d: %w", len(s)+1, err)
			}
			s[e.Hash] = e.Blob
		}
		if err == io.EOF {
			return s, nil
		}
		if err != nil {
			return nil, fmt.Errorf("btf store: %w", err)
		}
	}
}

// Plain reads input that may be gzip-compressed.
func Plain(r io.Reader) (*bufio.Reader, error) {
	b := bufio.NewReaderSize(r, 1<<20)
	if m, _ := b.Peek(2); string(m) == "\x1f\x8b" {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, err
		}
		return bufio.NewReaderSize(z, 1<<20), nil
	}
	return b, nil
}

// Resolve turns the record into a program for kernel k. store may be nil when no record names a stored blob.
func (r *Record) Resolve(k *Kernel, store BTFStore) (*Program, error) {
	p := &Program{Program: proto.Program{ID: r.ID, ExpectedAttachType: r.ExpectedAttachType, Flags: r.ProgFlags,
		License: r.License, KernVersion: r.KernVersion, LogLevel: r.LogLevel, Privilege: r.Privilege, Insns: bytes.Clone(r.Insns),
		FuncInfo: r.FuncInfo, FuncInfoRecSize: or(r.FuncInfoRecSize, 8), LineInfo: r.LineInfo, LineInfoRecSize: or(r.LineInfoRecSize, 16),
		AttachBTFID: r.AttachBTFID}, blobs: map[string][]byte{}}
	var err error
	if p.Type, err = progType(r.ProgType); err != nil {
		return nil, err
	}
	if r.Privileged != nil && !*r.Privileged {
		p.Privilege = proto.Unprivileged
	}
	if len(p.Insns)%8 != 0 {
		return nil, fmt.Errorf("insns: %d bytes are not a multiple of 8", len(p.Insns))
	}
	if p.BTF, err = p.useBTF(r.BTF, store); err != nil {
		return nil, err
	}
	for i := range r.Maps {
		m, err := p.resolveMap(&r.Maps[i], store)
		if err != nil {
			return nil, fmt.Errorf("map %d: %w", i, err)
		}
		p.Maps = append(p.Maps, *m)
	}
	p.MapRefs = r.mapRefs()
	if err := p.resolveSymbols(r, k); err != nil {
		return nil, err
	}
	if r.Data != nil || r.Ctx != nil || r.Repeat > 0 {
		p.Run = &proto.Run{Repeat: r.Repeat, Maps: true}
		if r.Data != nil {
			p.Run.Data = *r.Data
		}
		if r.Ctx != nil {
			p.Run.Ctx = *r.Ctx
		}
	}
	return p, nil
}

func or(n, def uint32) uint32 {
	if n == 0 {
		return def
	}
	return n
}

// opLddw is the opcode of the one wide instruction.
const opLddw = 0x18

// mapRefs finds the instructions that load a map.
func (r *Record) mapRefs() []proto.MapRef {
	var refs []proto.MapRef
	if r.MapRefs != nil {
		for _, m := range *r.MapRefs {
			if m[1] < 0 {
				continue // a negative test: the instruction stays as it is
			}
			refs = append(refs, proto.MapRef{Insn: m[0], Map: m[1]})
		}
		return refs
	}
	for i := 0; i+16 <= len(r.Insns); i += 8 {
		if r.Insns[i] != opLddw {
			continue
		}
		src, imm := r.Insns[i+1]>>4, binary.LittleEndian.Uint32(r.Insns[i+4:])
		if (src == 1 || src == 2) && int64(imm) < int64(len(r.Maps)) {
			refs = append(refs, proto.MapRef{Insn: i / 8, Map: int(imm)})
		}
		i += 8
	}
	return refs
}

// resolveSymbols puts this kernel's BTF ids into calls of kfuncs, loads of kernel variables and attach_btf_id.
func (p *Program) resolveSymbols(r *Record, k *Kernel) error {
	if len(r.Kfuncs) == 0 && len(r.Ksyms) == 0 && r.AttachTo == "" {
		return nil
	}
	kb, err := loadKernelBTF(k.BTFFile())
	if err != nil {
		return err
	}
	patch := func(what string, refs []symbolRef, kinds ...int) error {
		for _, s := range refs {
			if s.name == "" {
				continue // a negative test: the instruction stays as it is
			}
			if s.insn < 0 || s.insn*8+8 > len(p.Insns) {
				return fmt.Errorf("%s %s: instruction %d is out of range", what, s.name, s.insn)
			}
			var id uint32
			for _, kind := range kinds {
				if id == 0 {
					id = kb.id(kind, s.name)
				}
			}
			if id == 0 {
				return fmt.Errorf("%s %s: kernel %s has none", what, s.name, k.Release)
			}
			binary.LittleEndian.PutUint32(p.Insns[s.insn*8+4:], id)
		}
		return nil
	}
	if err := patch("kfunc", r.Kfuncs, kindFunc); err != nil {
		return err
	}
	if err := patch("ksym", r.Ksyms, kindVar, kindFunc); err != nil {
		return err
	}
	if r.AttachTo != "" {
		p.AttachBTFID, err = kb.attachID(p.Type, p.ExpectedAttachType, r.AttachTo)
	}
	return err
}

// useBTF registers the blob behind a hash, or a blob given as hex, and returns the hash to send.
func (p *Program) useBTF(ref string, store BTFStore) (string, error) {
	if ref == "" {
		return "", nil
	}
	if strings.HasPrefix(ref, "9feb") && len(ref) >= 48 {
		b, err := hex.DecodeString(ref)
		if err != nil {
			return "", fmt.Errorf("btf: %w", err)
		}
		ref = hashFiles(map[string][]byte{"btf": b})[:16]
		p.blobs[ref] = b
		return ref, nil
	}
	b, ok := store[ref]
	if !ok {
		return "", fmt.Errorf("btf %s: not in the store; pass --btf-store FILE", ref)
	}
	p.blobs[ref] = b
	return ref, nil
}

func (p *Program) resolveMap(r *RecordMap, store BTFStore) (*proto.Map, error) {
	m := &proto.Map{Name: r.Name, KeySize: r.KeySize, ValueSize: r.ValueSize, MaxEntries: r.MaxEntries, Flags: r.MapFlags,
		Extra: r.MapExtra, KeyTypeID: r.KeyTypeID, ValueTypeID: r.ValueTypeID, Data: r.Data, Frozen: r.Frozen}
	var err error
	if m.Type, err = mapType(r.Type); err != nil {
		return nil, err
	}
	if m.KeyTypeID != 0 || m.ValueTypeID != 0 {
		if m.BTF, err = p.useBTF(r.BTF, store); err != nil {
			return nil, err
		}
	}
	for _, e := range r.Entries {
		m.Entries = append(m.Entries, proto.KV{Key: e.Key, Value: e.Value})
	}
	if r.Inner != nil {
		if m.Inner, err = p.resolveMap(r.Inner, store); err != nil {
			return nil, fmt.Errorf("inner: %w", err)
		}
	}
	return m, nil
}
