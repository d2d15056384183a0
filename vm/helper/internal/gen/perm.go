package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// key is a program type and an expected attach type; 255 is any.
type key struct{ typ, attach uint8 }

const anyAttach = 255

// set is a bit set over helper numbers.
type set [4]uint64

func (s *set) add(id int)    { s[id>>6] |= 1 << (id & 63) }
func (s *set) remove(id int) { s[id>>6] &^= 1 << (id & 63) }

// derived are pairs that the probe could not load: like a measured pair, plus
// and minus some helpers, read from the kernel's *_func_proto functions.
var derived = []struct {
	key, like   key
	plus, minus string
}{
	// cgroup_sock_addr: the bind types answer like sendmsg, the unix types
	// like their inet twins except for bind and the socket options.
	{key{18, 8}, key{18, 14}, "", ""},
	{key{18, 9}, key{18, 14}, "", ""},
	{key{18, 49}, key{18, 10}, "", "bind"},
	{key{18, 50}, key{18, 14}, "", ""},
	{key{18, 51}, key{18, 19}, "", ""},
	{key{18, 52}, key{18, 29}, "", "setsockopt getsockopt"},
	{key{18, 53}, key{18, 31}, "", "setsockopt getsockopt"},
	{key{20, anyAttach}, key{}, "rc_repeat rc_keydown rc_pointer_rel map_lookup_elem map_update_elem map_delete_elem map_push_elem map_pop_elem map_peek_elem ktime_get_ns ktime_get_boot_ns tail_call get_prandom_u32 trace_printk", ""},
	{key{26, 23}, key{17, 0}, tracing, ""},
	{key{26, 24}, key{17, 0}, tracing + trampoline, ""},
	{key{26, 25}, key{17, 0}, tracing + trampoline, ""},
	{key{26, 26}, key{17, 0}, tracing + trampoline, ""},
	{key{26, 28}, key{17, 0}, tracing + " seq_printf seq_write seq_printf_btf setsockopt getsockopt", "get_attach_cookie"},
	{key{27, anyAttach}, key{32, 45}, "tcp_send_ack sk_storage_get sk_storage_delete setsockopt getsockopt ktime_get_coarse_ns", ""},
	{key{29, 27}, key{17, 0}, tracing + trampoline + lsm, ""},
	{key{29, 43}, key{17, 0}, tracing + lsm + " get_local_storage get_retval set_retval setsockopt getsockopt", "get_attach_cookie"},
	{key{31, anyAttach}, key{17, 0}, tracing + " sys_bpf btf_find_by_name_kind sys_close kallsyms_lookup_name", "get_attach_cookie"},
}

const (
	tracing    = "skb_output xdp_output skc_to_tcp6_sock skc_to_tcp_sock skc_to_tcp_timewait_sock skc_to_tcp_request_sock skc_to_udp6_sock skc_to_unix_sock skc_to_mptcp_sock sk_storage_get sk_storage_delete sock_from_file get_socket_cookie xdp_get_buff_len d_path"
	trampoline = " get_func_arg get_func_ret get_func_arg_cnt"
	lsm        = " inode_storage_get inode_storage_delete spin_lock spin_unlock bprm_opts_set ima_inode_hash ima_file_hash"
)

func permTable(probe string, rows []row) *bytes.Buffer {
	id := map[string]int{}
	for i, r := range rows {
		id[r.name] = i + 1
	}
	sets := measured(probe)
	// One row for a type whose measured pairs agree and that has no derived
	// pairs: the attach type does not matter then.
	byType := map[uint8]map[set]bool{}
	for k, s := range sets {
		if byType[k.typ] == nil {
			byType[k.typ] = map[set]bool{}
		}
		byType[k.typ][s] = true
	}
	final := map[key]set{}
	for k, s := range sets {
		if len(byType[k.typ]) == 1 {
			k.attach = anyAttach
		}
		final[k] = s
	}
	for _, d := range derived {
		s := sets[d.like]
		for _, n := range strings.Fields(d.plus) {
			s.add(mustID(id, n))
		}
		for _, n := range strings.Fields(d.minus) {
			s.remove(mustID(id, n))
		}
		final[d.key] = s
	}
	keys := make([]key, 0, len(final))
	for k := range final {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		if keys[i].typ != keys[j].typ {
			return keys[i].typ < keys[j].typ
		}
		return keys[i].attach < keys[j].attach
	})
	b := header("probe")
	number := map[set]int{}
	fmt.Fprintf(b, "var permSets = [...][4]uint64{\n")
	for _, k := range keys {
		if s := final[k]; number[s] == 0 {
			number[s] = len(number) + 1
			fmt.Fprintf(b, "{%#x, %#x, %#x, %#x},\n", s[0], s[1], s[2], s[3])
		}
	}
	fmt.Fprintf(b, "}\n\nvar permRows = [...]permRow{\n")
	for _, k := range keys {
		fmt.Fprintf(b, "{%d, %d, %d},\n", k.typ, k.attach, number[final[k]]-1)
	}
	fmt.Fprintf(b, "}\n")
	return b
}

func mustID(id map[string]int, name string) int {
	n, ok := id[name]
	if !ok {
		log.Fatalf("no helper %q", name)
	}
	return n
}

// measured reads the helpers that each loadable pair may call: every pair in
// the file was probed with each of the 211, and those refused as unknown to
// the type are left out of it.
func measured(probe string) map[key]set {
	if st, err := os.Stat(probe); err == nil && st.IsDir() {
		probe = filepath.Join(probe, "probe-6.12.jsonl.gz")
	}
	f, err := os.Open(probe)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		log.Fatal(err)
	}
	sets := map[key]set{}
	for sc := bufio.NewScanner(z); sc.Scan(); {
		var r struct{ Helper []int }
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			log.Fatal(err)
		}
		if len(r.Helper) != 3 {
			continue
		}
		k := key{uint8(r.Helper[0]), uint8(r.Helper[1])}
		s := sets[k]
		s.add(r.Helper[2])
		sets[k] = s
	}
	return sets
}
