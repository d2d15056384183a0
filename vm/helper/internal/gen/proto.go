package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// facts of one struct bpf_func_proto, as Go source.
type facts struct {
	ret    string
	args   [5]string
	extra  [5]string
	retBTF string
	flags  []string
}

var (
	protoRE   = regexp.MustCompile(`(?s)const struct bpf_func_proto\s+(\w+)\s*=\s*\{(.*?)\n\};`)
	fieldRE   = regexp.MustCompile(`(?s)\.(\w+)\s*=\s*(.*?),\s*(?:\n|$)`)
	commentRE = regexp.MustCompile(`(?s)/\*.*?\*/`)
)

// def names the struct that stands for a helper when it is not
// bpf_NAME_proto.
var def = map[string]string{
	"get_smp_processor_id": "bpf_get_smp_processor_id_proto",
	"probe_read":           "bpf_probe_read_compat_proto",
	"probe_read_str":       "bpf_probe_read_compat_str_proto",
	"setsockopt":           "bpf_sk_setsockopt_proto",
	"getsockopt":           "bpf_sk_getsockopt_proto",
	"redirect_map":         "bpf_xdp_redirect_map_proto",
	"sk_select_reuseport":  "sk_select_reuseport_proto",
	"fib_lookup":           "bpf_skb_fib_lookup_proto",
	"check_mtu":            "bpf_skb_check_mtu_proto",
	"rc_repeat":            "rc_repeat_proto",
	"rc_keydown":           "rc_keydown_proto",
	"rc_pointer_rel":       "rc_pointer_rel_proto",
	"lwt_push_encap":       "bpf_lwt_xmit_push_encap_proto",
	"get_func_ip":          "bpf_get_func_ip_proto_kprobe",
	"get_attach_cookie":    "bpf_get_attach_cookie_proto_trace",
	"get_netns_cookie":     "bpf_get_netns_cookie_sock_proto",
	"load_hdr_opt":         "bpf_sock_ops_load_hdr_opt_proto",
	"store_hdr_opt":        "bpf_sock_ops_store_hdr_opt_proto",
	"reserve_hdr_opt":      "bpf_sock_ops_reserve_hdr_opt_proto",
}

const (
	skbTypes  = "SocketFilter SchedCls SchedAct CgroupSkb LwtIn LwtOut LwtXmit LwtSeg6local SkSkb"
	rawTypes  = "RawTracepoint RawTracepointWritable Tracing LSM Syscall"
	cgTypes   = "CgroupSock CgroupSockAddr SockOps SkMsg SkLookup CgroupDevice CgroupSysctl CgroupSockopt"
	baseTypes = "SocketFilter CgroupSkb CgroupSock CgroupSockAddr SockOps SkSkb SkMsg FlowDissector SkReuseport SkLookup CgroupDevice CgroupSysctl CgroupSockopt StructOps Netfilter"
)

