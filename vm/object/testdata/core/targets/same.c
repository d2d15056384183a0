// A kernel with the very types of the programs.
#include "../types.h"

struct plain plain;
struct nested nested;
struct bits bits;
struct flex flex;
union either either;
anon_t anon;
struct node node;
struct large large;
enum color color;
enum huge huge;
number_t number;
func_t func;
plain_ptr_t plain_ptr;
array_t array;
void_t *nothing;
enum wide { LOW = 1, HIGH = 0x80000001 } wide;
