#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Which instructions are reached: short programs, written by hand, and what must be found.

Each case: instructions as (opcode, target, source, offset, immediate), the answers to the
questions among them by position, and the positions that are reached.
"""

import os
import struct
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "vmlinux-btf"))

import reach  # noqa: E402

MOV, MOV32, MOV_REG, ADD, AND32, NEG = 0xB7, 0xB4, 0xBF, 0x07, 0x54, 0x87
JEQ, JNE, JGT, JSGT, JEQ32, JEQ_REG, JA = 0x15, 0x55, 0x25, 0x65, 0x16, 0x1D, 0x05
LOAD, STORE, STORE_IMM, STORE_BYTE, XADD = 0x79, 0x7B, 0x7A, 0x73, 0xDB
CALL, EXIT = (0x85, 0, 0, 0, 1), (0x95, 0, 0, 0, 0)
R0, R1, R2, R6, FP = 0, 1, 2, 6, 10

CASES = {
    "a jump known to be taken": (
        [(MOV, R1, 0, 0, 0), (JEQ, R1, 0, 1, 0), CALL, EXIT], {}, {0, 1, 3}),
    "a jump known not to be taken": (
        [(MOV, R1, 0, 0, 1), (JEQ, R1, 0, 1, 0), EXIT, CALL], {}, {0, 1, 2}),
    "an unknown condition goes both ways": (
        [(JEQ, R1, 0, 1, 0), CALL, EXIT], {}, {0, 1, 2}),
    "the answer replaces the immediate": (
        [(MOV, R1, 0, 0, 1), (JNE, R1, 0, 1, 0), EXIT, CALL, EXIT], {0: 0}, {0, 1, 2}),
    "an unanswered instruction is not a constant": (
        [(MOV, R1, 0, 0, 1), (JNE, R1, 0, 1, 0), EXIT, CALL, EXIT], {0: None}, {0, 1, 2, 3, 4}),
    "constants are calculated": (
        [(MOV, R1, 0, 0, 3), (ADD, R1, 0, 0, 4), (AND32, R1, 0, 0, 2), (JEQ, R1, 0, 1, 2),
         CALL, EXIT], {}, {0, 1, 2, 3, 5}),
    "signed and unsigned comparisons differ": (
        [(MOV, R1, 0, 0, -1), (JSGT, R1, 0, 2, 0), (JGT, R1, 0, 1, 0), CALL, EXIT], {},
        {0, 1, 2, 4}),
    "32 bits are compared as 32 bits": (
        [(MOV, R1, 0, 0, -1), (JEQ32, R1, 0, 1, -1), CALL, EXIT], {}, {0, 1, 3}),
    "a 32 bit move clears the upper half": (
        [(MOV32, R1, 0, 0, -1), (JEQ, R1, 0, 1, -1), EXIT, CALL], {}, {0, 1, 2}),
    "registers are compared": (
        [(MOV, R1, 0, 0, 5), (MOV_REG, R2, R1, 0, 0), (JEQ_REG, R1, R2, 1, 0), CALL, EXIT], {},
        {0, 1, 2, 4}),
    "paths that disagree leave nothing known": (
        [(MOV, R6, 0, 0, 0), (JEQ, R1, 0, 1, 0), (MOV, R6, 0, 0, 1), (JEQ, R6, 0, 1, 0), CALL,
         EXIT], {}, {0, 1, 2, 3, 4, 5}),
    "a call keeps callee saved registers": (
        [(MOV, R6, 0, 0, 0), CALL, (JEQ, R6, 0, 1, 0), CALL, EXIT], {}, {0, 1, 2, 4}),
    "a call forgets the others": (
        [(MOV, R1, 0, 0, 0), CALL, (JEQ, R1, 0, 1, 0), CALL, EXIT], {}, {0, 1, 2, 3, 4}),
    "a spilled constant is found again": (
        [(MOV, R1, 0, 0, 0), (STORE, FP, R1, -8, 0), (MOV, R1, 0, 0, 7), (LOAD, R1, FP, -8, 0),
         (JEQ, R1, 0, 1, 0), CALL, EXIT], {}, {0, 1, 2, 3, 4, 6}),
    "but not after a call": (
        [(STORE_IMM, FP, 0, -8, 0), CALL, (LOAD, R1, FP, -8, 0), (JEQ, R1, 0, 1, 0), CALL,
         EXIT], {}, {0, 1, 2, 3, 4, 5}),
    "nor after a narrower store into it": (
        [(STORE_IMM, FP, 0, -8, 0), (STORE_BYTE, FP, R2, -3, 0), (LOAD, R1, FP, -8, 0),
         (JEQ, R1, 0, 1, 0), CALL, EXIT], {}, {0, 1, 2, 3, 4, 5}),
    "nor after a store through a pointer": (
        [(STORE_IMM, FP, 0, -8, 0), (STORE_BYTE, R2, R2, 0, 0), (LOAD, R1, FP, -8, 0),
         (JEQ, R1, 0, 1, 0), CALL, EXIT], {}, {0, 1, 2, 3, 4, 5}),
    "an atomic operation may fetch": (
        [(MOV, R1, 0, 0, 0), (XADD, R2, R1, 0, 1), (JEQ, R1, 0, 1, 0), CALL, EXIT], {},
        {0, 1, 2, 3, 4}),
    "a loop ends": (
        [(MOV, R1, 0, 0, 9), (ADD, R1, 0, 0, -1), (JNE, R1, 0, -2, 0), EXIT], {}, {0, 1, 2, 3}),
    "a jump always goes there": (
        [(JA, 0, 0, 1, 0), CALL, EXIT], {}, {0, 2}),
}


def main():
    wrong = 0
    for name, (instructions, answers, expected) in CASES.items():
        code = b"".join(struct.pack("<BBhi", opcode, source << 4 | target, offset, immediate)
                        for opcode, target, source, offset, immediate in instructions)
        walker = reach.Walker(code, {at * 8: value for at, value in answers.items()})
        walker.walk(0)
        reached = {at // 8 for at in walker.states}
        if reached != expected:
            print(f"{name}: reached {sorted(reached)}, expected {sorted(expected)}")
            wrong += 1
    print(f"{len(CASES)} programs, {wrong} wrong")
    return 1 if wrong else 0


sys.exit(main())
