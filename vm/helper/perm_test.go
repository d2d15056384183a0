package helper_test

import (
	"encoding/json"
	"testing"

	"skep/vm/helper"
	"skep/vm/hook"
)

// TestPermissionProbe compares Permission with every call that the reference
// kernel was asked for: each helper from each pair of types that loads.
func TestPermissionProbe(t *testing.T) {
	type key struct{ typ, attach, id int }
	const sleeps = "helper call might sleep in a non-sleepable prog"
	msgs := map[key]string{}
	var pairs [][2]int
	for sc := data(t, "probe-6.12.jsonl.gz"); sc.Scan(); {
		var r struct {
			Base, Helper []int
			Err          int
			Name, Msg    string
		}
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		switch {
		case len(r.Base) == 2 && r.Err == 0:
			pairs = append(pairs, [2]int(r.Base))
		case len(r.Helper) == 3:
			if p := helper.Lookup(r.Helper[2]); p == nil || p.Name != r.Name {
				t.Errorf("helper %d: have %v, kernel %s", r.Helper[2], p, r.Name)
			}
			msgs[key{r.Helper[0], r.Helper[1], r.Helper[2]}] = r.Msg
		}
	}
	for _, p := range pairs {
		c := helper.Privileged(hook.ProgType(p[0]), hook.AttachType(p[1]))
		for id := 1; id <= helper.Max; id++ {
			msg, known := msgs[key{p[0], p[1], id}]
			want := helper.Allowed
			switch {
			case !known:
				want = helper.DenyType
			case msg == sleeps:
				want = helper.DenyMightSleep
			}
			if got := helper.Permission(c, id); got != want {
				t.Errorf("%v %s: %d, want %d (kernel: %q)", p, helper.Lookup(id).Name, got, want, msg)
			}
		}
	}
	t.Logf("%d calls of %d pairs", len(pairs)*helper.Max, len(pairs))
}

func TestDenialMessage(t *testing.T) {
	at := func(typ hook.ProgType, attach hook.AttachType, target string) helper.Caller {
		c := helper.Privileged(typ, attach)
		c.Target, c.Sleepable = target, true
		return c
	}
	for _, tt := range []struct {
		name string
		c    helper.Caller
		id   int
		want string
	}{
		{"none", helper.Privileged(hook.XDP, 0), 212, "invalid func unknown#212"},
		{"negative", helper.Privileged(hook.XDP, 0), -1, "invalid func unknown#-1"},
		{"unspec", helper.Privileged(hook.XDP, 0), 0, "program of this type cannot use helper bpf_unspec#0"},
		{"type", helper.Privileged(hook.XDP, 0), 9, "program of this type cannot use helper bpf_skb_store_bytes#9"},
		{"gpl", helper.Caller{Type: hook.XDP, CapBPF: true, CapPerfmon: true}, 6, "cannot call GPL-restricted function from non-GPL compatible program"},
		{"unprivileged", helper.Caller{Type: hook.SocketFilter, GPL: true}, 93, "program of this type cannot use helper bpf_spin_lock#93"},
		{"no perfmon", helper.Caller{Type: hook.XDP, GPL: true, CapBPF: true}, 6, "program of this type cannot use helper bpf_trace_printk#6"},
		{"d_path in fentry", at(hook.Tracing, hook.TraceFentry, "vfs_read"), 147, "helper call is not allowed in probe"},
		{"d_path in a known function", at(hook.Tracing, hook.TraceFentry, "filp_close"), 147, ""},
		{"d_path in an iterator", at(hook.Tracing, hook.TraceIter, "bpf_iter_task_file"), 147, ""},
		{"d_path in a hook that sleeps", at(hook.LSM, hook.LSMMac, "bpf_lsm_file_open"), 147, ""},
		{"d_path in a hook that does not", at(hook.LSM, hook.LSMMac, "bpf_lsm_task_kill"), 147, "helper call is not allowed in probe"},
		{"d_path anywhere", at(hook.LSM, hook.LSMMac, ""), 147, ""},
		{"ima", at(hook.LSM, hook.LSMMac, "bpf_lsm_task_kill"), 161, "helper call is not allowed in probe"},
		{"storage of itself", at(hook.Tracing, hook.TraceFexit, "bpf_sk_storage_free"), 107, "helper call is not allowed in probe"},
		{"storage", at(hook.Tracing, hook.TraceFexit, "tcp_close"), 107, ""},
		{"storage in fmod_ret", at(hook.Tracing, hook.ModifyReturn, "tcp_close"), 107, "helper call is not allowed in probe"},
		{"storage in LSM", at(hook.LSM, hook.LSMMac, "bpf_lsm_task_kill"), 107, ""},
		{"options in a hook", at(hook.LSM, hook.LSMCgroup, "bpf_lsm_socket_bind"), 49, "program of this type cannot use helper bpf_setsockopt#49"},
		{"options in another hook", at(hook.LSM, hook.LSMCgroup, "bpf_lsm_socket_post_create"), 49, ""},
		{"sleep", helper.Privileged(hook.Kprobe, 0), 148, "helper call might sleep in a non-sleepable prog"},
		{"allowed", helper.Privileged(hook.XDP, 0), 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := helper.Permission(tt.c, tt.id).Message(tt.id); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
