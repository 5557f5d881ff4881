#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compare this tree's resolver of CO-RE relocations with libbpf's.

usage: oracle.py OBJECT KERNEL-BTF

`bpftool gen min_core_btf` runs libbpf's resolver without loading anything, and its debug log
says what each relocation matched. Every one has to match the same field at the same place here.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "vmlinux-btf"))

import btf as B  # noqa: E402
import core  # noqa: E402

LINE = re.compile(r"libbpf: prog '(?P<section>[^']*)': relo #(?P<number>\d+): "
                  r"(?P<what>matching candidate #\d+ |non-matching .*|no matching .*|)"
                  r"(?:<(?P<kind>\w+)> \[\d+\] (?P<text>.*))?$")
AMBIGUOUS = re.compile(r"libbpf: prog '(?P<section>[^']*)': relo #(?P<number>\d+): .*ambiguity")


def bpftool():
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/sbin"
    return os.environ.get("BPFTOOL") or shutil.which("bpftool", path=path)


def libbpf_verdicts(obj, kernel):
    """{(section, number): text of what matched, or 'ambiguous'}, and the relocations seen."""
    with tempfile.NamedTemporaryFile() as out:
        done = subprocess.run([bpftool(), "-d", "gen", "min_core_btf", kernel, out.name, obj],
                              capture_output=True, text=True, check=False)
    matched, seen = {}, []
    for line in (done.stdout + done.stderr).splitlines():
        ambiguous = AMBIGUOUS.match(line)
        if ambiguous:
            matched[(ambiguous["section"], int(ambiguous["number"]))] = "ambiguous"
            continue
        found = LINE.match(line)
        if not found:
            continue
        key = (found["section"], int(found["number"]))
        if found["what"] == "":
            seen.append(key)
        elif found["what"].startswith("matching"):
            # Compilers since clang 15 write wide enumerations as another kind.
            text = re.sub(r"^enum64 ", "enum ", found["text"])
            matched.setdefault(key, f"{found['kind']} {text}")
    return seen, matched


def own_verdicts(obj, kernel):
    target = B.Btf.from_file(kernel)
    counts, verdicts = {}, {}
    for relocation in obj.relocations:
        number = counts.get(relocation.section, 0)
        counts[relocation.section] = number + 1
        verdicts[(relocation.section, number)] = core.resolve(relocation, obj.btf, target)
    return verdicts


def as_libbpf_says(verdict):
    if verdict.why.startswith("ambiguous"):
        return "ambiguous"
    have = verdict.have
    if not have:
        return None
    kind = core.KIND_NAMES[have.kind]
    if have.kind in core.ENUM_KINDS:
        return f"{kind} {have.text()} = {have.place()}"
    if have.kind in core.TYPE_KINDS:
        return f"{kind} {have.text()}"
    raw, offset = have.place().split(" @ ")
    return f"{kind} {have.text()} ({raw} @ offset {offset})"


def main():
    obj = core.Object(sys.argv[1])
    seen, matched = libbpf_verdicts(*sys.argv[1:3])
    own = own_verdicts(obj, sys.argv[2])
    if not seen:
        print("libbpf reported no relocation at all")
        return 1
    wrong = 0
    # After an ambiguity libbpf looks no further.
    for key in seen:
        mine, theirs = as_libbpf_says(own[key]), matched.get(key)
        if mine != theirs:
            print(f"{key[0]} #{key[1]} {own[key].want.text()}: libbpf {theirs}, here {mine}")
            wrong += 1
    if len(seen) != len(own) and "ambiguous" not in matched.values():
        print(f"libbpf saw {len(seen)} relocations, here there are {len(own)}")
        wrong += 1
    print(f"{len(seen)} relocations compared, {wrong} differ")
    return 1 if wrong else 0


sys.exit(main())
