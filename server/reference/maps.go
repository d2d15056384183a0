package reference

import (
	"skep/vm/maps"
	"skep/web"
)

// Helpers of maps with keys; hashes and arrays can be walked as well.
var (
	keyed  = []string{"bpf_map_lookup_elem", "bpf_map_update_elem", "bpf_map_delete_elem"}
	walked = append(keyed[:3:3], "bpf_for_each_map_elem")
	perCPU = append(walked[:4:4], "bpf_map_lookup_percpu_elem")
)

// reach has the helpers that take a map of each type
// (check_map_func_compatibility), in the order of the types.
var reach = [maps.NumTypes][]string{
	maps.Hash:                walked,
	maps.Array:               walked,
	maps.ProgArray:           {"bpf_tail_call"},
	maps.PerfEventArray:      {"bpf_perf_event_output", "bpf_perf_event_read", "bpf_perf_event_read_value", "bpf_skb_output", "bpf_xdp_output"},
	maps.PerCPUHash:          perCPU,
	maps.PerCPUArray:         perCPU,
	maps.StackTrace:          {"bpf_get_stackid"},
	maps.CgroupArray:         {"bpf_skb_under_cgroup", "bpf_current_task_under_cgroup"},
	maps.LRUHash:             walked,
	maps.LRUPerCPUHash:       perCPU,
	maps.LPMTrie:             keyed,
	maps.ArrayOfMaps:         {"bpf_map_lookup_elem"},
	maps.HashOfMaps:          {"bpf_map_lookup_elem"},
	maps.Devmap:              {"bpf_redirect_map", "bpf_map_lookup_elem"},
	maps.Sockmap:             {"bpf_sk_redirect_map", "bpf_msg_redirect_map", "bpf_sock_map_update", "bpf_sk_select_reuseport", "bpf_map_lookup_elem"},
	maps.CPUMap:              {"bpf_redirect_map"},
	maps.XSKMap:              {"bpf_redirect_map", "bpf_map_lookup_elem"},
	maps.SockHash:            {"bpf_sk_redirect_hash", "bpf_msg_redirect_hash", "bpf_sock_hash_update", "bpf_sk_select_reuseport", "bpf_map_lookup_elem"},
	maps.CgroupStorage:       {"bpf_get_local_storage"},
	maps.ReuseportSockArray:  {"bpf_sk_select_reuseport"},
	maps.PerCPUCgroupStorage: {"bpf_get_local_storage"},
	maps.Queue:               {"bpf_map_push_elem", "bpf_map_pop_elem", "bpf_map_peek_elem"},
	maps.Stack:               {"bpf_map_push_elem", "bpf_map_pop_elem", "bpf_map_peek_elem"},
	maps.SkStorage:           {"bpf_sk_storage_get", "bpf_sk_storage_delete"},
	maps.DevmapHash:          {"bpf_redirect_map", "bpf_map_lookup_elem"},
	maps.Ringbuf: {"bpf_ringbuf_reserve", "bpf_ringbuf_submit", "bpf_ringbuf_discard", "bpf_ringbuf_output", "bpf_ringbuf_query",
		"bpf_ringbuf_reserve_dynptr", "bpf_ringbuf_submit_dynptr", "bpf_ringbuf_discard_dynptr"},
	maps.InodeStorage: {"bpf_inode_storage_get", "bpf_inode_storage_delete"},
	maps.TaskStorage:  {"bpf_task_storage_get", "bpf_task_storage_delete"},
	maps.BloomFilter:  {"bpf_map_push_elem", "bpf_map_peek_elem"},
	maps.UserRingbuf:  {"bpf_user_ringbuf_drain"},
	maps.CgrpStorage:  {"bpf_cgrp_storage_get", "bpf_cgrp_storage_delete"},
}

// flagNames are the creation flags, by value.
var flagNames = []struct {
	flag uint32
	name string
}{
	{maps.FlagNoPrealloc, "BPF_F_NO_PREALLOC"}, {maps.FlagNoCommonLRU, "BPF_F_NO_COMMON_LRU"}, {maps.FlagNUMANode, "BPF_F_NUMA_NODE"},
	{maps.FlagRdonly, "BPF_F_RDONLY"}, {maps.FlagWronly, "BPF_F_WRONLY"}, {maps.FlagStackBuildID, "BPF_F_STACK_BUILD_ID"},
	{maps.FlagZeroSeed, "BPF_F_ZERO_SEED"}, {maps.FlagRdonlyProg, "BPF_F_RDONLY_PROG"}, {maps.FlagWronlyProg, "BPF_F_WRONLY_PROG"},
	{maps.FlagClone, "BPF_F_CLONE"}, {maps.FlagMmapable, "BPF_F_MMAPABLE"}, {maps.FlagPreserveElems, "BPF_F_PRESERVE_ELEMS"},
	{maps.FlagInnerMap, "BPF_F_INNER_MAP"}, {maps.FlagLink, "BPF_F_LINK"}, {maps.FlagVtypeBTFObjFD, "BPF_F_VTYPE_BTF_OBJ_FD"},
	{maps.FlagSegvOnFault, "BPF_F_SEGV_ON_FAULT"}, {maps.FlagNoUserConv, "BPF_F_NO_USER_CONV"},
}

func flags(set uint32) []string {
	var all []string
	for _, f := range flagNames {
		if set&f.flag != 0 {
			all = append(all, f.name)
		}
	}
	return all
}

func mapTypes(tries map[string][]web.Try) []web.MapDoc {
	var all []web.MapDoc
	for i := 1; i < maps.NumTypes; i++ {
		r := &maps.Table[i]
		d := web.MapDoc{
			Name: r.Name, Const: r.Const, Since: r.Since, Doc: r.Doc, Key: r.Key.String(), Value: r.Value.String(), Entries: r.Entries.String(),
			Flags: flags(r.Flags), Must: flags(r.Must), Helpers: reach[i], Simulated: true, Try: tries["map "+r.Name],
		}
		if r.PerCPU {
			d.Notes = append(d.Notes, "a value for each CPU")
		}
		switch r.Priv {
		case maps.PrivBPF:
			d.Notes = append(d.Notes, "creating it needs CAP_BPF")
		case maps.PrivNetAdmin:
			d.Notes = append(d.Notes, "creating it needs CAP_NET_ADMIN")
		}
		if r.Type == maps.StructOps {
			d.Simulated = false
			d.Notes = append(d.Notes, "here it is only the memory of the struct: the kernel's interface behind it is not simulated")
		}
		all = append(all, d)
	}
	return all
}
