; R0 is never set.
.prog xdp
.license GPL
	exit
