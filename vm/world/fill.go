package world

import "strings"

// fillTask writes a task's memory: task_struct and what it points to.
func (w *World) fillTask(t *task) memory {
	o := w.mem("task_struct", t.slot)
	caps := uint64(0)
	if t.uid == 0 {
		caps = allCaps
	}
	c := w.mem("cred", t.slot).fill("uid.val suid.val euid.val fsuid.val", uint64(t.uid)).fill("gid.val sgid.val egid.val fsgid.val", uint64(t.gid)).
		fill("cap_effective.val cap_permitted.val", caps).set("cap_bset.val", allCaps).set("user_ns", w.namespace("user_namespace", 0xeffffffd))
	fs := w.mem("fs_struct", t.slot).preset("umask=18").fill("root.dentry pwd.dentry", w.fillFile(w.st.file("/")).dentry)
	n := w.st.cgroup(t.cg)
	cg := w.mem("cgroup", n)
	cg.set("kn", w.mem("kernfs_node", n).set("id", cgroupID(t.cg)).set("name", w.keepText("cgroup name", n, t.cg)).ptr())
	o.fill("pid tgid", uint64(t.pid)).text("comm", t.comm).fill("cred real_cred", c.ptr()).set("group_leader", o.ptr()).
		fill("start_time start_boottime", t.start).set("loginuid.val", uint64(t.uid)).
		preset("prio=120 static_prio=120 normal_prio=120 exit_signal=17 on_cpu=1").set("thread_info.cpu", uint64(w.r.ev.CPU)).
		set("nsproxy", w.nsproxy()).set("fs", fs.ptr()).set("cgroups", w.mem("css_set", n).set("dfl_cgrp", cg.ptr()).ptr()).
		set("files", w.mem("files_struct", t.slot).preset("next_fd=3").ptr()).
		set("signal", w.mem("signal_struct", t.slot).preset("nr_threads=1").ptr())
	if t.exe != "" {
		exe := w.file(t.exe, t.slot+1, 0)
		mm := w.mem("mm_struct", t.slot).set("exe_file", exe.file).set("owner", o.ptr()).
			preset("start_code=0x401000 end_code=0x402000 start_stack=0x7ffd00000000")
		o.fill("mm active_mm", mm.ptr())
	}
	parent := o.ptr()
	if i := w.st.task(t.ppid); i >= 0 {
		parent = w.mem("task_struct", w.st.tasks[i].slot).ptr()
	}
	return o.fill("real_parent parent", parent)
}

// allCaps is the capabilities of root: CAP_CHOWN to CAP_CHECKPOINT_RESTORE.
const allCaps = 1<<41 - 1

// nsproxy is the namespaces, which all tasks share.
func (w *World) nsproxy() uint64 {
	uts := w.mem("uts_namespace", 0).preset("ns.inum=0xeffffffe").
		text("name.sysname", "Linux").text("name.nodename", "skep").text("name.release", "6.12.0-skep").text("name.machine", "x86_64")
	o := w.mem("nsproxy", 0).set("uts_ns", uts.ptr())
	for i, n := range [...]string{"ipc_ns ipc_namespace", "mnt_ns mnt_namespace", "pid_ns_for_children pid_namespace", "net_ns net", "cgroup_ns cgroup_namespace"} {
		member, structure, _ := strings.Cut(n, " ")
		o.set(member, w.namespace(structure, namespaces[i]))
	}
	return o.ptr()
}

// Numbers of the first namespaces, as they are in a kernel.
const (
	pidNamespace = 0xeffffffc
	netNamespace = 0xf0000000
)

// namespaces is the numbers of ipc, mnt, pid, net and cgroup.
var namespaces = [...]uint64{0xefffffff, 0xeffffff8, pidNamespace, netNamespace, 0xeffffffb}

func (w *World) namespace(structure string, inum uint64) uint64 {
	return w.mem(structure, 0).set("ns.inum", inum).ptr()
}

// fileMem is the addresses that stand for a file.
type fileMem struct{ file, dentry, inode uint64 }