// others are the prototypes that some program types see instead. Those whose
// facts turn out equal to the default are dropped.
var others = []struct{ helper, proto, types string }{
	{"get_smp_processor_id", "bpf_get_raw_smp_processor_id_proto", baseTypes},
	{"perf_event_output", "bpf_skb_event_output_proto", skbTypes},
	{"perf_event_output", "bpf_xdp_event_output_proto", "XDP"},
	{"perf_event_output", "bpf_event_output_data_proto", cgTypes},
	{"perf_event_output", "bpf_perf_event_output_proto_tp", "Tracepoint PerfEvent"},
	{"perf_event_output", "bpf_perf_event_output_proto_raw_tp", rawTypes},
	{"get_stackid", "bpf_get_stackid_proto_tp", "Tracepoint"},
	{"get_stackid", "bpf_get_stackid_proto_pe", "PerfEvent"},
	{"get_stackid", "bpf_get_stackid_proto_raw_tp", rawTypes},
	{"get_stack", "bpf_get_stack_proto_tp", "Tracepoint"},
	{"get_stack", "bpf_get_stack_proto_pe", "PerfEvent"},
	{"get_stack", "bpf_get_stack_proto_raw_tp", rawTypes},
	{"skb_load_bytes", "bpf_flow_dissector_load_bytes_proto", "FlowDissector"},
	{"skb_load_bytes", "sk_reuseport_load_bytes_proto", "SkReuseport"},
	{"skb_load_bytes_relative", "sk_reuseport_load_bytes_relative_proto", "SkReuseport"},
	{"skb_pull_data", "sk_skb_pull_data_proto", "SkSkb"},
	{"skb_change_tail", "sk_skb_change_tail_proto", "SkSkb"},
	{"skb_change_head", "sk_skb_change_head_proto", "SkSkb"},
	{"skb_adjust_room", "sk_skb_adjust_room_proto", "SkSkb"},
	{"redirect", "bpf_xdp_redirect_proto", "XDP"},
	{"fib_lookup", "bpf_xdp_fib_lookup_proto", "XDP"},
	{"check_mtu", "bpf_xdp_check_mtu_proto", "XDP"},
	{"sk_lookup_tcp", "bpf_xdp_sk_lookup_tcp_proto", "XDP"},
	{"sk_lookup_udp", "bpf_xdp_sk_lookup_udp_proto", "XDP"},
	{"skc_lookup_tcp", "bpf_xdp_skc_lookup_tcp_proto", "XDP"},
	{"sk_lookup_tcp", "bpf_tc_sk_lookup_tcp_proto", "SchedCls SchedAct"},
	{"sk_lookup_udp", "bpf_tc_sk_lookup_udp_proto", "SchedCls SchedAct"},
	{"skc_lookup_tcp", "bpf_tc_skc_lookup_tcp_proto", "SchedCls SchedAct"},
	{"sk_lookup_tcp", "bpf_sock_addr_sk_lookup_tcp_proto", "CgroupSockAddr"},
	{"sk_lookup_udp", "bpf_sock_addr_sk_lookup_udp_proto", "CgroupSockAddr"},
	{"skc_lookup_tcp", "bpf_sock_addr_skc_lookup_tcp_proto", "CgroupSockAddr"},
	{"lwt_push_encap", "bpf_lwt_in_push_encap_proto", "LwtIn"},
	{"get_cgroup_classid", "bpf_get_cgroup_classid_curr_proto", "CgroupSock CgroupSockAddr CgroupDevice CgroupSysctl CgroupSockopt SkMsg"},
	{"get_socket_cookie", "bpf_get_socket_cookie_sock_proto", "CgroupSock"},
	{"get_socket_cookie", "bpf_get_socket_cookie_sock_addr_proto", "CgroupSockAddr"},
	{"get_socket_cookie", "bpf_get_socket_cookie_sock_ops_proto", "SockOps"},
	{"get_socket_cookie", "bpf_get_socket_ptr_cookie_proto", "Tracing LSM Syscall SkReuseport"},
	{"get_netns_cookie", "bpf_get_netns_cookie_sock_addr_proto", "CgroupSockAddr"},
	{"get_netns_cookie", "bpf_get_netns_cookie_sock_ops_proto", "SockOps"},
	{"get_netns_cookie", "bpf_get_netns_cookie_sk_msg_proto", "SkMsg"},
	{"get_netns_cookie", "bpf_get_netns_cookie_sockopt_proto", "CgroupSockopt"},
	{"setsockopt", "bpf_sock_addr_setsockopt_proto", "CgroupSockAddr"},
	{"getsockopt", "bpf_sock_addr_getsockopt_proto", "CgroupSockAddr"},
	{"setsockopt", "bpf_sock_ops_setsockopt_proto", "SockOps"},
	{"getsockopt", "bpf_sock_ops_getsockopt_proto", "SockOps"},
	{"sk_storage_get", "bpf_sk_storage_get_cg_sock_proto", "CgroupSock"},
	{"sk_storage_get", "bpf_sk_storage_get_tracing_proto", "Tracing Syscall"},
	{"sk_storage_delete", "bpf_sk_storage_delete_tracing_proto", "Tracing Syscall"},
	{"sk_assign", "bpf_sk_lookup_assign_proto", "SkLookup"},
	{"xdp_get_buff_len", "bpf_xdp_get_buff_len_trace_proto", "Tracing LSM Syscall"},
	{"get_func_ip", "bpf_get_func_ip_proto_tracing", rawTypes + " Tracepoint PerfEvent"},
	{"get_attach_cookie", "bpf_get_attach_cookie_proto_pe", "PerfEvent"},
	{"get_attach_cookie", "bpf_get_attach_cookie_proto_tracing", "Tracing RawTracepoint RawTracepointWritable Syscall"},
	{"get_attach_cookie", "bpf_get_attach_cookie_proto", "LSM"},
}

