#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Does a compiler lay out every struct and union of a vmlinux.h as the kernel did?

usage: layout.py HEADER KERNEL-BTF
"""

import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "vmlinux-btf"))

import btf as B  # noqa: E402


def compiled(header, tags):
    with tempfile.TemporaryDirectory() as directory:
        source = os.path.join(directory, "all.c")
        with open(source, "w", encoding="utf-8") as stream:
            stream.write(f'#include "{os.path.realpath(header)}"\n')
            for number, (word, name) in enumerate(tags):
                stream.write(f"{word} {name} v{number};\n")
        out = os.path.join(directory, "all.o")
        subprocess.run([os.environ.get("CLANG", "clang"), "-O2", "-g", "-target", "bpf",
                        "-DBPF_NO_PRESERVE_ACCESS_INDEX", "-c", source, "-o", out], check=True)
        return B.Btf.from_file(out)


def flat(btf, t, base=0):
    """(name, bit offset, bit field width, size) of every member, through unnamed types."""
    fields = []
    for m in t.members:
        kind = btf.strip(m.type)
        inner = kind.kind in B.COMPOSITES and not kind.name
        if m.name:
            fields.append((m.name, base + m.offset, m.bits, btf.size_of(m.type)))
        if inner:
            fields += flat(btf, kind, base + m.offset)
    return fields


def main():
    with open(sys.argv[1], encoding="utf-8") as stream:
        tags = re.findall(r"^(struct|union) (\w+) \{", stream.read(), re.M)
    kernel, mine = B.Btf.from_file(sys.argv[2]), compiled(sys.argv[1], tags)
    wrong = 0
    for word, name in tags:
        kind = B.STRUCT if word == "struct" else B.UNION
        want, have = kernel.named(name, kind)[0], mine.named(name, kind)[0]
        differ = [pair for pair in zip(flat(kernel, want), flat(mine, have)) if pair[0] != pair[1]]
        if want.size != have.size or len(flat(kernel, want)) != len(flat(mine, have)) or differ:
            print(f"{word} {name}: {want.size} bytes in the kernel, {have.size} here; {differ[:2]}")
            wrong += 1
    print(f"{len(tags)} structs and unions compared, {wrong} differ")
    return 1 if wrong or not tags else 0


sys.exit(main())
