package hook

// The layouts below are those of the UAPI header of Linux 6.12 (include/uapi/linux/bpf.h)
// and of the user view of struct pt_regs, as clang lays them out.

var skMsgMd = Layout{"sk_msg_md", 80, []Field{
	{"data", "void *", 0, 8, 1},
	{"data_end", "void *", 8, 8, 1},
	{"family", "__u32", 16, 4, 1},
	{"remote_ip4", "__u32", 20, 4, 1},
	{"local_ip4", "__u32", 24, 4, 1},
	{"remote_ip6", "__u32", 28, 4, 4},
	{"local_ip6", "__u32", 44, 4, 4},
	{"remote_port", "__u32", 60, 4, 1},
	{"local_port", "__u32", 64, 4, 1},
	{"size", "__u32", 68, 4, 1},
	{"sk", "struct bpf_sock *", 72, 8, 1},
}}

var skReuseportMd = Layout{"sk_reuseport_md", 56, []Field{
	{"data", "void *", 0, 8, 1},
	{"data_end", "void *", 8, 8, 1},
	{"len", "__u32", 16, 4, 1},
	{"eth_protocol", "__u32", 20, 4, 1},
	{"ip_protocol", "__u32", 24, 4, 1},
	{"bind_inany", "__u32", 28, 4, 1},
	{"hash", "__u32", 32, 4, 1},
	{"sk", "struct bpf_sock *", 40, 8, 1},
	{"migrating_sk", "struct bpf_sock *", 48, 8, 1},
}}

var skLookup = Layout{"bpf_sk_lookup", 72, []Field{
	{"sk", "struct bpf_sock *", 0, 8, 1},
	{"cookie", "__u64", 0, 8, 1},
	{"family", "__u32", 8, 4, 1},
	{"protocol", "__u32", 12, 4, 1},
	{"remote_ip4", "__u32", 16, 4, 1},
	{"remote_ip6", "__u32", 20, 4, 4},
	{"remote_port", "__be16", 36, 2, 1},
	{"local_ip4", "__u32", 40, 4, 1},
	{"local_ip6", "__u32", 44, 4, 4},
	{"local_port", "__u32", 60, 4, 1},
	{"ingress_ifindex", "__u32", 64, 4, 1},
}}

var cgroupDevCtx = Layout{"bpf_cgroup_dev_ctx", 12, []Field{
	{"access_type", "__u32", 0, 4, 1},
	{"major", "__u32", 4, 4, 1},
	{"minor", "__u32", 8, 4, 1},
}}

var flowKeys = Layout{"bpf_flow_keys", 56, []Field{
	{"nhoff", "__u16", 0, 2, 1},
	{"thoff", "__u16", 2, 2, 1},
	{"addr_proto", "__u16", 4, 2, 1},
	{"is_frag", "__u8", 6, 1, 1},
	{"is_first_frag", "__u8", 7, 1, 1},
	{"is_encap", "__u8", 8, 1, 1},
	{"ip_proto", "__u8", 9, 1, 1},
	{"n_proto", "__be16", 10, 2, 1},
	{"sport", "__be16", 12, 2, 1},
	{"dport", "__be16", 14, 2, 1},
	{"ipv4_src", "__be32", 16, 4, 1},
	{"ipv4_dst", "__be32", 20, 4, 1},
	{"ipv6_src", "__u32", 16, 4, 4},
	{"ipv6_dst", "__u32", 32, 4, 4},
	{"flags", "__u32", 48, 4, 1},
	{"flow_label", "__be32", 52, 4, 1},
}}

var tcpSock = Layout{"bpf_tcp_sock", 112, []Field{
	{"snd_cwnd", "__u32", 0, 4, 1},
	{"srtt_us", "__u32", 4, 4, 1},
	{"rtt_min", "__u32", 8, 4, 1},
	{"snd_ssthresh", "__u32", 12, 4, 1},
	{"rcv_nxt", "__u32", 16, 4, 1},
	{"snd_nxt", "__u32", 20, 4, 1},
	{"snd_una", "__u32", 24, 4, 1},
	{"mss_cache", "__u32", 28, 4, 1},
	{"ecn_flags", "__u32", 32, 4, 1},
	{"rate_delivered", "__u32", 36, 4, 1},
	{"rate_interval_us", "__u32", 40, 4, 1},
	{"packets_out", "__u32", 44, 4, 1},
	{"retrans_out", "__u32", 48, 4, 1},
	{"total_retrans", "__u32", 52, 4, 1},
	{"segs_in", "__u32", 56, 4, 1},
	{"data_segs_in", "__u32", 60, 4, 1},
	{"segs_out", "__u32", 64, 4, 1},
	{"data_segs_out", "__u32", 68, 4, 1},
	{"lost_out", "__u32", 72, 4, 1},
	{"sacked_out", "__u32", 76, 4, 1},
	{"bytes_received", "__u64", 80, 8, 1},
	{"bytes_acked", "__u64", 88, 8, 1},
	{"dsack_dups", "__u32", 96, 4, 1},
	{"delivered", "__u32", 100, 4, 1},
	{"delivered_ce", "__u32", 104, 4, 1},
	{"icsk_retransmits", "__u32", 108, 4, 1},
}}

