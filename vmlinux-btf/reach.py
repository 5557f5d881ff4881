# SPDX-License-Identifier: GPL-2.0-only
"""Which instructions of a BPF function can be reached once CO-RE answered its questions.

A relocation that cannot be resolved turns its instruction into an invalid call. The verifier
accepts that as long as it never gets there, which it knows from the constants that the answered
questions (bpf_core_field_exists and the like) left behind. This follows those constants in the
same way but with less effort: where it cannot tell, both ways are taken, so that what it calls
unreachable is.
"""

import struct

WORD = (1 << 64) - 1
STACK = 10

# Opcode classes and sources
LD, LDX, ST, STX, ALU, JMP, JMP32, ALU64 = range(8)
SRC_REG = 8
LD_IMM64 = 0x18
CALL, EXIT, JA = 0x85, 0x95, 0x05
JA32 = 0x06
BYTE_SWAP, MOVE = 0xD0, 0xB0
ATOMIC = 0xC0
STX_DW, LDX_DW, ST_DW = 0x7B, 0x79, 0x7A


def signed(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def calculate(operation, a, b, bits):
    """The result of an arithmetic instruction, or None if this does not follow it."""
    mask = (1 << bits) - 1
    a &= mask
    b &= mask
    shift = b & (bits - 1)
    results = {
        0x00: lambda: a + b,
        0x10: lambda: a - b,
        0x20: lambda: a * b,
        0x40: lambda: a | b,
        0x50: lambda: a & b,
        0x60: lambda: a << shift,
        0x70: lambda: a >> shift,
        0x80: lambda: -a,
        0xA0: lambda: a ^ b,
        0xC0: lambda: signed(a, bits) >> shift,
    }
    if operation not in results:
        return None
    return results[operation]() & mask


def decide(operation, a, b, bits):
    """Is the jump taken? None if the condition is not known here."""
    mask = (1 << bits) - 1
    a &= mask
    b &= mask
    sa, sb = signed(a, bits), signed(b, bits)
    answers = {
        0x10: a == b, 0x20: a > b, 0x30: a >= b, 0x40: a & b != 0, 0x50: a != b,
        0x60: sa > sb, 0x70: sa >= sb, 0xA0: a < b, 0xB0: a <= b, 0xC0: sa < sb, 0xD0: sa <= sb,
    }
    return answers.get(operation)


class State:
    """What is known before an instruction: registers and stack slots with a constant."""

    __slots__ = ("registers", "stack")

    def __init__(self, registers=None, stack=None):
        self.registers = dict(registers or {})
        self.stack = dict(stack or {})

    def copy(self):
        return State(self.registers, self.stack)

    def merge(self, other):
        """Keep what both agree on; True if that is less than before."""
        before = len(self.registers) + len(self.stack)
        for mine, theirs in ((self.registers, other.registers), (self.stack, other.stack)):
            for key in [k for k, v in mine.items() if theirs.get(k) != v]:
                del mine[key]
        return len(self.registers) + len(self.stack) != before

    def set(self, register, value):
        if value is None:
            self.registers.pop(register, None)
        else:
            self.registers[register] = value & WORD


class Walker:
    def __init__(self, code, answers):
        """answers: offset of each relocated instruction → its value, None if unresolved."""
        self.code = code
        self.answers = answers
        self.states = {}
        self.queue = []

    def walk(self, start):
        self.enter(start, State())
        while self.queue:
            at = self.queue.pop()
            self.step(at, self.states[at].copy())

    def enter(self, at, state):
        if at >= len(self.code):
            return
        if at not in self.states:
            self.states[at] = state.copy()
            self.queue.append(at)
        elif self.states[at].merge(state):
            self.queue.append(at)

    def step(self, at, state):
        opcode, registers, offset, imm = struct.unpack_from("<BBhi", self.code, at)
        target, source = registers & 15, registers >> 4
        kind = opcode & 7
        if opcode == EXIT:
            return
        if opcode == LD_IMM64:
            state.set(target, self.answers.get(at))
            self.enter(at + 16, state)
            return
        if kind in (JMP, JMP32) and opcode != CALL:
            self.jump(at, state, opcode, target, source, offset, imm)
            return
        if opcode == CALL:
            for register in range(6):
                state.set(register, None)
            state.stack.clear()
        elif kind in (ALU, ALU64):
            self.arithmetic(at, state, opcode, target, source, offset, imm)
        elif kind == LDX:
            known = opcode == LDX_DW and source == STACK
            state.set(target, state.stack.get(offset) if known else None)
        else:
            self.store(state, opcode, target, source, offset, imm)
        self.enter(at + 8, state)

    @staticmethod
    def store(state, opcode, target, source, offset, imm):
        if opcode & 7 == STX and opcode & 0xE0 == ATOMIC:
            # It may fetch the old value.
            state.set(source, None)
            state.set(0, None)
        if target != STACK:
            # It may point into the stack.
            state.stack.clear()
            return
        for slot in [s for s in state.stack if abs(s - offset) < 8]:
            del state.stack[slot]
        value = state.registers.get(source) if opcode == STX_DW else None
        if opcode == ST_DW:
            value = imm & WORD
        if value is not None:
            state.stack[offset] = value

    def arithmetic(self, at, state, opcode, target, source, offset, imm):
        bits = 64 if opcode & 7 == ALU64 else 32
        if opcode & SRC_REG:
            operand = state.registers.get(source)
        else:
            operand = self.answers.get(at, imm)
        operation = opcode & 0xF0
        # An offset makes it a sign extending move or a signed division.
        if operation == BYTE_SWAP or operand is None or offset:
            state.set(target, None)
        elif operation == MOVE:
            state.set(target, operand & ((1 << bits) - 1))
        else:
            known = state.registers.get(target)
            state.set(target, None if known is None else calculate(operation, known, operand, bits))

    def jump(self, at, state, opcode, target, source, offset, imm):
        if opcode == JA32:
            self.enter(at + 8 + imm * 8, state)
            return
        there = at + 8 + offset * 8
        if opcode == JA:
            self.enter(there, state)
            return
        bits = 64 if opcode & 7 == JMP else 32
        a = state.registers.get(target)
        b = state.registers.get(source) if opcode & SRC_REG else imm
        taken = None if a is None or b is None else decide(opcode & 0xF0, a, b, bits)
        if taken is not False:
            self.enter(there, state)
        if taken is not True:
            self.enter(at + 8, state)


def dead_relocations(obj, verdicts):
    """{(section, instruction offset)} of the relocations that no run can reach."""
    dead = set()
    for section, functions in obj.functions.items():
        mine = [v for v in verdicts if v.relocation.section == section]
        if not mine:
            continue
        code = next(s.data for s in obj.sections if s.name == section)
        answers = {v.relocation.instruction: v.value for v in mine}
        walker = Walker(code, answers)
        for value, _size, _name in functions:
            walker.walk(value)
        dead |= {(section, v.relocation.instruction) for v in mine
                 if v.relocation.instruction not in walker.states}
    return dead
