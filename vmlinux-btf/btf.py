# SPDX-License-Identifier: GPL-2.0-only
"""BPF Type Format: reading, subsetting and writing, with the standard library only.

The scripts of this directory share it. Nothing here calls libbpf, so that what
check-relocations says is a second opinion on what libbpf will do.
"""

import re
import struct

MAGIC = 0xEB9F
HEADER_MIN = 24

(VOID, INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST,
 RESTRICT, FUNC, FUNC_PROTO, VAR, DATASEC, FLOAT, DECL_TAG, TYPE_TAG,
 ENUM64) = range(20)

KIND_NAMES = ("void", "int", "ptr", "array", "struct", "union", "enum", "fwd",
              "typedef", "volatile", "const", "restrict", "func", "func_proto",
              "var", "datasec", "float", "decl_tag", "type_tag", "enum64")

MODIFIERS = (VOLATILE, CONST, RESTRICT, TYPE_TAG)
COMPOSITES = (STRUCT, UNION)
ENUMS = (ENUM, ENUM64)

INT_SIGNED, INT_CHAR, INT_BOOL = 1, 2, 4


FLAVOUR = re.compile(r"(.*[^_])___[^_]")


def essential_name(name):
    """A type's name without the ___flavour that CO-RE ignores."""
    found = FLAVOUR.match(name)
    return found.group(1) if found else name


class BtfError(Exception):
    """The bytes are not BTF as this reader knows it."""


def in_words(error):
    """An exception as part of a sentence."""
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    return str(error)


class Member:
    """A field of a struct or union; offset and bit size in bits (0: no bitfield)."""

    __slots__ = ("name", "type", "offset", "bits")

    def __init__(self, name, type_id, offset, bits):
        self.name = name
        self.type = type_id
        self.offset = offset
        self.bits = bits


class Type:
    """One type. `type` is the id it refers to; `members` depends on the kind:
    Member objects, (name, value) of an enum, (name, type) of parameters,
    (type, offset, size) of a section's variables, (element, index, count) of an array."""

    __slots__ = ("id", "kind", "name", "size", "type", "flag", "vlen", "members",
                 "encoding", "bits", "bit_offset")

    def __init__(self):
        self.size = self.type = 0
        self.members = ()
        self.encoding = self.bits = self.bit_offset = 0