// changesData is bpf_helper_changes_pkt_data.
const changesData = " clone_redirect l3_csum_replace l4_csum_replace lwt_push_encap lwt_seg6_action lwt_seg6_adjust_srh lwt_seg6_store_bytes msg_pop_data msg_pull_data msg_push_data skb_adjust_room skb_change_head skb_change_proto skb_change_tail skb_pull_data skb_store_bytes skb_vlan_pop skb_vlan_push store_hdr_opt xdp_adjust_head xdp_adjust_meta xdp_adjust_tail tail_call "

// Helpers that bpf_base_func_proto gives only to holders of a capability.
const (
	needBPF     = " spin_lock spin_unlock jiffies64 per_cpu_ptr this_cpu_ptr timer_init timer_set_callback timer_start timer_cancel kptr_xchg for_each_map_elem loop user_ringbuf_drain ringbuf_reserve_dynptr ringbuf_submit_dynptr ringbuf_discard_dynptr dynptr_from_mem dynptr_read dynptr_write dynptr_data cgrp_storage_get cgrp_storage_delete get_current_cgroup_id get_current_ancestor_cgroup_id "
	needPerfmon = " trace_printk get_current_task get_current_task_btf probe_read_user probe_read_kernel probe_read_user_str probe_read_kernel_str snprintf_btf snprintf task_pt_regs trace_vprintk skc_to_tcp6_sock skc_to_tcp_sock skc_to_tcp_timewait_sock skc_to_tcp_request_sock skc_to_udp6_sock skc_to_unix_sock skc_to_mptcp_sock sys_bpf "
)

var structs = map[string]string{
	"btf_seq_file_ids[0]": "seq_file", "btf_tracing_ids[BTF_TRACING_TYPE_TASK]": "task_struct",
	"bpf_task_pt_regs_ids[0]": "pt_regs", "bpf_d_path_btf_ids[0]": "path",
	"bpf_inode_storage_btf_ids[0]": "inode", "bpf_cgroup_btf_id[0]": "cgroup",
	"bpf_bprm_opts_set_btf_ids[0]": "linux_binprm", "bpf_ima_inode_hash_btf_ids[0]": "inode",
	"bpf_ima_file_hash_btf_ids[0]": "file", "bpf_xdp_get_buff_len_bpf_ids[0]": "xdp_buff",
	"bpf_skb_output_btf_ids[0]": "sk_buff", "bpf_xdp_output_btf_ids[0]": "xdp_buff",
	"btf_sock_ids[BTF_SOCK_TYPE_TCP6]": "tcp6_sock", "btf_sock_ids[BTF_SOCK_TYPE_TCP]": "tcp_sock",
	"btf_sock_ids[BTF_SOCK_TYPE_TCP_TW]":  "tcp_timewait_sock",
	"btf_sock_ids[BTF_SOCK_TYPE_TCP_REQ]": "tcp_request_sock",
	"btf_sock_ids[BTF_SOCK_TYPE_UDP6]":    "udp6_sock", "btf_sock_ids[BTF_SOCK_TYPE_UNIX]": "unix_sock",
	"btf_sock_ids[BTF_SOCK_TYPE_MPTCP]": "mptcp_sock", "btf_sock_ids[BTF_SOCK_TYPE_SOCK_COMMON]": "sock_common",
	"bpf_sock_from_file_btf_ids[0]": "socket", "bpf_sock_from_file_btf_ids[1]": "file",
	"tcp_sock_id": "tcp_sock", "BPF_PTR_POISON": "*",
}

