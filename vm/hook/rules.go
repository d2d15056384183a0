package hook

// Columns: offset, length, load sizes at the offset, load sizes inside, store
// sizes, kind, who loads, who stores.

var skbRules = []accessRule{
	{0, 8, 7, 7, 0, LoadScalar, whoSkb, 0},                                        // len, pkt_type
	{8, 4, 7, 7, 4, LoadScalar, whoSkb &^ whoSkSkb, whoCls | whoCgroups | whoLwt}, // mark
	{12, 4, 7, 7, 4, LoadScalar, whoSkb, whoCls},                                  // queue_mapping
	{16, 16, 7, 7, 0, LoadScalar, whoSkb, 0},                                      // protocol, vlan_*
	{32, 4, 7, 7, 4, LoadScalar, whoSkb, whoSkb &^ whoFilter},                     // priority
	{36, 8, 7, 7, 0, LoadScalar, whoSkb, 0},                                       // ingress_ifindex, ifindex
	{44, 4, 7, 7, 4, LoadScalar, whoSkb, whoCls | whoSkSkb},                       // tc_index
	{48, 20, 15, 15, 15, LoadScalar, whoSkb, whoSkb &^ whoSkSkb},                  // cb
	{68, 4, 7, 7, 0, LoadScalar, whoSkb, 0},                                       // hash
	{72, 4, 7, 7, 4, LoadScalar, whoCls, whoCls},                                  // tc_classid
	{76, 4, 4, 4, 0, LoadPkt, whoPacket, 0},                                       // data
	{80, 4, 4, 4, 0, LoadPktEnd, whoPacket, 0},                                    // data_end
	{84, 4, 7, 7, 0, LoadScalar, whoSkb, 0},                                       // napi_id
	{88, 4, 7, 7, 0, LoadScalar, whoEndpoint, 0},                                  // family
	{92, 40, 4, 4, 0, LoadScalar, whoEndpoint, 0},                                 // remote_ip4 to local_ip6
	{132, 8, 7, 7, 0, LoadScalar, whoEndpoint, 0},                                 // remote_port, local_port
	{140, 4, 4, 4, 0, LoadPktMeta, whoCls, 0},                                     // data_meta
	{144, 8, 8, 8, 0, LoadFlowKeys, whoFlow, 0},                                   // flow_keys
	{152, 8, 8, 8, 8, LoadScalar, whoCls | whoCgroups, whoCls | whoCgroup},        // tstamp
	{160, 4, 7, 7, 0, LoadScalar, whoCls, 0},                                      // wire_len
	{164, 4, 7, 7, 0, LoadScalar, whoSkb, 0},                                      // gso_segs
	{168, 8, 8, 8, 0, LoadSockCommonOrNull, whoSkb, 0},                            // sk
	{176, 4, 7, 7, 0, LoadScalar, whoSkb, 0},                                      // gso_size
	{180, 1, 1, 0, 0, LoadScalar, whoCls, 0},                                      // tstamp_type
	{184, 8, 8, 8, 0, LoadScalar, whoCls | whoCgroups, 0},                         // hwtstamp
}

var xdpRules = []accessRule{
	{0, 4, 4, 0, 0, LoadPkt, whoAll, 0},        // data
	{4, 4, 4, 0, 0, LoadPktEnd, whoAll, 0},     // data_end
	{8, 4, 4, 0, 0, LoadPktMeta, whoAll, 0},    // data_meta
	{12, 8, 4, 4, 0, LoadScalar, whoAll, 0},    // ingress_ifindex, rx_queue_index
	{20, 4, 4, 0, 0, LoadScalar, whoDevmap, 0}, // egress_ifindex
}

var sockRules = []accessRule{
	{0, 4, 4, 0, 4, LoadScalar, whoCreate | whoSock | whoSockCommon, whoCreate},    // bound_dev_if
	{4, 4, 7, 0, 0, LoadScalar, whoAll, 0},                                         // family
	{8, 4, 7, 0, 0, LoadScalar, whoAll &^ whoSockCommon, 0},                        // type
	{12, 4, 7, 0, 0, LoadScalar, whoAll &^ whoSockCommon, 0},                       // protocol
	{16, 8, 4, 4, 4, LoadScalar, whoCreate | whoSock, whoCreate},                   // mark, priority
	{24, 4, 7, 7, 0, LoadScalar, whoPost4 | whoSock | whoSockCommon, 0},            // src_ip4
	{28, 16, 7, 7, 0, LoadScalar, whoPost6 | whoSock | whoSockCommon, 0},           // src_ip6
	{44, 4, 7, 0, 0, LoadScalar, whoPost4 | whoPost6 | whoSock | whoSockCommon, 0}, // src_port
	{48, 2, 7 | overrun, 1, 0, LoadScalar, whoAll, 0},                              // dst_port
	{52, 20, 7, 7, 0, LoadScalar, whoAll, 0},                                       // dst_ip4, dst_ip6
	{72, 4, 7, 0, 0, LoadScalar, whoAll, 0},                                        // state
	{76, 4, 7, 0, 0, LoadScalar, whoAll, 0},                                        // rx_queue_mapping
}

var tcpSockRules = []accessRule{
	{0, 80, 4, 4, 0, LoadScalar, whoAll, 0},  // snd_cwnd to sacked_out
	{80, 8, 8, 4, 0, LoadScalar, whoAll, 0},  // bytes_received
	{88, 8, 8, 4, 0, LoadScalar, whoAll, 0},  // bytes_acked
	{96, 16, 4, 4, 0, LoadScalar, whoAll, 0}, // dsack_dups to icsk_retransmits
}

