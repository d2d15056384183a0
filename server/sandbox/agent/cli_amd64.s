#include "textflag.h"

// func haltCPU()
// Interrupts off and an endless loop: needs iopl(3).
TEXT ·haltCPU(SB), NOSPLIT, $0-0
	CLI
loop:
	JMP loop
