.prog xdp
.license GPL
	r0 = 2
	goto +7
	exit
