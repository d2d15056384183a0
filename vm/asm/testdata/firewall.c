/* A small XDP program: headers, a map, a loop, a switch, local calls. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

struct xdp_md {
	u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index;
};

struct {
	int (*type)[1];
	int (*max_entries)[64];
	u32 *key;
	u64 *value;
} counts __attribute__((section(".maps"), used));

static void *(*map_lookup)(void *map, const void *key) = (void *)1;
static u64 (*ktime)(void) = (void *)5;

static __attribute__((noinline)) u32 fold(u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum + (sum >> 16)) ^ 0xffff;
}

static __attribute__((noinline)) int classify(int x, signed char y)
{
	switch (x) {
	case 1: return (u8)y / 3;
	case 2: return (u8)y % 7;
	case 6: return -y;
	case 17: return y * 11;
	case 58: return y << 3;
	default: return x >> 2;
	}
}

__attribute__((section("xdp"), used)) int firewall(struct xdp_md *ctx)
{
	u8 *data = (u8 *)(long)ctx->data, *end = (u8 *)(long)ctx->data_end;
	u32 sum = 0, key = 1;
	u64 *n;

	if (data + 34 > end)
		return 1;
	if (*(u16 *)(data + 12) != __builtin_bswap16(0x0800))
		return 2;
	for (int i = 14; i < 34; i += 2)
		sum += *(u16 *)(data + i);
	key = classify(data[23], (signed char)data[22]) & 63;
	n = map_lookup(&counts, &key);
	if (n) {
		__sync_fetch_and_add(n, 1);
		if (*n > 0x123456789abcULL)
			*n = ktime();
	}
	*(u32 *)(data + 26) = __builtin_bswap32(fold(sum));
	return 2;
}

char _license[] __attribute__((section("license"))) = "GPL";
