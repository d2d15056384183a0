// Command gen writes ztypes.go: where the members that the simulated machine
// fills in lie in the reference kernel's structs, by its BTF.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"strings"

	"skep/vm/btf"
)

// wanted is a struct a line, then its members. A struct with no members is
// known by name and size only. Those with __safe_ say which pointers of a struct
// the verifier may trust.
const wanted = `
task_struct thread_info __state stack flags on_cpu prio static_prio normal_prio policy exit_state exit_code exit_signal mm active_mm pid tgid real_parent parent children sibling group_leader utime stime nvcsw nivcsw start_time start_boottime real_cred cred comm fs files nsproxy signal sighand loginuid sessionid cgroups recent_used_cpu wake_cpu se
thread_info flags cpu
list_head next prev
sched_entity sum_exec_runtime vruntime
cred uid gid suid sgid euid egid fsuid fsgid securebits cap_inheritable cap_permitted cap_effective cap_bset user_ns
kuid_t val
kgid_t val
kernel_cap_t val
mm_struct mmap_base task_size pgd total_vm stack_vm start_code end_code start_data end_data start_brk brk start_stack arg_start arg_end env_start env_end exe_file owner
nsproxy uts_ns ipc_ns mnt_ns pid_ns_for_children net_ns cgroup_ns
ns_common inum
pid_namespace ns level
uts_namespace ns name
new_utsname sysname nodename release version machine domainname
mnt_namespace ns
ipc_namespace ns
cgroup_namespace ns
user_namespace ns level
net ns ifindex
signal_struct nr_threads tty oom_score_adj
sighand_struct
fs_struct root pwd umask
files_struct next_fd
css_set dfl_cgrp
cgroup kn level self
kernfs_node id name parent
file f_op f_mode f_flags f_path f_inode f_pos f_cred private_data
path mnt dentry
vfsmount mnt_root mnt_sb mnt_flags
dentry d_parent d_name d_inode d_iname d_sb d_flags
qstr name len hash
inode i_mode i_uid i_gid i_ino i_size i_sb i_rdev i_nlink 
super_block s_dev s_magic s_id s_type s_root
file_system_type name
filename name uptr
open_how flags mode resolve
linux_binprm mm file filename interp argc envc cred p buf
socket state type flags file sk
sock __sk_common sk_protocol sk_type sk_mark sk_priority sk_uid sk_rcvbuf sk_sndbuf sk_socket sk_err sk_gso_max_segs sk_wmem_queued sk_state_change
sock_common skc_daddr skc_rcv_saddr skc_addrpair skc_portpair skc_dport skc_num skc_hash skc_family skc_state skc_bound_dev_if skc_net skc_v6_daddr skc_v6_rcv_saddr skc_cookie skc_refcnt
possible_net_t net
in6_addr in6_u
inet_sock sk inet_saddr inet_sport inet_id
inet_connection_sock icsk_inet
tcp_sock inet_conn srtt_us mdev_us snd_cwnd snd_ssthresh packets_out total_retrans bytes_received bytes_acked snd_nxt snd_una rcv_nxt mss_cache
udp_sock inet
sockaddr sa_family
sockaddr_in sin_family sin_port sin_addr
in_addr s_addr
sockaddr_in6 sin6_family sin6_port sin6_addr
msghdr msg_name msg_namelen msg_flags
sk_buff dev sk cb len data_len mac_len hash protocol transport_header network_header mac_header tail end head data truesize mark skb_iif priority
net_device name ifindex mtu
iphdr
pt_regs r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss
kernel_siginfo si_signo si_errno si_code
bpf_iter_meta seq session_id seq_num
seq_file buf size from count index private
nf_hook_state hook pf in out sk net
bpf_iter__task meta task
bpf_iter__tcp meta sk_common uid
bpf_iter__udp meta udp_sk uid bucket
bpf_iter__bpf_map_elem meta map key value
task_struct__safe_rcu cpus_ptr cgroups real_parent group_leader
cgroup__safe_rcu kn
css_set__safe_rcu dfl_cgrp
mm_struct__safe_rcu_or_null exe_file
sk_buff__safe_rcu_or_null sk
request_sock__safe_rcu_or_null sk
bpf_iter_meta__safe_trusted seq
bpf_iter__task__safe_trusted meta task
linux_binprm__safe_trusted file
file__safe_trusted f_inode
dentry__safe_trusted d_inode
socket__safe_trusted_or_null sk
`

