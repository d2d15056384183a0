package helper

// Results of helpers: negative errno values, as the program sees them.
const (
	eperm       = -1
	enoent      = -2
	esrch       = -3
	e2big       = -7
	eagain      = -11
	enomem      = -12
	eacces      = -13
	efault      = -14
	ebusy       = -16
	eexist      = -17
	enodev      = -19
	einval      = -22
	enospc      = -28
	erange      = -34
	edeadlk     = -35
	enodata     = -61
	ebadmsg     = -74
	eproto      = -71
	enoprotoopt = -92
	eopnotsupp  = -95
	eafnosup    = -97
	enobufs     = -105
	enotsupp    = -524
)
