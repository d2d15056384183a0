// driver.c prints the programs of the kernel's test_verifier, which are C
// arrays, as JSON lines. It includes the test whole and stands in for what it
// calls: a map is an entry of a table instead of a file descriptor, and loading
// a program prints it. So the test itself fills in maps, kernel functions,
// flags and generated programs. Nothing here calls the kernel.
#include <stdio.h>

#define main test_verifier_main
#include "test_verifier.c"
#undef main

enum { FIRST_MAP = 1 << 20, FIRST_BTF = 2 << 20, FIRST_KFUNC = 3 << 20, MAX_BTFS = 8, MAX_NAMES = 64 };

struct map {
	enum bpf_map_type type;
	char name[BPF_OBJ_NAME_LEN];
	__u32 key_size, value_size, max_entries, flags;
	int btf, inner; /* of a table, or -1 */
	__u32 key_type, value_type;
	char data[128];
	__u32 data_len;
};

struct blob {
	char *data;
	__u32 len;
};

static struct map maps[MAX_NR_MAPS * 2];
static struct blob btfs[MAX_BTFS];
static const char *kfuncs[MAX_NAMES]; /* of all programs */
static int nmaps, nbtfs, nkfuncs;
static bool unprivileged;
static int current; /* index in tests */
static const char *attach_prefix, *attach_to;
static FILE *out; /* the standard output, which the test must not write to */

static void print_hex(const char *key, const void *data, size_t len)
{
	const unsigned char *b = data;

	fprintf(out, ",\"%s\":\"", key);
	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02x", b[i]);
	fputc('"', out);
}

static void print_string(const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', out);
		if (*s == '\t')
			fprintf(out, "\\t");
		else if (*s == '\n')
			fprintf(out, "\\n");
		else
			fputc(*s, out);
	}
	fputc('"', out);
}

static void print_map(const struct map *m)
{
	fprintf(out, "{\"map_type\":%d,\"name\":\"%s\",\"key_size\":%u,\"value_size\":%u,\"max_entries\":%u,\"map_flags\":%u",
	       m->type, m->name, m->key_size, m->value_size, m->max_entries, m->flags);
	if (m->btf >= 0) {
		print_hex("btf", btfs[m->btf].data, btfs[m->btf].len);
		fprintf(out, ",\"key_type_id\":%u,\"value_type_id\":%u", m->key_type, m->value_type);
	}
	if (m->data_len)
		print_hex("data", m->data, m->data_len);
	if (m->inner >= 0) {
		fprintf(out, ",\"inner\":");
		print_map(&maps[m->inner]);
	}
	fputc('}', out);
}

int bpf_map_create(enum bpf_map_type type, const char *name, __u32 key_size, __u32 value_size,
		   __u32 max_entries, const struct bpf_map_create_opts *opts)
{
	struct map *m = &maps[nmaps];

	*m = (struct map){ .type = type, .key_size = key_size, .value_size = value_size, .max_entries = max_entries, .btf = -1, .inner = -1 };
	if (name)
		strncpy(m->name, name, sizeof(m->name) - 1);
	if (opts) {
		m->flags = opts->map_flags;
		m->key_type = opts->btf_key_type_id;
		m->value_type = opts->btf_value_type_id;
		if (opts->btf_fd >= FIRST_BTF)
			m->btf = opts->btf_fd - FIRST_BTF;
		if (opts->inner_map_fd >= FIRST_MAP)
			m->inner = opts->inner_map_fd - FIRST_MAP;
	}
	return FIRST_MAP + nmaps++;
}

int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags)
{
	struct map *m = &maps[fd - FIRST_MAP];

	if (m->type == BPF_MAP_TYPE_ARRAY && m->value_size <= sizeof(m->data)) {
		memcpy(m->data, value, m->value_size);
		m->data_len = m->value_size;
	}
	return 0;
}

int bpf_btf_load(const void *data, size_t size, struct bpf_btf_load_opts *opts)
{
	btfs[nbtfs].data = memcpy(malloc(size), data, size);
	btfs[nbtfs].len = size;
	return FIRST_BTF + nbtfs++;
}

int libbpf_find_vmlinux_btf_id(const char *name, enum bpf_attach_type type)
{
	attach_to = name;
	attach_prefix = type == BPF_TRACE_ITER ? "bpf_iter_" : type == BPF_LSM_MAC ? "bpf_lsm_" :
			type == BPF_TRACE_RAW_TP ? "btf_trace_" : "";
	return 1;
}

/* The kernel's own types, of which only the names of functions are asked for. */
struct btf *btf__load_vmlinux_btf(void) { return (struct btf *)&kfuncs; }

__s32 btf__find_by_name_kind(const struct btf *btf, const char *name, __u32 kind)
{
	for (int i = 0; i < nkfuncs; i++)
		if (!strcmp(kfuncs[i], name))
			return FIRST_KFUNC + i;
	kfuncs[nkfuncs] = name;
	return FIRST_KFUNC + nkfuncs++;
}