var xdpSock = Layout{"bpf_xdp_sock", 4, []Field{
	{"queue_id", "__u32", 0, 4, 1},
}}

var ptRegsAMD64 = Layout{"pt_regs", 168, []Field{
	{"r15", "unsigned long", 0, 8, 1},
	{"r14", "unsigned long", 8, 8, 1},
	{"r13", "unsigned long", 16, 8, 1},
	{"r12", "unsigned long", 24, 8, 1},
	{"rbp", "unsigned long", 32, 8, 1},
	{"rbx", "unsigned long", 40, 8, 1},
	{"r11", "unsigned long", 48, 8, 1},
	{"r10", "unsigned long", 56, 8, 1},
	{"r9", "unsigned long", 64, 8, 1},
	{"r8", "unsigned long", 72, 8, 1},
	{"rax", "unsigned long", 80, 8, 1},
	{"rcx", "unsigned long", 88, 8, 1},
	{"rdx", "unsigned long", 96, 8, 1},
	{"rsi", "unsigned long", 104, 8, 1},
	{"rdi", "unsigned long", 112, 8, 1},
	{"orig_rax", "unsigned long", 120, 8, 1},
	{"rip", "unsigned long", 128, 8, 1},
	{"cs", "unsigned long", 136, 8, 1},
	{"eflags", "unsigned long", 144, 8, 1},
	{"rsp", "unsigned long", 152, 8, 1},
	{"ss", "unsigned long", 160, 8, 1},
}}

var ptRegsARM64 = Layout{"user_pt_regs", 272, []Field{
	{"regs", "unsigned long long", 0, 8, 31},
	{"sp", "unsigned long long", 248, 8, 1},
	{"pc", "unsigned long long", 256, 8, 1},
	{"pstate", "unsigned long long", 264, 8, 1},
}}

var perfEventData = Layout{"bpf_perf_event_data", 184, []Field{
	{"regs", "struct pt_regs", 0, 168, 1},
	{"sample_period", "__u64", 168, 8, 1},
	{"addr", "__u64", 176, 8, 1},
}}

var nfCtx = Layout{"bpf_nf_ctx", 16, []Field{
	{"state", "void *", 0, 8, 1},
	{"skb", "void *", 8, 8, 1},
}}

var sockTuple = Layout{"bpf_sock_tuple", 36, []Field{
	{"ipv4", "struct", 0, 12, 1},
	{"ipv6", "struct", 0, 36, 1},
}}

var fibLookup = Layout{"bpf_fib_lookup", 64, []Field{
	{"family", "__u8", 0, 1, 1},
	{"l4_protocol", "__u8", 1, 1, 1},
	{"sport", "__be16", 2, 2, 1},
	{"dport", "__be16", 4, 2, 1},
	{"tot_len", "__u16", 6, 2, 1},
	{"mtu_result", "__u16", 6, 2, 1},
	{"ifindex", "__u32", 8, 4, 1},
	{"tos", "__u8", 12, 1, 1},
	{"flowinfo", "__be32", 12, 4, 1},
	{"rt_metric", "__u32", 12, 4, 1},
	{"ipv4_src", "__be32", 16, 4, 1},
	{"ipv6_src", "__u32", 16, 4, 4},
	{"ipv4_dst", "__be32", 32, 4, 1},
	{"ipv6_dst", "__u32", 32, 4, 4},
	{"h_vlan_proto", "__be16", 48, 2, 1},
	{"h_vlan_TCI", "__be16", 50, 2, 1},
	{"tbid", "__u32", 48, 4, 1},
	{"mark", "__u32", 52, 4, 1},
	{"smac", "__u8", 52, 1, 6},
	{"dmac", "__u8", 58, 1, 6},
}}

var tunnelKey = Layout{"bpf_tunnel_key", 44, []Field{
	{"tunnel_id", "__u32", 0, 4, 1},
	{"remote_ipv4", "__u32", 4, 4, 1},
	{"remote_ipv6", "__u32", 4, 4, 4},
	{"tunnel_tos", "__u8", 20, 1, 1},
	{"tunnel_ttl", "__u8", 21, 1, 1},
	{"tunnel_ext", "__u16", 22, 2, 1},
	{"tunnel_flags", "__be16", 22, 2, 1},
	{"tunnel_label", "__u32", 24, 4, 1},
	{"local_ipv4", "__u32", 28, 4, 1},
	{"local_ipv6", "__u32", 28, 4, 4},
}}

var redirNeigh = Layout{"bpf_redir_neigh", 20, []Field{
	{"nh_family", "__u32", 0, 4, 1},
	{"ipv4_nh", "__be32", 4, 4, 1},
	{"ipv6_nh", "__u32", 4, 4, 4},
}}

var perfEventValue = Layout{"bpf_perf_event_value", 24, []Field{
	{"counter", "__u64", 0, 8, 1},
	{"enabled", "__u64", 8, 8, 1},
	{"running", "__u64", 16, 8, 1},
}}

var pidnsInfo = Layout{"bpf_pidns_info", 8, []Field{
	{"pid", "__u32", 0, 4, 1},
	{"tgid", "__u32", 4, 4, 1},
}}