var xdpSockRules = []accessRule{
	{0, 4, 4, 0, 0, LoadScalar, whoAll, 0}, // queue_id
}

var sockAddrRules = []accessRule{
	{0, 4, 4, 0, 0, LoadScalar, whoAll, 0},              // user_family
	{4, 4, 7, 7, 4, LoadScalar, whoV4, whoV4},           // user_ip4
	{8, 16, 15, 15, 12, LoadScalar, whoV6, whoV6},       // user_ip6
	{24, 4, 7, 7, 4, LoadScalar, whoAll, whoAll},        // user_port
	{28, 12, 4, 4, 0, LoadScalar, whoAll, 0},            // family, type, protocol
	{40, 4, 7, 7, 4, LoadScalar, whoSend4, whoSend4},    // msg_src_ip4
	{44, 16, 7, 15, 12, LoadScalar, whoSend6, whoSend6}, // msg_src_ip6
	{64, 8, 8, 8, 0, LoadSock, whoAll, 0},               // sk
}

var sockoptRules = []accessRule{
	{0, 8, 8, 8, 0, LoadSock, whoAll, 0},         // sk
	{8, 8, 8, 8, 0, LoadPkt, whoAll, 0},          // optval
	{16, 8, 8, 8, 0, LoadPktEnd, whoAll, 0},      // optval_end
	{24, 8, 4, 4, 4, LoadScalar, whoAll, whoSet}, // level, optname
	{32, 4, 4, 0, 4, LoadScalar, whoAll, whoAll}, // optlen
	{36, 4, 4, 0, 4, LoadScalar, whoGet, whoGet}, // retval
}

var sockOpsRules = []accessRule{
	{0, 4, 4, 4, 0, LoadScalar, whoAll, 0},        // op
	{4, 4, 4, 4, 4, LoadScalar, whoAll, whoAll},   // reply
	{8, 156, 4, 4, 0, LoadScalar, whoAll, 0},      // args[1] to sacked_out
	{164, 4, 4, 4, 4, LoadScalar, whoAll, whoAll}, // sk_txhash
	{168, 16, 8, 8, 0, LoadScalar, whoAll, 0},     // bytes_received, bytes_acked
	{184, 8, 8, 8, 0, LoadSockOrNull, whoAll, 0},  // sk
	{192, 8, 8, 8, 0, LoadPkt, whoAll, 0},         // skb_data
	{200, 8, 8, 8, 0, LoadPktEnd, whoAll, 0},      // skb_data_end
	{208, 4, 4, 4, 0, LoadScalar, whoAll, 0},      // skb_len
	{212, 4, 7, 0, 0, LoadScalar, whoAll, 0},      // skb_tcp_flags
	{216, 8, 8, 8, 0, LoadScalar, whoAll, 0},      // skb_hwtstamp
}

var skMsgRules = []accessRule{
	{0, 8, 8, 8, 0, LoadPkt, whoAll, 0},      // data
	{8, 8, 8, 8, 0, LoadPktEnd, whoAll, 0},   // data_end
	{16, 56, 4, 4, 0, LoadScalar, whoAll, 0}, // family to size
	{72, 8, 8, 8, 0, LoadSock, whoAll, 0},    // sk
}

var skReuseportRules = []accessRule{
	{0, 8, 8, 0, 0, LoadPkt, whoAll, 0},               // data
	{8, 8, 8, 0, 0, LoadPktEnd, whoAll, 0},            // data_end
	{16, 4, 7, 7, 0, LoadScalar, whoAll, 0},           // len
	{20, 4, 6, 2, 0, LoadScalar, whoAll, 0},           // eth_protocol
	{24, 8, 7, 7, 0, LoadScalar, whoAll, 0},           // ip_protocol, bind_inany
	{32, 4, 4, 0, 0, LoadScalar, whoAll, 0},           // hash
	{40, 8, 8, 0, 0, LoadSock, whoAll, 0},             // sk
	{48, 8, 8, 0, 0, LoadSockCommonOrNull, whoAll, 0}, // migrating_sk
}

var skLookupRules = []accessRule{
	{0, 8, 8, 8, 0, LoadSockOrNull, whoAll, 0}, // sk
	{8, 28, 7, 7, 0, LoadScalar, whoAll, 0},    // family to remote_ip6
	{36, 4, 7, 3, 0, LoadScalar, whoAll, 0},    // remote_port and its padding
	{40, 28, 7, 7, 0, LoadScalar, whoAll, 0},   // local_ip4 to ingress_ifindex
}

var sysctlRules = []accessRule{
	{0, 4, 7, 7, 0, LoadScalar, whoAll, 0},      // write
	{4, 4, 7, 7, 4, LoadScalar, whoAll, whoAll}, // file_pos
}

var deviceRules = []accessRule{
	{0, 4, 7, 7, 0, LoadScalar, whoAll, 0}, // access_type
	{4, 8, 4, 4, 0, LoadScalar, whoAll, 0}, // major, minor
}

var netfilterRules = []accessRule{
	{0, 8, 8, 8, 0, LoadNFHookState, whoAll, 0}, // state
	{8, 8, 8, 8, 0, LoadSkBuff, whoAll, 0},      // skb
}

var lircRules = []accessRule{
	{0, 4, 4, 0, 0, LoadScalar, whoAll, 0}, // the sample
}
