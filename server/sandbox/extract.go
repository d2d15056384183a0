package sandbox

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os/exec"
)

// Offsets in the setup header of a bzImage (Documentation/arch/x86/boot.rst).
const (
	hdrSetupSects    = 0x1f1
	hdrMagic         = 0x202
	hdrPayloadOffset = 0x248
	hdrPayloadLength = 0x24c
)

// decompressors by the magic number of the payload. The tools are asked for instead of linked: they are only needed
// once, at install time.
var decompressors = []struct {
	magic string
	tool  string
	args  []string
}{
	{"\x28\xb5\x2f\xfd", "zstd", []string{"-dcq"}},
	{"\x02\x21\x4c\x18", "lz4", []string{"-dcq"}},
	{"\xfd7zXZ", "xz", []string{"-dcq"}},
	{"\x1f\x8b", "gzip", []string{"-dcq"}},
}

// decompress runs the tool that b's magic number asks for; plain input is returned as it is.
func decompress(b []byte) ([]byte, error) {
	for _, d := range decompressors {
		if !bytes.HasPrefix(b, []byte(d.magic)) {
			continue
		}
		if _, err := exec.LookPath(d.tool); err != nil {
			return nil, fmt.Errorf("%s is needed to unpack the kernel; install it (Debian: apt-get install %s)", d.tool, d.tool)
		}
		cmd := exec.Command(d.tool, d.args...)
		cmd.Stdin = bytes.NewReader(b)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		// lz4 and gzip complain about the length word that the kernel's build appends; what they wrote is complete.
		if err := cmd.Run(); err != nil && out.Len() == 0 {
			return nil, fmt.Errorf("%s: %w: %s", d.tool, err, bytes.TrimSpace(errs.Bytes()))
		}
		return out.Bytes(), nil
	}
	return b, nil
}

// vmlinuxOf returns the ELF kernel inside a bzImage. QEMU starts it through its PVH entry point, which saves
// the decompression under emulation, about 1.3 of 4.5 CPU seconds.
func vmlinuxOf(bz []byte) ([]byte, error) {
	if len(bz) < 0x1000 || string(bz[hdrMagic:hdrMagic+4]) != "HdrS" {
		return nil, errors.New("vmlinuz: not a bzImage")
	}
	sects := int(bz[hdrSetupSects])
	if sects == 0 {
		sects = 4
	}
	off := uint64(sects+1)*512 + uint64(binary.LittleEndian.Uint32(bz[hdrPayloadOffset:]))
	n := uint64(binary.LittleEndian.Uint32(bz[hdrPayloadLength:]))
	if n < 4 || off+n > uint64(len(bz)) {
		return nil, fmt.Errorf("vmlinuz: payload at %d of %d bytes is outside the file of %d", off, n, len(bz))
	}
	payload := bz[off : off+n]
	if bytes.HasPrefix(payload, []byte("\x28\xb5\x2f\xfd")) {
		payload = payload[:n-4] // the appended length word
	}
	k, err := decompress(payload)
	if err != nil {
		return nil, fmt.Errorf("vmlinuz: %w", err)
	}
	if !bytes.HasPrefix(k, []byte(elf.ELFMAG)) {
		return nil, errors.New("vmlinuz: payload is not an ELF kernel")
	}
	return k, nil
}

// btfOf returns the .BTF section of an ELF kernel.
func btfOf(vmlinux []byte) ([]byte, error) {
	f, err := elf.NewFile(bytes.NewReader(vmlinux))
	if err != nil {
		return nil, fmt.Errorf("vmlinux: %w", err)
	}
	s := f.Section(".BTF")
	if s == nil {
		return nil, errors.New("vmlinux: no .BTF section")
	}
	return s.Data()
}