// functions that programs are attached to by their types: those that events
// pass (vm/world's tables), LSM hooks, iterators, and tracepoints, which are
// typedefs.
const functions = `
do_sys_openat2 vfs_read vfs_write do_unlinkat vfs_unlink do_renameat2 vfs_rename do_mkdirat vfs_mkdir path_mount kernel_clone wake_up_new_task do_exit
tcp_v4_connect tcp_v6_connect tcp_connect udp_sendmsg tcp_sendmsg udp_recvmsg tcp_recvmsg inet_csk_accept security_task_kill
bpf_lsm_bprm_creds_for_exec bpf_lsm_bprm_check_security bpf_lsm_file_open bpf_lsm_file_release bpf_lsm_file_permission bpf_lsm_path_unlink bpf_lsm_inode_unlink
bpf_lsm_path_rename bpf_lsm_inode_rename bpf_lsm_path_chmod bpf_lsm_inode_setattr bpf_lsm_path_mkdir bpf_lsm_inode_mkdir bpf_lsm_path_mknod bpf_lsm_inode_mknod
bpf_lsm_sb_mount bpf_lsm_sb_umount bpf_lsm_mmap_file bpf_lsm_task_alloc bpf_lsm_task_kill bpf_lsm_socket_create bpf_lsm_socket_post_create bpf_lsm_socket_connect
bpf_lsm_socket_bind bpf_lsm_socket_listen bpf_lsm_socket_accept bpf_lsm_socket_sendmsg bpf_lsm_socket_recvmsg bpf_lsm_socket_getpeername bpf_lsm_socket_getsockname
bpf_lsm_socket_setsockopt bpf_lsm_socket_getsockopt
bpf_iter_task bpf_iter_tcp bpf_iter_udp bpf_iter_bpf_map_elem
btf_trace_sched_switch btf_trace_sched_wakeup btf_trace_sched_wakeup_new btf_trace_sched_process_fork btf_trace_sched_process_exec btf_trace_sched_process_exit
btf_trace_task_newtask btf_trace_signal_generate btf_trace_inet_sock_set_state btf_trace_netif_receive_skb
`

func main() {
	blob := flag.String("btf", "", "BTF of the reference kernel")
	out := flag.String("o", "ztypes.go", "file to write")
	flag.Parse()
	b, err := os.ReadFile(*blob)
	if err != nil {
		log.Fatal(err)
	}
	spec, err := btf.Parse(b)
	if err != nil {
		log.Fatal(err)
	}
	g := gen{spec: spec, known: map[string]bool{}}
	lines := strings.Split(strings.TrimSpace(wanted), "\n")
	for _, l := range lines {
		g.known[strings.Fields(l)[0]] = true
	}
	var text strings.Builder
	for _, l := range lines {
		words := strings.Fields(l)
		if err := g.structure(&text, words[0], words[1:]); err != nil {
			log.Fatal(err)
		}
	}
	var funcs strings.Builder
	for _, name := range strings.Fields(functions) {
		if err := g.function(&funcs, name); err != nil {
			log.Fatal(err)
		}
	}
	src := "// Code generated by vm/world/internal/gen; DO NOT EDIT.\n\npackage kernel\n\n" +
		"// layoutText is the reference kernel's structs, a line each: see types.go.\nconst layoutText = `" + text.String() + "`\n\n" +
		"// functionText is functions, a line each: what they return, then the arguments.\nconst functionText = `" + funcs.String() + "`\n"
	if err := os.WriteFile(*out, []byte(src), 0o644); err != nil {
		log.Fatal(err)
	}
}

type gen struct {
	spec  *btf.Spec
	known map[string]bool
}

