package grade

// names are the constants that a rule may use for a number: return values of
// programs as the UAPI headers spell them, and error numbers, which compare
// with what a system call or a helper returned and so are negative there:
// "result(2) == -EPERM".
var names = [...]struct {
	name string
	n    int64
}{
	{"XDP_ABORTED", 0}, {"XDP_DROP", 1}, {"XDP_PASS", 2}, {"XDP_TX", 3}, {"XDP_REDIRECT", 4},
	{"TC_ACT_UNSPEC", -1}, {"TC_ACT_OK", 0}, {"TC_ACT_RECLASSIFY", 1}, {"TC_ACT_SHOT", 2}, {"TC_ACT_PIPE", 3},
	{"TC_ACT_STOLEN", 4}, {"TC_ACT_QUEUED", 5}, {"TC_ACT_REPEAT", 6}, {"TC_ACT_REDIRECT", 7},
	{"SK_DROP", 0}, {"SK_PASS", 1},
	{"EPERM", 1}, {"ENOENT", 2}, {"ESRCH", 3}, {"EINTR", 4}, {"EIO", 5}, {"E2BIG", 7}, {"EBADF", 9}, {"EAGAIN", 11},
	{"ENOMEM", 12}, {"EACCES", 13}, {"EFAULT", 14}, {"EBUSY", 16}, {"EEXIST", 17}, {"ENODEV", 19}, {"EINVAL", 22},
	{"ENOSPC", 28}, {"ECONNREFUSED", 111}, {"ENOTSUPP", 524},
}

func constant(name string) (int64, bool) {
	for _, n := range names {
		if n.name == name {
			return n.n, true
		}
	}
	return 0, false
}

// Errno is the number of an error by its name, positive.
func Errno(name string) (int64, bool) {
	if name == "" || name[0] != 'E' {
		return 0, false
	}
	return constant(name)
}
