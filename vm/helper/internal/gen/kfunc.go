package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"io/fs"
	"log"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:embed kfuncs.txt
var kfuncs string

var (
	kfuncSetRE = regexp.MustCompile(`(?s)BTF_(?:KFUNCS|SET8)_START\((\w+)\)(.*?)BTF_(?:KFUNCS|SET8)_END`)
	kfuncRE    = regexp.MustCompile(`BTF_ID_FLAGS\(func,\s*(\w+)\s*(?:,\s*([A-Z_ |]*))?\)`)
	kfuncIDRE  = regexp.MustCompile(`(?s)struct btf_kfunc_id_set (\w+) = \{[^}]*?\.set\s*=\s*&(\w+).*?\};`)
	kfuncRegRE = regexp.MustCompile(`register_btf_kfunc_id_set\(BPF_PROG_TYPE_(\w+),\s*&(\w+)\)`)
	fmodretRE  = regexp.MustCompile(`register_btf_fmodret_id_set\(&(\w+)\)`)
)

// hooks are the program types of enum btf_kfunc_hook, in the names of package
// helper; others share them.
var hooks = map[string]string{
	"UNSPEC": "KfuncCommon", "XDP": "KfuncXDP", "SCHED_CLS": "KfuncTC", "STRUCT_OPS": "KfuncStructOps",
	"TRACING": "KfuncTracing", "LSM": "KfuncTracing", "SYSCALL": "KfuncSyscall", "CGROUP_SKB": "KfuncCgroup",
	"CGROUP_SOCK_ADDR": "KfuncCgroup", "SCHED_ACT": "KfuncSchedAct", "SK_SKB": "KfuncSkSkb",
	"SOCKET_FILTER": "KfuncSocketFilter", "LWT_OUT": "KfuncLwt", "LWT_IN": "KfuncLwt", "LWT_XMIT": "KfuncLwt",
	"LWT_SEG6LOCAL": "KfuncLwt", "NETFILTER": "KfuncNetfilter", "KPROBE": "KfuncKprobe", "FMODRET": "KfuncFmodRet",
}

// xdpMetadata are made by a macro in the source.
var xdpMetadata = []string{"bpf_xdp_metadata_rx_timestamp", "bpf_xdp_metadata_rx_hash", "bpf_xdp_metadata_rx_vlan_tag"}

// kfuncTable is zkfunc.go, and the rows of the table of sentences.
func kfuncTable(linux string) (*bytes.Buffer, string) {
	type kfunc struct {
		flags  string
		hooks  map[string]bool
		filter bool // one of its sets has a filter
		module bool // of a module only
	}
	all := map[string]*kfunc{}
	add := func(name, flags, hook string) *kfunc {
		k := all[name]
		if k == nil {
			k = &kfunc{hooks: map[string]bool{}}
			all[name] = k
		}
		if len(flags) > len(k.flags) {
			k.flags = flags
		}
		k.hooks[hook] = true
		return k
	}
	for _, dir := range []string{"kernel", "net", "fs", "drivers/hid/bpf"} {
		err := filepath.WalkDir(filepath.Join(linux, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".c" || strings.HasSuffix(path, "sched/ext.c") {
				return nil // the reference kernel is built without sched_ext
			}
			src, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			ids := map[string]string{}
			filtered := map[string]bool{}
			for _, m := range kfuncIDRE.FindAllSubmatch(src, -1) {
				ids[string(m[2])] = string(m[1])
				filtered[string(m[1])] = bytes.Contains(m[0], []byte(".filter"))
			}
			used := map[string][]string{}
			for _, m := range kfuncRegRE.FindAllSubmatch(src, -1) {
				hook, ok := hooks[string(m[1])]
				if !ok {
					log.Fatalf("%s: kfuncs of program type %s", path, m[1])
				}
				used[string(m[2])] = append(used[string(m[2])], hook)
			}
			for _, m := range fmodretRE.FindAllSubmatch(src, -1) {
				used[string(m[1])] = append(used[string(m[1])], hooks["FMODRET"])
			}
			for _, m := range kfuncSetRE.FindAllSubmatch(src, -1) {
				for _, k := range kfuncRE.FindAllSubmatch(m[2], -1) {
					for _, hook := range used[ids[string(m[1])]] {
						f := add(string(k[1]), strings.TrimSpace(string(k[2])), hook)
						f.filter = f.filter || filtered[ids[string(m[1])]]
						f.module = strings.Contains(path, "drivers/hid")
					}
				}
			}
			return nil
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	for _, name := range xdpMetadata {
		add(name, "KF_TRUSTED_ARGS", hooks["XDP"])
	}
	var docs strings.Builder
	for line := range strings.Lines(kfuncs) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		since, doc, _ := strings.Cut(rest, " ")
		if all[name] == nil {
			log.Fatalf("kfuncs.txt: the kernel has no %s", name)
		}
		fmt.Fprintf(&docs, "{%q, %q, %q},\n", name, since, doc)
	}
	b := header("linux")
	fmt.Fprintf(b, "var kfuncTable = [...]Kfunc{\n")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		k := all[name]
		var flags []string
		for _, f := range strings.Split(k.flags, "|") {
			if f = strings.TrimSpace(f); f != "" {
				flags = append(flags, "Kfunc"+strings.TrimPrefix(camel(f), "Kf"))
			}
		}
		if k.filter {
			flags = append(flags, "KfuncFilter")
		}
		if k.module {
			flags = append(flags, "KfuncModule")
		}
		fmt.Fprintf(b, "{Name: %q, Hooks: %s", name, strings.Join(slices.Sorted(maps.Keys(k.hooks)), "|"))
		if len(flags) > 0 {
			fmt.Fprintf(b, ", Flags: %s", strings.Join(flags, "|"))
		}
		fmt.Fprintf(b, "},\n")
	}
	fmt.Fprintf(b, "}\n")
	return b, docs.String()
}
