package world

import "strings"

// Verb is a kind of event.
type Verb struct {
	Name    string
	Args    string // names, those in front of the bar may stand without a name: "path to | mode"
	Doc     string // one sentence
	Example string
	script  string // tokens, see run in fire.go
	call    bool   // NAME(values) follows
}

// common are the arguments of every verb: who does it, and how long it takes.
const common = " uid gid pid comm cg us "

// Scripts that several verbs share. The order of hooks is that of Linux 6.12;
// the system calls are those that the sandbox's agent makes for the verb.
const (
	openScript  = "sys:openat fn:do_sys_openat2 do:lookup cg:dev lsm:file_open do:open ) ) need "
	closeScript = "sys:close lsm:file_release do:close )"
	forkScript  = "sys:clone fn:kernel_clone lsm:task_alloc do:fork tp:task/task_newtask tp:sched/sched_process_fork fn:wake_up_new_task tp:sched/sched_wakeup_new ) ) ) need as:child "
	execScript  = "sys:execve do:image lsm:file_open lsm:bprm_creds_for_exec lsm:bprm_check_security do:exec tp:sched/sched_process_exec ) "
	exitScript  = "sys:exit_group fn:do_exit do:dying tp:sched/sched_process_exit do:exit"
	runScript   = forkScript + execScript + exitScript
	sockScript  = "sys:socket lsm:socket_create do:socket cg:sock_create lsm:socket_post_create ) need "
	doneScript  = " sys:close state:4 far:state:8 far:state:9 state:5 state:7 far:state:7 cg:sock_release do:release )"
	sendScript  = "fn:sendmsg cg:sendmsg net:sk_msg do:send net:cgroup_skb/egress net:lwt_out net:lwt_xmit net:nf net:tc/egress ) "
	inScript    = "do:arrive net:xdp net:flow_dissector tp:net/netif_receive_skb net:tc/ingress net:lwt_in net:nf net:sk_lookup net:sk_reuseport net:cgroup_skb/ingress net:socket net:sk_skb do:deliver"
)

