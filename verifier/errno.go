package verifier

import "strconv"

// errno is what a check returns: 0 when the program may go on, else the
// positive number that BPF_PROG_LOAD would fail with.
type errno int

const (
	eperm     errno = 1
	enoent    errno = 2
	e2big     errno = 7
	ebadf     errno = 9
	eacces    errno = 13
	efault    errno = 14
	ebusy     errno = 16
	eexist    errno = 17
	einval    errno = 22
	erange    errno = 34
	eproto    errno = 71
	enotsup   errno = 95 // EOPNOTSUPP
	enotsupp  errno = 524
	enotmodel errno = 1 << 20 // not the kernel's: a feature that is not covered
	ecanceled errno = 1<<20 + 1
)

// Errno is the error number of a rejected program, positive.
type Errno int

var errnoNames = [...]struct {
	n    errno
	name string
}{
	{eperm, "EPERM"}, {enoent, "ENOENT"}, {e2big, "E2BIG"}, {ebadf, "EBADF"}, {eacces, "EACCES"}, {efault, "EFAULT"},
	{ebusy, "EBUSY"}, {eexist, "EEXIST"}, {einval, "EINVAL"}, {erange, "ERANGE"}, {eproto, "EPROTO"},
	{enotsup, "EOPNOTSUPP"}, {enotsupp, "ENOTSUPP"},
}

func (n Errno) String() string {
	for _, e := range errnoNames {
		if Errno(e.n) == n {
			return e.name
		}
	}
	return "errno " + strconv.Itoa(int(n))
}

func (n Errno) Error() string { return n.String() }

func itoa(n int) string { return strconv.Itoa(n) }
