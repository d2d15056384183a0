/** Limits of numbers. */
import type { Bounds, Reg } from './types';

export const u64max = (1n << 64n) - 1n, s64min = -(1n << 63n), s64max = (1n << 63n) - 1n;

export const isConst = (b: Bounds): boolean => b.bits.mask === 0n;

/** The same but for marks of precision. */
export const sameReg = (a: Reg | undefined, b: Reg | undefined): boolean => a === b || (a !== undefined && b !== undefined && a.text.replace(/^P/, '') === b.text.replace(/^P/, ''));
