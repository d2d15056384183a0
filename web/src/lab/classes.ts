/** What a class of rejections (labs/grade/class.go) means, for who has not met the kernel's words yet. */
export function inWords(name: string): string {
  switch (name) {
    case 'uninit-reg': return 'It reads a register that nothing was put into on the way here.';
    case 'null-deref': return 'It uses a pointer that may be NULL here: compare it with 0 first.';
    case 'scalar-deref': return 'It uses a number as if it were a pointer.';
    case 'pkt-oob': return 'It reaches for bytes that the packet may not have.';
    case 'map-oob': return 'It reaches outside of the map\'s value.';
    case 'unbounded': return 'It uses a number as an offset that may be too large, or negative.';
    case 'stack': return 'It uses the stack in a way that is not allowed: outside of its 512 bytes, or where nothing was written.';
    case 'gpl': return 'It calls a helper that only programs with a GPL-compatible license may call.';
    case 'helper-not-allowed': return 'A program of this type may not call this helper.';
    case 'ctx-access': return 'It uses a part of the context that is not there, or not for this program.';
    case 'bad-return': return 'It may return a number that a program of this type must not return.';
    case 'ref-leak': return 'It may end while it still holds something that must be given back.';
    case 'lock': return 'It does something that is not allowed under a lock, or never unlocks.';
    case 'readonly': return 'It writes to what may only be read.';
    case 'bad-arg': return 'An argument of the call is not of the kind that the helper wants.';
    case 'too-complex': return 'The verifier found no end: too many instructions, or a loop that gets no further.';
    case 'cfg': return 'An instruction can never be reached, or a jump leads out of the program.';
    case 'pointer-math': return 'It computes with a pointer in a way that is not allowed.';
    case 'leak': return 'It may show an address of the kernel to somebody who must not see it.';
    case 'sleepable': return 'It calls something that may sleep, where sleeping is not allowed.';
    case 'bad-atomic': return 'It does an atomic operation on memory where that is not allowed.';
    default: return '';
  }
}
