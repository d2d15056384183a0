package main

import (
	"bytes"
	"go/format"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPermUpToDate regenerates zperm.go from the measurement.
func TestPermUpToDate(t *testing.T) {
	dir := os.Getenv("SKEP_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(filepath.Join(dir, "probe-6.12.jsonl.gz")); err != nil {
		t.Skipf("no measured table of the kernel: %v (set SKEP_DATA)", err)
	}
	upToDate(t, "zperm.go", permTable(dir, rows()))
}

// TestProtosUpToDate regenerates ztable.go, zkfunc.go and zdoc.go from the kernel's
// source.
func TestProtosUpToDate(t *testing.T) {
	linux := os.Getenv("LINUX")
	if linux == "" {
		t.Skip("no kernel source: set LINUX to an unpacked linux-source-6.12")
	}
	upToDate(t, "ztable.go", protoTable(linux, rows()))
	kfuncs, docs := kfuncTable(linux)
	upToDate(t, "zkfunc.go", kfuncs)
	upToDate(t, "zdoc.go", docTable(rows(), docs))
}

func upToDate(t *testing.T, name string, src *bytes.Buffer) {
	t.Helper()
	want, err := format.Source(src.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Errorf("%s is not what the generator writes: run go generate", name)
	}
}

func TestCamel(t *testing.T) {
	for in, want := range map[string]string{
		"ARG_PTR_TO_BTF_ID_SOCK_COMMON": "ArgPtrToBTFIDSockCommon",
		"RET_PTR_TO_TCP_SOCK_OR_NULL":   "RetPtrToTCPSockOrNull",
		"MEM_RCU":                       "MemRCU",
		"KF_ITER_NEW":                   "KfIterNew",
	} {
		if got := camel(in); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}

func TestParseProto(t *testing.T) {
	f := parseProto("p", strings.Join([]string{
		"\t.func\t= bpf_x,", "\t.gpl_only\t= true,", "\t.pkt_access = false,", "\t.ret_type = RET_PTR_TO_MAP_VALUE_OR_NULL,",
		"\t.arg1_type = ARG_CONST_MAP_PTR,", "\t.arg2_type = ARG_PTR_TO_FIXED_SIZE_MEM | MEM_UNINIT,", "\t.arg2_size = sizeof(u64),",
	}, "\n"))
	if f.ret != "RetPtrToMapValueOrNull" || f.args[0] != "ArgConstMapPtr" || f.args[1] != "ArgPtrToFixedSizeMem|ArgKind(MemUninit)" || f.extra[1] != "u64" || len(f.flags) != 1 || f.flags[0] != "GPLOnly" {
		t.Errorf("%+v", f)
	}
}