// fillFile writes dentry and inode of file i and of the directories above.
func (w *World) fillFile(i int) fileMem {
	if i < 0 {
		return fileMem{}
	}
	f := &w.st.files[i]
	sb := w.mem("super_block", 0).preset("s_magic=0x01021994 s_dev=0x1a").text("s_id", "tmpfs")
	sb.set("s_type", w.mem("file_system_type", 0).set("name", w.keepText("file system", 0, "tmpfs")).ptr())
	d, in := w.mem("dentry", i), w.mem("inode", i)
	in.set("i_mode", uint64(f.mode)).set("i_uid.val", uint64(f.uid)).set("i_gid.val", uint64(f.gid)).set("i_ino", f.ino)
	in.set("i_size", uint64(len(f.data))).set("i_rdev", uint64(f.rdev)).preset("i_nlink=1").set("i_sb", sb.ptr())
	up := d.ptr()
	dir, name := parentOf(f.path)
	if f.path == "/" {
		name = "/"
		sb.set("s_root", d.ptr())
	} else if p := w.st.file(dir); p >= 0 {
		up = w.fillFile(p).dentry
	}
	text := w.keepText("file name", i, name)
	d.set("d_parent", up).set("d_inode", in.ptr()).set("d_sb", sb.ptr()).text("d_iname", name)
	d.set("d_name.name", text).set("d_name.len", uint64(len(name)))
	return fileMem{dentry: d.ptr(), inode: in.ptr()}
}

// file is an open file, in a slot of struct file: 0 is that of the event.
func (w *World) file(path string, slot int, flags uint64) fileMem {
	i := w.st.file(path)
	if i < 0 {
		i = w.st.add(file{path: path, mode: modeReg | 0o755})
	}
	m := w.fillFile(i)
	m.file = w.openFile(m, slot, max(slot-1, 0), flags)
	return m
}

// openFile writes the struct file of an open file, opened by the task in slot
// task.
func (w *World) openFile(m fileMem, slot, task int, flags uint64) uint64 {
	mnt := w.mem("vfsmount", 0).set("mnt_root", w.mem("dentry", 0).ptr())
	o := w.mem("file", slot).set("f_inode", m.inode).set("f_path.dentry", m.dentry).set("f_path.mnt", mnt.ptr())
	o.set("f_flags", flags).set("f_mode", 1+flags&1) // FMODE_READ, FMODE_WRITE
	return o.set("f_cred", w.mem("cred", task).ptr()).ptr()
}

// fillSock writes a socket's kernel structs: a tcp_sock or udp_sock, which
// begin with the struct sock, and the struct socket in front of it.
func (w *World) fillSock(s *sock) memory {
	name := "tcp_sock"
	if s.udp {
		name = "udp_sock"
	}
	o := w.mem(name, s.slot)
	k := o
	k.name = "sock"
	family, proto, typ := uint64(afInet), uint64(6), uint64(1)
	if s.v6 {
		family = afInet6
	}
	if s.udp {
		proto, typ = 17, 2
	}
	k.set("__sk_common.skc_family", family).set("__sk_common.skc_state", uint64(s.state))
	k.set("__sk_common.skc_num", uint64(s.local.port)).set("__sk_common.skc_dport", uint64(swap16(s.peer.port)))
	if s.v6 {
		k.put("__sk_common.skc_v6_daddr", s.peer.ip[:], true)
		k.put("__sk_common.skc_v6_rcv_saddr", s.local.ip[:], true)
	} else {
		k.set("__sk_common.skc_daddr", uint64(s.peer.v4())).set("__sk_common.skc_rcv_saddr", uint64(s.local.v4()))
	}
	k.set("__sk_common.skc_cookie", s.cookie).set("__sk_common.skc_net.net", w.namespace("net", netNamespace))
	k.set("sk_protocol", proto).set("sk_type", typ).set("sk_uid.val", uint64(s.uid)).preset("sk_rcvbuf=131072 sk_sndbuf=131072")
	in := o
	in.name = "inet_sock"
	in.set("inet_saddr", uint64(s.local.v4())).set("inet_sport", uint64(swap16(s.local.port)))
	if !s.udp {
		o.preset("srtt_us=2000 snd_cwnd=10 mss_cache=1448")
	}
	front := w.mem("socket", s.slot).set("sk", o.ptr()).set("type", typ).set("state", uint64(s.state))
	k.set("sk_socket", front.ptr())
	return o
}

const (
	afUnix  = 1
	afInet  = 2
	afInet6 = 10
)

// v4 is an IPv4 address as the kernel holds it: network byte order in memory.
func (e *endpoint) v4() uint32 {
	return uint32(e.ip[0]) | uint32(e.ip[1])<<8 | uint32(e.ip[2])<<16 | uint32(e.ip[3])<<24
}

func swap16(v uint16) uint16 { return v>>8 | v<<8 }

// cgroupID is the id of a cgroup by its path; the root's is 1.
func cgroupID(path string) uint64 {
	if path == "/" || path == "" {
		return 1
	}
	return hashText(path)&0xffffff + 2
}

// symbolAddr is where a function of that name lies, from base on.
func symbolAddr(base uint64, name string) uint64 { return base + hashText(name)&0xffffff<<4 }

// Where functions begin.
const (
	userText   = 0x400000
	kernelText = 0xffffffff81000000
)

// hashText is FNV-1a.
func hashText(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
