#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The table of tests/bench/run for one kernel, from what guest.sh printed.

usage: table.py KERNEL <ROWS
"""
import sys

OPERATIONS = {
    "mthp": "16 KiB mTHP fault",
    "thp": "THP fault",
    "preempted": "THP fault, a switch in its clear",
    "order0": "order-0 fault",
    "switch": "context switch",
    "wakeup": "pipe round trip",
}

def read(lines):
    value, programs = {}, {}
    for line in lines:
        fields = line.rstrip("\n").split("\t")
        if len(fields) != 3:
            continue
        tool, what, text = fields
        if what.startswith("program:"):
            ns, runs = map(int, text.split())
            programs[tool, what[len("program:"):]] = ns / runs
        elif tool == "kernel":
            value[tool, what] = text
        elif text != "busy":
            value[tool, what] = float(text)
    return value, programs


def main():
    value, programs = read(sys.stdin)

    def added(tool, operation, by=1):
        """with - without; None where either was not measured"""
        if (tool, operation) not in value or ("bare", operation) not in value:
            return None
        return (value[tool, operation] - value["bare", operation]) / by

    def cell(number):
        return "–" if number is None else f"{number:.0f}"

    def ratio(a, b):
        return "–" if not a or not b else f"{a / b:.2f}"

    idle = value.pop(("zeroscope-idle", "idle"), None)
    maps = value.pop(("zeroscope-idle", "map_bytes"), None)
    tools = [t for t in dict.fromkeys(t for t, _ in value) if t not in ("bare", "kernel")]
    print(f"### {sys.argv[1]}: {value.get(('kernel', 'release'))}, "
          f"preempt={value.get(('kernel', 'preempt'))}, init_on_alloc=0\n")
    print("Instructions added to one operation (with − without):\n")
    print("| | " + " | ".join(OPERATIONS.values()) + " |")
    print("|---" + "|--:" * len(OPERATIONS) + "|")
    bare = [value.get(("bare", o)) for o in OPERATIONS]
    print("| *bare, in all* | " + " | ".join(cell(b) for b in bare) + " |")
    for tool in tools:
        print(f"| {tool} | " + " | ".join(cell(added(tool, o)) for o in OPERATIONS) + " |")
    ours = added("zeroscope", "mthp")
    print()
    for other in ("bpftrace", "funclatency"):
        print(f"- fault, zeroscope to {other}: {ratio(ours, added(other, 'mthp'))}")
    print(f"- fault, fsession to fentry: "
          f"{ratio(added('zeroscope-fsession', 'mthp'), added('zeroscope-fentry', 'mthp'))}")
    print(f"- the tool's own instructions in an idle second at -i 1s: {cell(idle)}")
    print(f"- bytes of its maps, one processor: {cell(maps)}")
    if programs:
        print("\nOne run of a program while nobody clears, by the kernel's own statistics, and "
              "what is left of it without what they show for a program that does nothing at the "
              "same place:\n")
        print("| | program | run | left |\n|---|---|--:|--:|")
        for (tool, name), number in programs.items():
            place = [p for p in ("switch", "resched") if p in name]
            floor = [n for (t, p), n in programs.items()
                     if t == "empty" and place and place[0] in p]
            print(f"| {tool} | {name} | {number:.0f} | "
                  f"{cell(number - floor[0] if floor else None)} |")
    print()


main()
