package maps

// Errno is a kernel error number, positive; zero is no error. Operations that
// a program makes return it negated.
type Errno int32

// The errors that map operations return.
const (
	EPERM      Errno = 1
	ENOENT     Errno = 2
	E2BIG      Errno = 7
	EBADF      Errno = 9
	EAGAIN     Errno = 11
	ENOMEM     Errno = 12
	EACCES     Errno = 13
	EBUSY      Errno = 16
	EEXIST     Errno = 17
	ENODEV     Errno = 19
	EINVAL     Errno = 22
	ENOSPC     Errno = 28
	ERANGE     Errno = 34
	EOVERFLOW  Errno = 75
	EOPNOTSUPP Errno = 95
	ENOTSUPP   Errno = 524 // kernel internal, but bpf(2) lets it out
)

var errnoNames = [...]struct {
	e    Errno
	name string
}{
	{EPERM, "EPERM"}, {ENOENT, "ENOENT"}, {E2BIG, "E2BIG"}, {EBADF, "EBADF"}, {EAGAIN, "EAGAIN"},
	{ENOMEM, "ENOMEM"}, {EACCES, "EACCES"}, {EBUSY, "EBUSY"}, {EEXIST, "EEXIST"}, {ENODEV, "ENODEV"},
	{EINVAL, "EINVAL"}, {ENOSPC, "ENOSPC"}, {ERANGE, "ERANGE"}, {EOVERFLOW, "EOVERFLOW"}, {EOPNOTSUPP, "EOPNOTSUPP"}, {ENOTSUPP, "ENOTSUPP"},
}

// Error is the kernel's name of the number.
func (e Errno) Error() string {
	for _, n := range errnoNames {
		if n.e == e {
			return n.name
		}
	}
	if e == 0 {
		return "success"
	}
	return "errno"
}

// Ret is what a program gets: zero or the negative number.
func (e Errno) Ret() int64 { return -int64(e) }