class Btf:
    """All types of one BTF blob. Id 0 is void."""

    def __init__(self, data):
        self.data = bytes(data)
        self._names = None
        self._essential = None
        self._parse()

    @classmethod
    def from_file(cls, path):
        """Read raw BTF, or the .BTF section of an ELF file."""
        with open(path, "rb") as stream:
            data = stream.read()
        if data[:4] == b"\x7fELF":
            sections = {s.name: s for s in elf_sections(data)}
            if ".BTF" not in sections:
                raise BtfError(f"{path}: no .BTF section")
            data = sections[".BTF"].data
        try:
            return cls(data)
        except (struct.error, IndexError, BtfError) as error:
            raise BtfError(f"{path}: not BTF: {error}") from error

    def _parse(self):
        data = self.data
        if len(data) < HEADER_MIN:
            raise BtfError("too short")
        magic, version, _flags, header_len = struct.unpack_from("<HBBI", data)
        if magic != MAGIC:
            raise BtfError("wrong magic (or big endian, which is not supported)")
        if version != 1:
            raise BtfError(f"version {version} is not known")
        type_off, type_len, str_off, str_len = struct.unpack_from("<IIII", data, 8)
        types_at = header_len + type_off
        strings_at = header_len + str_off
        if strings_at + str_len > len(data) or types_at + type_len > len(data):
            raise BtfError("truncated")
        self.strings = data[strings_at:strings_at + str_len]
        void = Type()
        void.id = VOID
        void.kind = VOID
        void.name = "void"
        void.flag = void.vlen = 0
        self.types = [void]
        at, end = types_at, types_at + type_len
        while at < end:
            at = self._parse_type(at)

    def string(self, offset):
        end = self.strings.index(b"\0", offset)
        return self.strings[offset:end].decode("ascii", "replace")

    def _parse_type(self, at):
        data = self.data
        name, info, size = struct.unpack_from("<III", data, at)
        at += 12
        t = Type()
        t.id = len(self.types)
        t.name = self.string(name)
        t.kind = info >> 24 & 0x1F
        t.vlen = info & 0xFFFF
        t.flag = info >> 31
        if t.kind in (INT, STRUCT, UNION, ENUM, ENUM64, DATASEC, FLOAT):
            t.size = size
        else:
            t.type = size
        if t.kind == INT:
            word, = struct.unpack_from("<I", data, at)
            at += 4
            t.encoding = word >> 24 & 0xF
            t.bit_offset = word >> 16 & 0xFF
            t.bits = word & 0xFF
        elif t.kind == ARRAY:
            t.members = struct.unpack_from("<III", data, at)
            at += 12
        elif t.kind in COMPOSITES:
            members = []
            for _ in range(t.vlen):
                mname, mtype, offset = struct.unpack_from("<III", data, at)
                at += 12
                bits = 0
                if t.flag:
                    bits, offset = offset >> 24, offset & 0xFFFFFF
                members.append(Member(self.string(mname), mtype, offset, bits))
            t.members = members
        elif t.kind == ENUM:
            values = []
            for _ in range(t.vlen):
                mname, value = struct.unpack_from("<Ii" if t.flag else "<II", data, at)
                at += 8
                values.append((self.string(mname), value))
            t.members = values
        elif t.kind == ENUM64:
            values = []
            for _ in range(t.vlen):
                mname, low, high = struct.unpack_from("<III", data, at)
                at += 12
                value = high << 32 | low
                if t.flag and value >> 63:
                    value -= 1 << 64
                values.append((self.string(mname), value))
            t.members = values
        elif t.kind == FUNC_PROTO:
            parameters = []
            for _ in range(t.vlen):
                mname, mtype = struct.unpack_from("<II", data, at)
                at += 8
                parameters.append((self.string(mname), mtype))
            t.members = parameters
        elif t.kind == DATASEC:
            variables = []
            for _ in range(t.vlen):
                variables.append(struct.unpack_from("<III", data, at))
                at += 12
            t.members = variables
        elif t.kind in (VAR, DECL_TAG):
            at += 4
        elif t.kind not in (PTR, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FLOAT,
                            TYPE_TAG):
            raise BtfError(f"type {t.id} has kind {t.kind}, which is not known")
        self.types.append(t)
        return at

    def __getitem__(self, type_id):
        return self.types[type_id]

    def __len__(self):
        return len(self.types)

    def named(self, name, *kinds):
        """All types of that name, of the given kinds or of any, in the order of ids."""
        if self._names is None:
            self._names = {}
            for t in self.types[1:]:
                if t.name:
                    self._names.setdefault(t.name, []).append(t)
        found = self._names.get(name, [])
        return [t for t in found if not kinds or t.kind in kinds]

    def names(self):
        """Every name in use, for patterns."""
        self.named("")
        return self._names.keys()

    def essentially_named(self, name):
        """All types of that name, whatever flavour follows it, in the order of ids."""
        if self._essential is None:
            self._essential = {}
            for other in self.names():
                if "___" in other:
                    self._essential.setdefault(essential_name(other), []).append(other)
        names = {name, *self._essential.get(name, ())}
        found = [t for n in names if essential_name(n) == name for t in self.named(n)]
        return sorted(found, key=lambda t: t.id)

    def resolve(self, type_id):
        """Skip const, volatile, restrict and type tags."""
        t = self.types[type_id]
        while t.kind in MODIFIERS:
            t = self.types[t.type]
        return t

    def strip(self, type_id):
        """Skip modifiers and typedefs."""
        t = self.types[type_id]
        while t.kind in MODIFIERS or t.kind == TYPEDEF:
            t = self.types[t.type]
        return t

    def size_of(self, type_id):
        t = self.strip(type_id)
        if t.kind == PTR:
            return 8
        if t.kind == ARRAY:
            return self.size_of(t.members[0]) * t.members[2]
        return t.size

    def align_of(self, type_id):
        """Natural alignment in bytes, as a compiler would choose it."""
        t = self.strip(type_id)
        if t.kind == PTR:
            return 8
        if t.kind in (INT, FLOAT) or t.kind in ENUMS:
            return min(t.size, 16) or 1
        if t.kind == ARRAY:
            return self.align_of(t.members[0])
        if t.kind in COMPOSITES:
            widest = 1
            for m in t.members:
                align = self.align_of(m.type)
                widest = max(widest, align)
                if not m.bits and m.offset % (8 * align):
                    return 1
            return 1 if t.size % widest else widest
        return 1


class Section:
    __slots__ = ("name", "type", "flags", "offset", "size", "link", "info", "data", "index")


def elf_sections(data):
    """The sections of a little endian ELF64 file."""
    if data[:6] != b"\x7fELF\x02\x01":
        raise BtfError("not a little endian 64 bit ELF file")
    table, = struct.unpack_from("<Q", data, 0x28)
    entry, count, names_index = struct.unpack_from("<HHH", data, 0x3A)
    raw = [struct.unpack_from("<IIQQQQIIQQ", data, table + i * entry) for i in range(count)]
    names = data[raw[names_index][4]:raw[names_index][4] + raw[names_index][5]]
    sections = []
    for index, fields in enumerate(raw):
        s = Section()
        s.index = index
        s.name = names[fields[0]:names.index(b"\0", fields[0])].decode()
        s.type, s.flags, s.offset, s.size = fields[1], fields[2], fields[4], fields[5]
        s.link, s.info = fields[6], fields[7]
        s.data = b"" if s.type == 8 else data[s.offset:s.offset + s.size]
        sections.append(s)
    return sections