var sizes = map[string]string{
	"u32": "4", "u64": "8", "s64": "8",
	"struct iphdr": "20", "struct ipv6hdr": "40", "struct tcphdr": "20",
}

func protoTable(linux string, rows []row) *bytes.Buffer {
	protos := readProtos(linux)
	names := []string{""}
	for _, s := range structs {
		names = append(names, s)
	}
	sort.Strings(names)
	names = compact(names)
	btf := func(expr string) string {
		s, ok := structs[strings.TrimPrefix(expr, "&")]
		if !ok {
			log.Fatalf("no struct for %s", expr)
		}
		return strconv.Itoa(sort.SearchStrings(names, s))
	}
	b := header("linux")
	fmt.Fprintf(b, "var btfNames = [...]string{")
	for _, n := range names {
		fmt.Fprintf(b, "%q,", n)
	}
	fmt.Fprintf(b, "}\n\nvar table = [...]Proto{\n")
	index := map[string]int{}
	base := map[string]string{}
	varies := map[string]bool{}
	for i, r := range rows {
		index[r.name] = i
		base[r.name] = source(protos, r, i+1, protoName(r.name), btf)
	}
	type other struct{ types, src string }
	var rest []other
	for _, o := range others {
		i := index[o.helper]
		src := source(protos, rows[i], i+1, o.proto, btf)
		if src == base[o.helper] {
			continue
		}
		varies[o.helper] = true
		var types []string
		for _, t := range strings.Fields(o.types) {
			types = append(types, "1<<hook."+t)
		}
		rest = append(rest, other{strings.Join(types, "|"), src})
	}
	for _, r := range rows {
		src := base[r.name]
		if varies[r.name] {
			src = strings.Replace(src, "Flags:", "Flags: Variants|", 1)
		}
		fmt.Fprintf(b, "{%s},\n", src)
	}
	fmt.Fprintf(b, "}\n\nvar variants = [...]variant{\n")
	for _, o := range rest {
		fmt.Fprintf(b, "{%s, Proto{%s}},\n", o.types, strings.Replace(o.src, "Flags:", "Flags: Variants|", 1))
	}
	fmt.Fprintf(b, "}\n")
	src := strings.Replace(b.String(), "package helper\n", "package helper\n\nimport \"skep/vm/hook\"\n", 1)
	src = strings.NewReplacer("|0}", "}", "| 0}", "}", ", Flags: 0}", "}").Replace(src)
	return bytes.NewBufferString(src)
}

func compact(s []string) []string {
	out := s[:0]
	for i, x := range s {
		if i == 0 || x != s[i-1] {
			out = append(out, x)
		}
	}
	return out
}

func protoName(helper string) string {
	if p, ok := def[helper]; ok {
		return p
	}
	return "bpf_" + helper + "_proto"
}

