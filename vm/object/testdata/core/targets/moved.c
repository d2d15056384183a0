// A kernel in which members moved, grew or changed their type.
enum color { WHITE, RED = 4, GREEN___v2 = 9, BLUE = -30 };
enum huge { TINY, SMALL = 5, LARGE = 0x700000001ULL };

struct plain {
	long fresh;
	unsigned long u;
	struct { long c; int b; };
	char d[16];
	short a;
	unsigned short h;
} plain;

struct nested {
	struct { int z; int y; int x; } in;
	int pad[5];
	struct { union { long u1; long u2; } ; int gap; struct { int more; int deeper; }; };
	struct plain arr[4];
	const struct plain *ptr;
	struct plain p;
	volatile enum color color;
	int qualified;
	int matrix[5][4];
} nested;

struct bits {
	unsigned long first : 20;
	unsigned int b : 9;
	long c : 11;
	unsigned long d : 40;
	int e;
	unsigned char x : 7, f : 1;
} bits;

struct flex {
	long n;
	int more;
	int tail[];
} flex;

union either {
	char c[24];
	long l;
	int i;
} either;

typedef struct {
	int zeroth;
	int first;
	int second;
} anon_t;
anon_t anon;

union opaque;

struct node {
	int value;
	struct node *next;
	union opaque *opaque;
	int (*call)(struct node *n, int x);
} node;

struct large {
	char gap[80000];
	int after;
} large;

enum color color;
enum huge huge;
typedef long number_t;
number_t number;
typedef int (*func_t)(int a, struct plain *p, int more);
func_t func;
typedef struct plain *plain_ptr_t;
plain_ptr_t plain_ptr;
typedef long array_t[8];
array_t array;
enum wide { LOW = 1, HIGH = 0xf0000001 } wide;
