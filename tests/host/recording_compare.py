#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Holds what recording_reader.py prints against `zeroscope report --json`.

usage: recording_compare.py READER.json REPORT.json
"""

import json
import sys
from decimal import Decimal


def lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line, parse_float=Decimal) for line in f]


def nanoseconds(seconds):
    return int(Decimal(seconds) * 10**9)


def key(series):
    return series["order"], series["page_kind"], series["numa"]


def check(what, mine, theirs):
    if mine != theirs:
        sys.exit("%s: the second reader says %r, report says %r" % (what, mine, theirs))


def compare_histogram(what, mine, theirs):
    check(what + " count", mine["count"], theirs["count"])
    check(what + " sum", mine["sum"], nanoseconds(theirs["sum"]))
    check(what + " buckets", mine["buckets"], [count for _, count in theirs["buckets"]])


def compare_series(what, mine, theirs):
    check(what + " count", mine["count"], theirs["count"])
    compare_histogram(what + " wall", mine["wall"], theirs["wall"])
    compare_histogram(what + " on_cpu", mine["on_cpu"], theirs["on_cpu"])
    slowest = theirs["wall"]["max"]
    check(what + " max", mine["max"]["ns"], nanoseconds(slowest["seconds"]))
    check(what + " max comm", mine["max"]["comm"], slowest["comm"])
    check(what + " max pid", mine["max"]["pid"], slowest["pid"])


def compare_interval(what, mine, theirs):
    check(what + " length", mine["interval_ns"], nanoseconds(theirs["interval_seconds"]))
    check(what + " clears_total", mine["clears_total"], theirs["clears_total"])
    theirs_by_key = {key(series): series for series in theirs["clears"]}
    for series in mine["clears"]:
        name = "%s %s" % (what, key(series))
        if series["count"] or key(series) in theirs_by_key:
            compare_series(name, series, theirs_by_key.pop(key(series)))
    check(what + " other series", {}, theirs_by_key)
    for row, other in zip(mine["coverage"], theirs["coverage"]):
        for field in ("what", "kernel", "seen"):
            check(what + " coverage " + field, row[field], other[field])


def main():
    mine, theirs = lines(sys.argv[1]), lines(sys.argv[2])
    check("intervals", len(mine), len(theirs))
    if not mine:
        sys.exit("there is nothing to compare")
    for i, pair in enumerate(zip(mine, theirs)):
        compare_interval("interval %d" % i, *pair)


if __name__ == "__main__":
    main()
