/* Every comparison, the atomic operations of 64 bits, signed arithmetic. */
typedef long long s64;
typedef unsigned long long u64;
typedef unsigned int u32;

u64 atomics(u64 *p, u64 v)
{
	u64 r = __sync_fetch_and_add(p, v);
	r ^= __sync_fetch_and_or(p + 1, v);
	r ^= __sync_fetch_and_and(p + 2, v);
	r ^= __sync_fetch_and_xor(p + 3, v);
	r ^= __sync_lock_test_and_set(p + 4, v);
	return r ^ __sync_val_compare_and_swap(p + 5, v, r);
}

int compare(s64 a, s64 b, int c, int d)
{
	int n = 0;
	if (a < b) n += 3;
	if ((u64)a <= (u64)b + 7) n ^= 5;
	if (a == b - 9) n |= 0x70;
	if (c > d) n <<= 2;
	if ((u32)c >= (u32)d) n *= 13;
	if (c & 0x8) n -= d;
	if (c != -5) n = -n;
	if (a > -100000) n += (u32)c / (d | 1);
	return n + (int)(a >> 3) + (a < 0x7fffffff);
}

s64 extend(signed char *a, short *b, int *c)
{
	s64 n = *a + (s64)*b * *c;
	*(volatile char *)a = 7;
	*(volatile short *)b = -1;
	*(volatile int *)c = 0x12345678;
	return (u64)n / (u64)*b % (u32)(c[1] | 3);
}