/* print_refs prints [instruction, index, kind] of map references and [instruction, name] of kernel functions. */
static void print_refs(struct bpf_insn *insns, size_t n)
{
	const char *comma = "";

	fprintf(out, ",\"map_refs\":[");
	for (size_t i = 0; i < n; i++) {
		if (insns[i].code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (insns[i].imm >= FIRST_MAP && insns[i].imm < FIRST_MAP + nmaps) {
			insns[i].imm -= FIRST_MAP;
			fprintf(out, "%s[%zu,%d,%d]", comma, i, insns[i].imm, insns[i].src_reg);
			comma = ",";
		}
		i++;
	}
	comma = "";
	fprintf(out, "],\"kfuncs\":[");
	for (size_t i = 0; i < n; i++) {
		if (insns[i].code != (BPF_JMP | BPF_CALL) || insns[i].imm < FIRST_KFUNC || insns[i].imm >= FIRST_KFUNC + nkfuncs)
			continue;
		fprintf(out, "%s{\"insn\":%zu,\"name\":\"%s\"}", comma, i, kfuncs[insns[i].imm - FIRST_KFUNC]);
		insns[i].imm = 0;
		comma = ",";
	}
	fputc(']', out);
}

int bpf_prog_load(enum bpf_prog_type type, const char *name, const char *license, const struct bpf_insn *insns,
		  size_t n, struct bpf_prog_load_opts *opts)
{
	static const char *results[] = { "UNDEF", "ACCEPT", "REJECT", "VERBOSE_ACCEPT" };
	const struct bpf_test *test = &tests[current];
	struct bpf_insn *copy;

	if (!opts) /* a program for a map of programs */
		return -1;
	fprintf(out, "{\"index\":%d,\"name\":", current);
	print_string(test->descr);
	fprintf(out, ",\"privileged\":%s,\"type\":%d,\"expected_attach_type\":%d,\"prog_flags\":%u,\"attach_to\":\"%s%s\"",
	       unprivileged ? "false" : "true", type, opts->expected_attach_type, opts->prog_flags,
	       attach_prefix, attach_to);
	fprintf(out, ",\"expect\":{\"expect\":\"%s\",\"exp_insns\":%u,\"retval\":%u}", results[unprivileged && test->result_unpriv ? test->result_unpriv : test->result],
		test->insn_processed, test->retval);
	copy = memcpy(malloc(n * sizeof(*insns)), insns, n * sizeof(*insns));
	print_refs(copy, n);
	print_hex("insns", copy, n * sizeof(*copy));
	free(copy);
	if ((int)opts->prog_btf_fd >= FIRST_BTF)
		print_hex("btf", btfs[opts->prog_btf_fd - FIRST_BTF].data, btfs[opts->prog_btf_fd - FIRST_BTF].len);
	if (opts->func_info_cnt) {
		print_hex("func_info", opts->func_info, opts->func_info_cnt * opts->func_info_rec_size);
		fprintf(out, ",\"func_info_rec_size\":%u", opts->func_info_rec_size);
	}
	fprintf(out, ",\"maps\":[");
	for (int i = 0; i < nmaps; i++) {
		if (i)
			fputc(',', out);
		print_map(&maps[i]);
	}
	fprintf(out, "]}\n");
	errno = ENOTSUPP; /* so that the test skips the rest */
	return -1;
}

/* Never called with what the stand-ins above return, or of no consequence. */
int libbpf_probe_bpf_prog_type(enum bpf_prog_type type, const void *opts) { return 1; }
int libbpf_probe_bpf_map_type(enum bpf_map_type type, const void *opts) { return 1; }
int libbpf_set_strict_mode(enum libbpf_strict_mode mode) { return 0; }
struct btf *btf__load_from_kernel_by_id_split(__u32 id, struct btf *base) { return NULL; }
void btf__set_fd(struct btf *btf, int fd) {}
int btf__fd(const struct btf *btf) { return -1; }
void btf__free(struct btf *btf) {}
int bpf_btf_get_next_id(__u32 id, __u32 *next) { errno = ENOENT; return -1; }
int bpf_btf_get_fd_by_id(__u32 id) { return -1; }
int bpf_obj_get_info_by_fd(int fd, void *info, __u32 *len) { return -1; }
int bpf_prog_test_run_opts(int fd, struct bpf_test_run_opts *opts) { return 0; }
int cap_enable_effective(__u64 caps, __u64 *old) { return 0; }
int cap_disable_effective(__u64 caps, __u64 *old) { return 0; }
int load_bpf_testmod(bool verbose) { return 0; }
int unload_bpf_testmod(bool verbose) { return 0; }
int testing_prog_flags(void) { return 0; }
int get_xlated_program(int fd, struct bpf_insn **insns, __u32 *n) { return -1; }
bool get_unpriv_disabled(void) { return false; }
bool is_jit_enabled(void) { return true; }

static void one(bool unpriv)
{
	int passes, errors;

	unprivileged = unpriv;
	nmaps = nbtfs = 0;
	attach_prefix = attach_to = "";
	do_test_single(&tests[current], unpriv, &passes, &errors);
}

int main(void)
{
	out = fdopen(dup(STDOUT_FILENO), "w");
	if (!out || !freopen("/dev/null", "w", stdout))
		return 1;
	for (current = 0; current < ARRAY_SIZE(tests); current++) {
		if (test_as_unpriv(&tests[current]))
			one(true);
		one(false);
	}
	return fclose(out) != 0;
}
