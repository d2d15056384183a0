package real

import (
	"skep/server/sandbox/proto"
)

// WorkloadInfo is a workload as the page offers it.
type WorkloadInfo struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	About string `json:"about"`
}

// workload is something that happens in the machine while a program is attached. Addresses 10.0.0.1 and 10.0.0.2 are
// the two ends of veth0 and veth1, the second in a network namespace of its own.
type workload struct {
	WorkloadInfo
	steps func(count int, packets [][]byte) []proto.Step
}

const peer = "10.0.0.2"

// same repeats steps that depend on nothing.
func same(steps ...proto.Step) func(int, [][]byte) []proto.Step {
	return func(count int, _ [][]byte) (all []proto.Step) {
		for _, s := range steps {
			if s.Count == 0 {
				s.Count = count
			}
			all = append(all, s)
		}
		return all
	}
}

// workloads in the order of the page's list.
var workloads = []workload{
	{WorkloadInfo{"packets", "Packets of the playground", "Sends the packets of the Packets pane out of veth1, so that they arrive on veth0."}, sendPackets},
	{WorkloadInfo{"exec", "Run a program", "Executes a small program as root and as user 1000."},
		same(proto.Step{Verb: "exec"}, proto.Step{Verb: "exec", UID: 1000, Comm: "student"})},
	{WorkloadInfo{"files", "Work with files", "Writes, opens, reads, renames and deletes a file in /tmp."},
		same(proto.Step{Verb: "write", Path: "/tmp/skep", Data: []byte("hello\n"), Count: 1}, proto.Step{Verb: "open", Path: "/tmp/skep"},
			proto.Step{Verb: "read", Path: "/tmp/skep"}, proto.Step{Verb: "rename", Path: "/tmp/skep", To: "/tmp/skep2", Count: 1},
			proto.Step{Verb: "unlink", Path: "/tmp/skep2", Count: 1})},
	{WorkloadInfo{"tcp", "TCP connections", "Connects from 10.0.0.1 to 10.0.0.2, sends a line and closes."},
		same(proto.Step{Verb: "connect", Addr: peer + ":8080", Data: []byte("GET / HTTP/1.0\r\n\r\n")})},
	{WorkloadInfo{"udp", "UDP datagrams", "Sends datagrams from 10.0.0.1 to port 53 of 10.0.0.2."},
		same(proto.Step{Verb: "udp", Addr: peer + ":53"})},
	{WorkloadInfo{"call", "Call a function", "Calls target_fn of /bin/utarget, the target of uprobes."}, same(proto.Step{Verb: "call"})},
	{WorkloadInfo{"memory", "Map memory, mount, signal", "mmap, mount of a tmpfs, and a signal to a sleeping process."},
		same(proto.Step{Verb: "mmap"}, proto.Step{Verb: "mount", Path: "/tmp/mnt", Count: 1}, proto.Step{Verb: "umount", Path: "/tmp/mnt", Count: 1},
			proto.Step{Verb: "kill", Count: 1})},
	{WorkloadInfo{"spin", "Keep the CPU busy", "Computes for 50 ms: samples of perf_event programs."}, same(proto.Step{Verb: "spin", MS: 50})},
}

func sendPackets(count int, packets [][]byte) (steps []proto.Step) {
	for _, p := range packets {
		steps = append(steps, proto.Step{Verb: "packet", Data: p, Count: count})
	}
	return steps
}

func workloadByName(name string) *workload {
	for i := range workloads {
		if workloads[i].Name == name {
			return &workloads[i]
		}
	}
	return nil
}