// source is a Proto as the inside of a Go literal.
func source(protos map[string]facts, r row, id int, proto string, btf func(string) string) string {
	f, ok := protos[proto]
	if !ok {
		log.Fatalf("%s: no struct %s", r.name, proto)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "ID: %d, Name: %q, Ret: %s", id, "bpf_"+r.name, f.ret)
	list := func(name, typ string, v [5]string, conv func(string) string) {
		n := 5
		for n > 0 && v[n-1] == "" {
			n--
		}
		if n == 0 {
			return
		}
		fmt.Fprintf(&b, ", %s: [5]%s{", name, typ)
		for _, s := range v[:n] {
			if s == "" {
				s = "0"
			} else {
				s = conv(s)
			}
			b.WriteString(s + ",")
		}
		b.WriteString("}")
	}
	same := func(s string) string { return s }
	list("Args", "ArgKind", f.args, same)
	list("Extra", "uint8", f.extra, func(s string) string {
		if n, ok := sizes[s]; ok {
			return n
		}
		return btf(s)
	})
	if f.retBTF != "" {
		fmt.Fprintf(&b, ", RetBTF: %s", btf(f.retBTF))
	}
	in := func(list string) bool { return strings.Contains(list, " "+r.name+" ") }
	flags := f.flags
	if in(changesData) {
		flags = append(flags, "MayChangePacket")
	}
	if in(needBPF) {
		flags = append(flags, "NeedBPF")
	}
	if in(needPerfmon) {
		flags = append(flags, "NeedPerfmon")
	}
	flags = append(flags, "0")
	fmt.Fprintf(&b, ", Flags: %s", strings.Join(flags, "|"))
	return b.String()
}

func readProtos(linux string) map[string]facts {
	protos := map[string]facts{}
	for _, dir := range []string{"kernel", "net", "security", "drivers/media/rc", "fs"} {
		err := filepath.WalkDir(filepath.Join(linux, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".c" {
				return nil
			}
			src, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range protoRE.FindAllSubmatch(src, -1) {
				protos[string(m[1])] = parseProto(string(m[1]), commentRE.ReplaceAllString(string(m[2]), ""))
			}
			return nil
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	return protos
}

func parseProto(name, body string) facts {
	f := facts{ret: "RetInteger"}
	for _, m := range fieldRE.FindAllStringSubmatch(body+"\n", -1) {
		field, value := m[1], strings.Join(strings.Fields(m[2]), " ")
		switch {
		case field == "func":
		case field == "gpl_only" && value == "true":
			f.flags = append(f.flags, "GPLOnly")
		case field == "pkt_access" && value == "true":
			f.flags = append(f.flags, "PktAccess")
		case field == "might_sleep" && value == "true":
			f.flags = append(f.flags, "MightSleep")
		case field == "allow_fastcall" && value == "true":
			f.flags = append(f.flags, "AllowFastcall")
		case field == "allowed":
			f.flags = append(f.flags, "HasAllowed")
		case value == "false":
		case field == "ret_type":
			f.ret = kind(value, "RetKind")
		case field == "ret_btf_id":
			f.retBTF = value
		case strings.HasSuffix(field, "_type"):
			f.args[field[3]-'1'] = kind(value, "ArgKind")
		case strings.HasSuffix(field, "_btf_id"):
			f.extra[field[3]-'1'] = value
		case strings.HasSuffix(field, "_size"):
			f.extra[field[3]-'1'] = strings.TrimSuffix(strings.TrimPrefix(value, "sizeof("), ")")
		default:
			log.Fatalf("%s: unknown field %s = %s", name, field, value)
		}
	}
	sort.Strings(f.flags)
	return f
}

// kind turns ARG_PTR_TO_MEM | MEM_RDONLY into Go.
func kind(value, conv string) string {
	var base, flags []string
	for _, w := range strings.Split(value, "|") {
		w = strings.TrimSpace(w)
		if strings.HasPrefix(w, "ARG_") || strings.HasPrefix(w, "RET_") {
			base = append(base, camel(w))
		} else {
			flags = append(flags, camel(w))
		}
	}
	if len(flags) > 0 {
		base = append(base, conv+"("+strings.Join(flags, "|")+")")
	}
	return strings.Join(base, "|")
}

// camel spells a kernel constant in Go: RET_PTR_TO_TCP_SOCK is RetPtrToTCPSock.
func camel(s string) string {
	var b strings.Builder
	for _, w := range strings.Split(s, "_") {
		switch w {
		case "BTF", "ID", "TCP", "XDP", "RCU":
			b.WriteString(w)
		default:
			b.WriteString(w[:1] + strings.ToLower(w[1:]))
		}
	}
	return b.String()
}