// verbs is the table, in the order of a menu.
var verbs = [...]Verb{
	{"exec", "path | args", "A child of the task runs a program and exits.", "exec uid=1000 comm=bash path=/bin/true", runScript, false},
	{"open", "path | flags mode", "Opens a file and closes it again.", "open path=/etc/hosts", openScript + closeScript, false},
	{"read", "path | size", "Opens a file, reads it and closes it.", "read path=/etc/hosts", openScript + "sys:read fn:vfs_read lsm:file_permission do:read ) ) " + closeScript, false},
	{"write", "path | data mode", "Makes or truncates a file, writes data and closes it.", "write path=/tmp/log data=hello", openScript + "sys:write fn:vfs_write lsm:file_permission do:write ) ) " + closeScript, false},
	{"unlink", "path |", "Removes a file.", "unlink path=/tmp/log", "sys:unlinkat fn:do_unlinkat do:lookup lsm:path_unlink fn:vfs_unlink lsm:inode_unlink do:unlink ) ) )", false},
	{"rename", "path to |", "Renames a file.", "rename path=/tmp/a to=/tmp/b", "sys:renameat fn:do_renameat2 do:lookup lsm:path_rename fn:vfs_rename lsm:inode_rename do:rename ) ) )", false},
	{"chmod", "path mode |", "Changes a file's mode.", "chmod path=/tmp/log mode=0600", "sys:fchmodat do:lookup lsm:path_chmod lsm:inode_setattr do:chmod )", false},
	{"mkdir", "path mode |", "Makes a directory.", "mkdir path=/tmp/d", "sys:mkdirat fn:do_mkdirat do:parent lsm:path_mkdir fn:vfs_mkdir lsm:inode_mkdir do:mkdir ) ) )", false},
	{"mknod", "path | major minor", "Makes a device file.", "mknod path=/tmp/null major=1 minor=3", "sys:mknodat do:parent lsm:path_mknod cg:mknod lsm:inode_mknod do:mknod )", false},
	{"mount", "path |", "Mounts a tmpfs.", "mount path=/mnt", "sys:mount fn:path_mount do:lookup lsm:sb_mount do:body ) )", false},
	{"umount", "path |", "Unmounts what is mounted there.", "umount path=/mnt", "sys:umount do:lookup lsm:sb_umount do:body )", false},
	{"mmap", "| size", "Maps anonymous memory and unmaps it.", "mmap size=65536", "sys:mmap lsm:mmap_file do:mmap ) need sys:munmap do:body )", false},
	{"connect", "addr | from data port", "Makes a TCP connection, which is always accepted, sends data and closes it.", "connect addr=127.0.0.1:8080 data=hello",
		sockScript + "sys:connect lsm:socket_connect cg:connect fn:proto_connect fn:tcp_connect state:2 do:syn ops:3 ops:2 ops:1 ops:6 net:cgroup_skb/egress net:tc/egress do:arrive net:xdp net:tc/ingress net:sk_lookup net:cgroup_skb/ingress far:ops:2 far:ops:1 far:ops:6 state:1 do:established ops:4 far:ops:5 far:state:1 ) ) ) need " +
			"data sys:write lsm:socket_sendmsg " + sendScript + inScript + " ) " + doneScript, false},
	{"udp", "addr | from data port", "Sends a datagram to a socket that receives it.", "udp addr=127.0.0.1:9999",
		"do:udp " + sockScript + "sys:connect lsm:socket_connect cg:connect do:body ) need sys:write lsm:socket_sendmsg " + sendScript + inScript + " )" + doneScript, false},
	{"bind", "addr | type port", "Binds a socket and, when it is TCP, listens.", "bind addr=0.0.0.0:8080",
		sockScript + "sys:bind lsm:socket_bind cg:bind do:bind cg:post_bind ) need tcp sys:listen lsm:socket_listen state:10 do:listen ops:11 )", false},
	{"accept", "addr | from port", "A listener takes a connection from a peer.", "accept addr=0.0.0.0:8080 from=10.0.0.2:40000", "sys:accept4 lsm:socket_accept fn:inet_csk_accept do:accept ) ops:2 ops:1 ops:6 ops:5 state:1 )", false},
	{"send", "addr | from data port type", "Sends data on an open socket to an address.", "send addr=10.0.0.2:53 data=query", "do:udp " + sockScript + "sys:sendto lsm:socket_sendmsg " + sendScript + ")" + doneScript, false},
	{"recv", "addr | from data port type", "A socket receives data from a peer.", "recv addr=127.0.0.1:9999 from=10.0.0.2:53 data=answer", "do:udp " + sockScript + "sys:recvfrom lsm:socket_recvmsg net:sk_skb fn:recvmsg do:recv cg:recvmsg ) )" + doneScript, false},
	{"getpeername", "addr | from type", "Asks for the peer's address of a socket.", "getpeername addr=10.0.0.2:53", sockScript + "sys:getpeername lsm:socket_getpeername do:body cg:getpeername )" + doneScript, false},
	{"getsockname", "addr | from type", "Asks for the own address of a socket.", "getsockname addr=10.0.0.2:53", sockScript + "sys:getsockname lsm:socket_getsockname do:body cg:getsockname )" + doneScript, false},
	{"pkt", "", "A packet, in the packet language or hex, arrives at an interface.", "pkt ipv4 / icmp", inScript, false},
	{"setsockopt", "level name value |", "Sets a socket option.", "setsockopt level=1 name=2 value=1", sockScript + "sys:setsockopt lsm:socket_setsockopt cg:setsockopt do:body )" + doneScript, false},
	{"getsockopt", "level name value |", "Reads a socket option.", "getsockopt level=6 name=1 value=0", sockScript + "sys:getsockopt lsm:socket_getsockopt do:body cg:getsockopt )" + doneScript, false},
	{"sysctl", "name value |", "Reads a sysctl, or writes the value to it.", "sysctl name=net/ipv4/ip_forward value=1", "cg:sysctl do:sysctl", false},
	{"call", "fn | ret cookie", "The task calls a function of a binary or library, or passes a USDT probe: BINARY:PROVIDER:NAME.", "call /bin/utarget:target_fn(7) ret=9", "user do:body )", true},
	{"kcall", "fn | ret", "The kernel calls one of its functions with these arguments.", "kcall do_unlinkat(-100, \"/tmp/x\") ret=0", "kfn do:body )", true},
	{"tp", "fn |", "The kernel passes a tracepoint with these raw arguments.", "tp sys_enter(0, 59)", "rawtp", true},
	{"spin", "ms | stack kstack ip hz", "The task computes; the clock of perf samples it.", "spin ms=10 stack=main;work;hash", "perf", false},
	{"sample", "| stack kstack ip period addr", "One sample of a perf event.", "sample stack=main;work", "perf", false},
	{"sleep", "ms |", "The task sleeps: the CPU switches away from it and back.", "sleep ms=20", "sys:clock_nanosleep do:away tp:sched/sched_switch do:wait tp:sched/sched_wakeup do:back tp:sched/sched_switch )", false},
	{"switch", "to | ms", "The CPU switches from the task to another, by name.", "switch to=worker comm=bash", "do:switch tp:sched/sched_switch", false},
	{"kill", "sig | to", "Starts a sleeping child and signals it, or signals the task called to.", "kill sig=15", "do:victim sys:kill lsm:task_kill tp:signal/signal_generate do:kill )", false},
	{"fork", "", "A child is made, runs a small program and exits.", "fork comm=bash", runScript, false},
	{"clone", "| child", "A child is made and stays.", "clone comm=bash child=worker", forkScript, false},
	{"exit", "| code", "The task exits.", "exit comm=worker", exitScript, false},
	{"iter", "fn |", "User space reads an iterator: one call for each element.", "iter task", "iter", false},
	{"run", "| ctx", "User space runs a syscall program.", "run ctx=0x0100000000000000", "prog", false},
	{"lirc", "sample |", "An infrared receiver sees a pulse.", "lirc sample=0x01000384", "lirc", false},
	{"ops", "fn |", "The kernel calls a function of a struct_ops map.", "ops ssthresh(0)", "ops", true},
	{"net", "", "Makes the pair of interfaces that packets arrive at; here it is always there.", "net", "", false},
}

// Verbs is the table, in the order of a menu. It must not be changed.
func Verbs() []Verb { return verbs[:] }

// verbOf is the row of a verb, nil when there is none.
func verbOf(name string) *Verb {
	switch name {
	case "packet":
		name = "pkt"
	case "kfunc":
		name = "kcall"
	}
	for i := range verbs {
		if verbs[i].Name == name {
			return &verbs[i]
		}
	}
	return nil
}

// positional is the names of arguments that may stand without one.
func (v *Verb) positional() []string {
	before, _, _ := strings.Cut(v.Args, "|")
	return strings.Fields(before)
}

// takes says whether the verb has an argument of that name.
func (v *Verb) takes(name string) bool {
	for _, list := range [...]string{v.Args, common} {
		for w := range strings.FieldsSeq(list) {
			if w == name && w != "|" {
				return true
			}
		}
	}
	return false
}

// numeric are the arguments that must be numbers.
const numeric = " uid gid pid us size port major minor ms hz ip period sig code level sample cookie "

func isNumeric(name string) bool { return strings.Contains(numeric, " "+name+" ") }
