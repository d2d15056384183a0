package world

import "strings"

// Facts about the places where programs can be: which arguments they have, by
// the names that setup gives values to. Read in Linux 6.12; a test holds
// those of functions to a kernel's BTF.

// syscalls: name, number on amd64 and arm64, arguments.
const syscalls = `
openat 257 56 dfd filename flags mode
close 3 57 fd
read 0 63 fd buf count
write 1 64 fd buf count
unlinkat 263 35 dfd pathname flag
renameat 264 38 olddfd oldname newdfd newname
fchmodat 268 53 dfd filename mode
mkdirat 258 34 dfd pathname mode
mknodat 259 33 dfd filename mode dev
mount 165 40 dev_name dir_name type flags data
umount 166 39 name flags
mmap 9 222 addr len prot flags fd off
munmap 11 215 addr len
clone 56 220 clone_flags newsp parent_tidptr child_tidptr tls
execve 59 221 filename argv envp
exit_group 231 94 error_code
kill 62 129 pid sig
clock_nanosleep 230 115 which_clock flags rqtp rmtp
socket 41 198 family type protocol
connect 42 203 fd uservaddr addrlen
bind 49 200 fd umyaddr addrlen
listen 50 201 fd backlog
accept4 288 242 fd upeer_sockaddr upeer_addrlen flags
sendto 44 206 fd buff len flags addr addr_len
recvfrom 45 207 fd ubuf size flags addr addr_len
getpeername 52 205 fd usockaddr usockaddr_len
getsockname 51 204 fd usockaddr usockaddr_len
setsockopt 54 208 fd level optname optval optlen
getsockopt 55 209 fd level optname optval optlen
`

// funcs: name and arguments of kernel functions. Those of security hooks,
// security_ and the hook's name, are here only where they differ.
const funcs = `
do_sys_openat2 dfd filename how
vfs_read file buf count pos
vfs_write file buf count pos
do_unlinkat dfd name
vfs_unlink idmap dir dentry delegated_inode
do_renameat2 olddfd from newdfd to flags
vfs_rename rd
do_mkdirat dfd name mode
vfs_mkdir idmap dir dentry mode
path_mount dev_name path type_page flags data_page
kernel_clone args
wake_up_new_task p
do_exit code
tcp_v4_connect sk uaddr addr_len
tcp_v6_connect sk uaddr addr_len
tcp_connect sk
udp_sendmsg sk msg len
tcp_sendmsg sk msg size
udp_recvmsg sk msg len flags addr_len
tcp_recvmsg sk msg len flags addr_len
inet_csk_accept sk arg
security_inode_rename old_inode old_dentry new_inode new_dentry flags
security_mmap_file file prot flags
`

// lsms: name and arguments of security hooks.
const lsms = `
bprm_creds_for_exec bprm
bprm_check_security bprm
file_open file
file_release file
file_permission file mask
path_unlink dirpath dentry
inode_unlink dir dentry
path_rename old_dir old_dentry new_dir new_dentry flags
inode_rename old_inode old_dentry new_inode new_dentry
path_chmod path mode
inode_setattr idmap dentry attr
path_mkdir dirpath dentry mode
inode_mkdir dir dentry mode
path_mknod dirpath dentry mode dev
inode_mknod dir dentry mode dev
sb_mount dev_name path type flags data
sb_umount mnt flags
mmap_file file reqprot prot flags
task_alloc task clone_flags
task_kill p info sig cred
socket_create family type protocol kern
socket_post_create sock family type protocol kern
socket_connect sock address addrlen
socket_bind sock address addrlen
socket_listen sock backlog
socket_accept sock newsock
socket_sendmsg sock msg size
socket_recvmsg sock msg size flags
socket_getpeername sock
socket_getsockname sock
socket_setsockopt sock level optname
socket_getsockopt sock level optname
`

// tracepoints: category/name, raw arguments, a bar, and the fields of the
// format behind the 8 bytes that all have: i4 u2 p (8 bytes) c16 (text) s
// (text elsewhere, __data_loc).
const tracepoints = `
sched/sched_switch preempt prev next prev_state | prev_comm:c16 prev_pid:i4 prev_prio:i4 prev_state:p next_comm:c16 next_pid:i4 next_prio:i4
sched/sched_wakeup p | comm:c16 pid:i4 prio:i4 target_cpu:i4
sched/sched_wakeup_new p | comm:c16 pid:i4 prio:i4 target_cpu:i4
sched/sched_process_fork parent child | parent_comm:c16 parent_pid:i4 child_comm:c16 child_pid:i4
sched/sched_process_exec p old_pid bprm | filename:s pid:i4 old_pid:i4
sched/sched_process_exit p | comm:c16 pid:i4 prio:i4
task/task_newtask task clone_flags | pid:i4 comm:c16 clone_flags:p oom_score_adj:i2
signal/signal_generate sig info task group result | sig:i4 errno:i4 code:i4 comm:c16 pid:i4 group:i4 result:i4
sock/inet_sock_set_state sk oldstate newstate | skaddr:p oldstate:i4 newstate:i4 sport:u2 dport:u2 family:u2 protocol:u2 saddr:c4 daddr:c4 saddr_v6:c16 daddr_v6:c16
net/netif_receive_skb skb | skbaddr:p len:u4 name:s
`

// row is the line of a table that begins with name, without it.
func row(table, name string) (string, bool) {
	i := strings.Index(table, "\n"+name+" ")
	if i < 0 || name == "" {
		return "", false
	}
	rest := table[i+len(name)+2:]
	return rest[:strings.IndexByte(rest, '\n')], true
}

// syscall is the number and the arguments of a system call.
func syscall(name string, arm64 bool) (uint64, []string) {
	text, ok := row(syscalls, name)
	if !ok {
		return 0, nil
	}
	words := strings.Fields(text)
	n := words[0]
	if arm64 {
		n = words[1]
	}
	return uint64(decimal(n)), words[2:]
}

// funcArgs is the arguments of a kernel function.
func funcArgs(name string) []string {
	text, ok := row(funcs, name)
	if !ok {
		text, _ = row(lsms, strings.TrimPrefix(name, "security_"))
	}
	return strings.Fields(text)
}

// tracepoint is the raw arguments and the format of a tracepoint.
func tracepoint(name string) (args, format []string) {
	text, _ := row(tracepoints, name)
	a, f, _ := strings.Cut(text, "|")
	return strings.Fields(a), strings.Fields(f)
}
