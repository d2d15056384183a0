// A kernel that lacks most of it.
enum color { RED = 1 };

struct plain {
	struct { int nothing; } b;
	struct plain *next;
} plain;

struct nested {
	int in;
	struct plain arr[1];
} nested;

struct bits {
	unsigned int b;
	short c;
	float d;
} bits;

struct flex {
	int n;
	int tail[2];
} flex;

enum color color;
struct number_t { int x; } number;
