// Types of the programs in this folder: the local side of their relocations.
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define PTR(type) ((struct type *)ctx[0])

char LICENSE[] SEC("license") = "GPL";

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct plain {
	int a;
	int b;
	long c;
	char d[8];
	unsigned int u;
	unsigned short h;
};

enum color { RED = 1, GREEN = 2, BLUE = -3 };
enum huge { SMALL = 1, LARGE = 0x100000001ULL };

struct nested {
	int pad;
	struct { int x; int y; } in;
	union { int u1; long u2; };
	struct { int deep; struct { int deeper; }; };
	struct plain p;
	struct plain arr[3];
	struct plain *ptr;
	enum color color;
	const volatile int qualified;
	int matrix[2][3];
};

struct bits {
	unsigned int a : 3;
	unsigned int b : 7;
	int c : 5;
	unsigned long d : 33;
	enum color e : 4;
	unsigned char f : 2;
};

struct flex {
	int n;
	int tail[];
};

union either {
	int i;
	long l;
};

typedef struct {
	int first;
	int second;
} anon_t;

struct opaque;

struct node {
	struct node *next;
	struct opaque *opaque;
	int (*call)(struct node *n, int x);
	int value;
};

struct large {
	char gap[40000];
	int after;
};

struct gone {
	int x;
};

#pragma clang attribute pop

typedef int number_t;
typedef int (*func_t)(int a, struct plain *p);
typedef struct plain *plain_ptr_t;
typedef int array_t[4];
typedef void void_t;
