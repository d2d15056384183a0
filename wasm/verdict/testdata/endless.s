; A loop that comes back to where it was, knowing nothing new.
.prog xdp
.license GPL
	r0 = 0
again:
	r0 &= 1
	if r0 == 0 goto again
	exit