func (g *gen) structure(w *strings.Builder, name string, members []string) error {
	id, ok := g.spec.Lookup(name, btf.KindStruct)
	mark := ""
	if !ok {
		if id, ok = g.spec.Lookup(name, btf.KindTypedef); !ok {
			return fmt.Errorf("there is no struct %s", name)
		}
		mark = "~" // a typedef of a struct without name
		id = g.spec.Resolve(id)
	}
	size, _ := g.spec.Size(id)
	fmt.Fprintf(w, "%s%s %d", mark, name, size)
	type at struct {
		off  uint32
		text string
	}
	var list []at
	for _, m := range members {
		off, typ, ok := g.member(id, m)
		if !ok {
			log.Printf("struct %s has no member %s: left out", name, m)
			continue
		}
		list = append(list, at{off, fmt.Sprintf(" %s@%d:%s", m, off, g.code(typ))})
	}
	for len(list) > 0 { // by offset, as BTF wants it
		best := 0
		for i := range list {
			if list[i].off < list[best].off {
				best = i
			}
		}
		w.WriteString(list[best].text)
		list = append(list[:best], list[best+1:]...)
	}
	w.WriteByte('\n')
	return nil
}

func (g *gen) function(w *strings.Builder, name string) error {
	id, ok := g.spec.Lookup(name, btf.KindFunc)
	if !ok {
		if id, ok = g.spec.Lookup(name, btf.KindTypedef); !ok {
			return fmt.Errorf("there is no function %s", name)
		}
		id = g.spec.Type(id).Target() // the pointer
	}
	proto := g.spec.Type(g.spec.Type(id).Target())
	ret := "v"
	if proto.Target() != 0 {
		ret = g.argument(proto.Target())
	}
	fmt.Fprintf(w, "%s %s", name, ret)
	for i := range proto.Vlen() {
		p := proto.Param(i)
		fmt.Fprintf(w, " %s:%s", p.Name, g.argument(p.Type))
	}
	w.WriteByte('\n')
	return nil
}

// argument is the type of an argument: as code, and *?name for a pointer to a
// struct of which only the name is known.
func (g *gen) argument(id btf.ID) string {
	t := g.spec.Type(g.spec.Resolve(id))
	if t.Kind() == btf.KindPtr && t.Target() != 0 {
		switch to := g.spec.Type(g.spec.Resolve(t.Target())); {
		case to.Kind().IsComposite() && to.Name() != "":
			if !g.known[to.Name()] {
				return "*?" + to.Name()
			}
		case to.Kind() != btf.KindInt && g.spec.Resolve(t.Target()) != 0:
			return "*?unknown"
		}
	}
	return g.code(id)
}

// member finds a member through structs and unions without name.
func (g *gen) member(id btf.ID, name string) (uint32, btf.ID, bool) {
	t := g.spec.Type(id)
	for i := range t.Vlen() {
		m := t.Member(i)
		if m.Name == name && m.Bits == 0 {
			return m.Offset / 8, m.Type, true
		}
		if inner := g.spec.Resolve(m.Type); m.Name == "" && g.spec.Kind(inner).IsComposite() {
			if off, typ, ok := g.member(inner, name); ok {
				return m.Offset/8 + off, typ, true
			}
		}
	}
	return 0, 0, false
}

// code is the type of a member: u4, i8, *file, *c, =path, c16, u4[6].
func (g *gen) code(id btf.ID) string {
	named := g.spec.SkipQualifiers(id)
	if t := g.spec.Type(named); t.Kind() == btf.KindTypedef && g.known[t.Name()] {
		return "=" + t.Name()
	}
	id = g.spec.Resolve(id)
	t := g.spec.Type(id)
	size, _ := g.spec.Size(id)
	switch {
	case t.Kind() == btf.KindInt:
		if t.Int().Encoding&btf.IntSigned != 0 {
			return fmt.Sprintf("i%d", size)
		}
		return fmt.Sprintf("u%d", size)
	case t.Kind().IsEnum():
		return fmt.Sprintf("u%d", size)
	case t.Kind() == btf.KindPtr:
		to := g.spec.Type(g.spec.Resolve(t.Target()))
		switch {
		case to.Kind() == btf.KindInt && to.Size() == 1:
			return "*c"
		case g.known[to.Name()] && to.Kind().IsComposite():
			return "*" + to.Name()
		}
		return "*"
	case t.Kind() == btf.KindArray:
		elem := g.code(t.Array().Elem)
		if elem == "u1" || elem == "i1" {
			return fmt.Sprintf("c%d", size)
		}
		return fmt.Sprintf("%s[%d]", elem, t.Array().Len)
	case g.known[t.Name()]:
		return "=" + t.Name()
	case t.Kind() == btf.KindUnion && t.Vlen() > 0 && t.Member(0).Name == "u6_addr8":
		return "^"
	}
	return fmt.Sprintf("c%d", size)
}
