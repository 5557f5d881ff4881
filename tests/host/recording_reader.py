#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A second reader of recordings, written from docs/recording-format.md.

Prints one JSON object for each interval, with the sums that `zeroscope report
--json` has too. Shares no line with the C code, so that what the two agree on
is what the page says.
"""

import json
import struct
import sys
import zlib

UINT, STRING, MESSAGE, ARRAY = range(4)


class Damaged(Exception):
    pass


class Odds:
    __slots__ = ("p", "rate")

    def __init__(self):
        self.p = 2048
        self.rate = 1

    def learn(self, bit):
        if bit:
            self.p += (4096 - self.p) >> self.rate
        else:
            self.p -= self.p >> self.rate
        self.rate = min(self.rate + 1, 5)


def tree(bits):
    return [Odds() for _ in range(1 << bits)]


class Digits:
    def __init__(self):
        self.zero = Odds()
        self.length = tree(6)
        self.top = [tree(2) for _ in range(64)]


class Number:
    def __init__(self):
        self.last = 0
        self.same = Odds()
        self.digits = Digits()


class Series:
    def __init__(self):
        self.length = Number()
        self.seen = 0
        self.mean = [0] * 1024


class Place:
    """Of a message."""

    def __init__(self):
        self.tags = {}
        self.types = {}
        self.numbers = {}
        self.arrays = {}
        self.messages = {}


class Model:
    def __init__(self):
        self.root = Place()
        self.elements = {}
        self.strings = []
        self.string_length = Number()
        self.letter = tree(8)


class Bits:
    def __init__(self, data):
        self.data = data
        self.at = 0
        self.low = 0
        self.high = 0xFFFFFFFF
        self.code = 0
        for _ in range(4):
            self.code = self.code << 8 | self.byte()

    def byte(self):
        if self.at >= len(self.data) + 4:
            raise Damaged("it ends in the middle of a value")
        byte = self.data[self.at] if self.at < len(self.data) else 0
        self.at += 1
        return byte

    def bit(self, p):
        mid = self.low + (self.high - self.low) * p // 4096
        bit = self.code <= mid
        if bit:
            self.high = mid
        else:
            self.low = mid + 1
        while self.low >> 24 == self.high >> 24:
            self.low = self.low << 8 & 0xFFFFFFFF
            self.high = (self.high << 8 | 0xFF) & 0xFFFFFFFF
            self.code = (self.code << 8 | self.byte()) & 0xFFFFFFFF
        return bit

    def learnt(self, odds):
        bit = self.bit(odds.p)
        odds.learn(bit)
        return bit

    def tree(self, odds, bits):
        node = 1
        for _ in range(bits):
            node = 2 * node + self.learnt(odds[node])
        return node - (1 << bits)

    def digits(self, d):
        if self.learnt(d.zero):
            return 0
        below = self.tree(d.length, 6)
        top = min(below, 2)
        value = 1 << top | self.tree(d.top[below], top)
        for _ in range(below - top):
            value = value << 1 | self.bit(2048)
        return value

    def number(self, n):
        if not self.learnt(n.same):
            n.last = self.digits(n.digits)
        return n.last

    def string(self, model, n):
        index = self.number(n)
        if index < len(model.strings):
            return model.strings[index]
        length = self.number(model.string_length)
        text = bytes(self.tree(model.letter, 8) for _ in range(length))
        if len(model.strings) < 4096:
            model.strings.append(text)
        return text

    def array(self, model, place):
        length = self.number(place.length)
        mean = [0] + place.mean + [0]
        values = []
        for i in range(length):
            expect = (mean[i] + 2 * mean[i + 1] + mean[i + 2]) // 4
            bits = expect.bit_length()
            kind = bits if bits < 2 else 2 * bits - 2 + (expect >> (bits - 2) & 1)
            side = 0
            if i and values[i - 1]:
                side = 1 if values[i - 1] <= mean[i] // 16 else 2
            digits = model.elements.setdefault((min(kind, 47), side), Digits())
            values.append(self.digits(digits))
        rate = min(place.seen, 3)
        for i in range(1024):
            v = 16 * min(values[i], 1 << 27) if i < length else 0
            if v >= place.mean[i]:
                place.mean[i] += (v - place.mean[i]) >> rate
            else:
                place.mean[i] -= (place.mean[i] - v) >> rate
        place.seen += 1
        return values

    def message(self, model, place):
        """A list of (tag, value)."""
        fields = []
        last = 0
        repeats = {}
        while True:
            tag = self.tree(place.tags.setdefault(last, tree(5)), 5)
            if not tag:
                return fields
            last = tag
            kind = self.tree(place.types.setdefault(tag, tree(2)), 2)
            if kind == UINT:
                value = self.number(place.numbers.setdefault(tag, Number()))
            elif kind == STRING:
                value = self.string(model, place.numbers.setdefault(tag, Number()))
            elif kind == ARRAY:
                value = self.array(model, place.arrays.setdefault(tag, Series()))
            else:
                slot = min(repeats.get(tag, 0), 31)
                repeats[tag] = slot + 1
                value = self.message(model, place.messages.setdefault((tag, slot), Place()))
            fields.append((tag, value))


def frames(data):
    at = 0
    while at < len(data):
        header = data[at : at + 16]
        if len(header) < 16:
            return
        magic, kind, length, check, header_check = struct.unpack("<3scIII", header)
        if zlib.crc32(header[:12]) != header_check or magic != b"ZSR":
            raise Damaged("byte %d" % at)
        payload = data[at + 16 : at + 16 + length]
        if len(payload) < length:
            return
        if zlib.crc32(payload) != check:
            raise Damaged("byte %d" % at)
        yield kind, payload
        at += 16 + length


def signed(v):
    return -(v + 1) // 2 if v & 1 else v // 2


def wrap(v):
    return v % (1 << 64)


def one(fields, tag, default=0):
    return next((value for t, value in fields if t == tag), default)


def every(fields, tag):
    return [value for t, value in fields if t == tag]


def histogram(fields, wall=None):
    buckets = one(fields, 2, [])
    buckets = buckets + [0] * (450 - len(buckets))
    total = one(fields, 1)
    if wall:
        buckets = [wrap(w + signed(b)) for w, b in zip(wall["all"], buckets)]
        total = wrap(wall["sum"] + signed(total))
    result = {"sum": total, "all": buckets}
    result["count"] = one(fields, 5, wrap(sum(buckets)))
    result["buckets"] = [b for b in buckets if b]
    return result


def public(h):
    return {key: h[key] for key in ("count", "sum", "buckets")}


def interval(fields, base_time):
    time = wrap(base_time + signed(one(fields, 1)))
    clears = []
    for series in every(fields, 8):
        wall = histogram(one(series, 7, []))
        entry = {
            "order": signed(one(series, 4)),
            "page_kind": ["thp", "mthp", "hugetlb", "other"][one(series, 1)],
            "numa": ["local", "remote", "unknown"][one(series, 2)],
            "count": wrap(wall["count"] + signed(one(series, 5))),
            "wall": public(wall),
        }
        on_cpu = one(series, 8, None)
        if on_cpu is not None:
            entry["on_cpu"] = public(histogram(on_cpu, wall))
        slowest = one(one(series, 7, []), 3, None)
        if slowest is not None:
            entry["max"] = {
                "ns": one(slowest, 1),
                "comm": one(slowest, 7, b"").decode("utf-8", "replace"),
                "pid": one(slowest, 3),
            }
        clears.append(entry)
    coverage = []
    for row in every(fields, 19):
        kernel = one(row, 2, None)
        seen = one(row, 3, None)
        if seen is not None:
            seen = wrap((kernel or 0) + signed(seen))
        coverage.append({"what": one(row, 1, b"").decode(), "kernel": kernel, "seen": seen})
    return {
        "time_ns": time,
        "interval_ns": one(fields, 3),
        "clears_total": one(fields, 7),
        "clears": clears,
        "coverage": coverage,
    }


def main():
    with open(sys.argv[1], "rb") as f:
        data = f.read()
    model = None
    base_time = 0
    for kind, payload in frames(data):
        if kind == b"H":
            if payload[0] != 1:
                raise Damaged("version %d" % payload[0])
            model = Model()
            payload = payload[1:]
        elif kind not in (b"I", b"E"):
            continue
        fields = Bits(payload).message(model, model.root)
        if kind == b"H":
            base_time = one(fields, 3)
        if kind == b"I":
            print(json.dumps(interval(fields, base_time)))


if __name__ == "__main__":
    main()
