package world

// fillTask writes a task's memory: task_struct and what it points to.
func (w *World) fillTask(t *task) memory {
	o := w.mem("task_struct", t.slot)
	c := w.mem("cred", t.slot)
	for _, m := range [...]string{"uid.val", "suid.val", "euid.val", "fsuid.val"} {
		c.set(m, uint64(t.uid))
	}
	for _, m := range [...]string{"gid.val", "sgid.val", "egid.val", "fsgid.val"} {
		c.set(m, uint64(t.gid))
	}
	caps := uint64(0)
	if t.uid == 0 {
		caps = 1<<41 - 1
	}
	c.set("cap_effective.val", caps).set("cap_permitted.val", caps).set("cap_bset.val", 1<<41-1)
	c.set("user_ns", w.namespace("user_namespace", 0xeffffffd))

	files := w.mem("files_struct", t.slot).set("next_fd", firstFD)
	fs := w.mem("fs_struct", t.slot).set("umask", 0o22)
	root := w.fillFile(w.st.file("/"))
	fs.set("root.dentry", root.dentry).set("pwd.dentry", root.dentry)
	sig := w.mem("signal_struct", t.slot).set("nr_threads", 1)

	o.set("pid", uint64(t.pid)).set("tgid", uint64(t.pid)).text("comm", t.comm)
	o.set("cred", c.ptr()).set("real_cred", c.ptr()).set("group_leader", o.ptr())
	o.set("start_time", t.start).set("start_boottime", t.start).set("loginuid.val", uint64(t.uid))
	o.set("prio", 120).set("static_prio", 120).set("normal_prio", 120).set("exit_signal", 17)
	o.set("nsproxy", w.nsproxy()).set("files", files.ptr()).set("fs", fs.ptr()).set("signal", sig.ptr())
	o.set("thread_info.cpu", uint64(w.r.ev.CPU)).set("on_cpu", 1)
	cg := w.mem("cgroup", 0)
	o.set("cgroups", w.mem("css_set", 0).set("dfl_cgrp", cg.ptr()).ptr())
	cg.set("kn", w.mem("kernfs_node", 0).set("id", cgroupID(t.cg)).set("name", w.kernelText("cgroup name", t.slot, t.cg)).ptr())
	if t.exe != "" {
		exe := w.file(t.exe, t.slot+1, 0)
		mm := w.mem("mm_struct", t.slot).set("exe_file", exe.file).set("owner", o.ptr())
		mm.set("start_code", 0x401000).set("end_code", 0x402000).set("start_stack", 0x7ffd_0000_0000)
		o.set("mm", mm.ptr()).set("active_mm", mm.ptr())
	}
	parent := o.ptr()
	if i := w.st.task(t.ppid); i >= 0 {
		parent = w.mem("task_struct", w.st.tasks[i].slot).ptr()
	}
	o.set("real_parent", parent).set("parent", parent)
	return o
}

// nsproxy is the namespaces, which all tasks share.
func (w *World) nsproxy() uint64 {
	o := w.mem("nsproxy", 0)
	uts := w.mem("uts_namespace", 0).set("ns.inum", 0xeffffffe)
	uts.text("name.sysname", "Linux").text("name.nodename", "skep").text("name.release", "6.12.0-skep").text("name.machine", "x86_64")
	o.set("uts_ns", uts.ptr())
	o.set("ipc_ns", w.namespace("ipc_namespace", 0xefffffff)).set("mnt_ns", w.namespace("mnt_namespace", 0xeffffff8))
	o.set("pid_ns_for_children", w.namespace("pid_namespace", pidNamespace)).set("net_ns", w.namespace("net", netNamespace))
	return o.set("cgroup_ns", w.namespace("cgroup_namespace", 0xeffffffb)).ptr()
}

// Numbers of the first namespaces, as they are in a kernel.
const (
	pidNamespace = 0xeffffffc
	netNamespace = 0xf0000000
)

func (w *World) namespace(structure string, inum uint64) uint64 {
	return w.mem(structure, 0).set("ns.inum", inum).ptr()
}

// fileMem is the addresses that stand for a file.
type fileMem struct{ file, path, dentry, inode uint64 }

// fillFile writes dentry and inode of file i and of the directories above.
func (w *World) fillFile(i int) fileMem {
	if i < 0 {
		return fileMem{}
	}
	f := &w.st.files[i]
	sb := w.mem("super_block", 0).set("s_magic", 0x01021994).set("s_dev", 0x1a).text("s_id", "tmpfs")
	sb.set("s_type", w.mem("file_system_type", 0).set("name", w.kernelText("file system", 0, "tmpfs")).ptr())
	d, in := w.mem("dentry", i), w.mem("inode", i)
	in.set("i_mode", uint64(f.mode)).set("i_uid.val", uint64(f.uid)).set("i_gid.val", uint64(f.gid)).set("i_ino", f.ino)
	in.set("i_size", uint64(len(f.data))).set("i_rdev", uint64(f.rdev)).set("i_nlink", 1).set("i_sb", sb.ptr())
	up := d.ptr()
	dir, name := parentOf(f.path)
	if f.path == "/" {
		name = "/"
		sb.set("s_root", d.ptr())
	} else if p := w.st.file(dir); p >= 0 {
		up = w.fillFile(p).dentry
	}
	text := w.kernelText("file name", i, name)
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
	mode := uint64(1) // FMODE_READ
	if flags&3 != 0 {
		mode = 2
	}
	o := w.mem("file", slot).set("f_inode", m.inode).set("f_flags", flags).set("f_mode", mode).set("f_path.dentry", m.dentry)
	o.set("f_path.mnt", w.mem("vfsmount", 0).set("mnt_root", w.mem("dentry", 0).ptr()).ptr())
	o.set("f_cred", w.mem("cred", max(slot-1, 0)).ptr())
	m.file, m.path = o.ptr(), o.at("f_path")
	return m
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
	k.set("sk_protocol", proto).set("sk_type", typ).set("sk_uid.val", uint64(s.uid)).set("sk_rcvbuf", 131072).set("sk_sndbuf", 131072)
	in := o
	in.name = "inet_sock"
	in.set("inet_saddr", uint64(s.local.v4())).set("inet_sport", uint64(swap16(s.local.port)))
	if !s.udp {
		o.set("srtt_us", 8*250).set("snd_cwnd", 10).set("mss_cache", 1448)
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

// cgroupID is the id of a cgroup by its path: FNV-1a, the root's is 1.
func cgroupID(path string) uint64 {
	if path == "/" || path == "" {
		return 1
	}
	h := uint64(14695981039346656037)
	for i := 0; i < len(path); i++ {
		h = (h ^ uint64(path[i])) * 1099511628211
	}
	return h&0xffffff + 2
}
