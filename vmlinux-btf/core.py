# SPDX-License-Identifier: GPL-2.0-only
"""CO-RE relocations of a BPF object and how a kernel's BTF resolves them.

Written from the documented rules, not on top of libbpf: tests hold it against libbpf's own
verdict. Three properties of the rules are easy to get wrong, so they are named here:
  - names are compared up to `___` for types and enumerators, but whole for fields;
  - the first field of that name decides, even when its type does not fit;
  - several fitting candidates must agree on offset and value, else nothing loads.
"""

import struct

import btf as B

(BYTE_OFF, BYTE_SZ, FIELD_EXISTS, SIGNED, LSHIFT, RSHIFT, LOCAL_ID, TARGET_ID, TYPE_EXISTS,
 TYPE_SIZE, ENUMVAL_EXISTS, ENUMVAL_VALUE, TYPE_MATCHES) = range(13)

# As libbpf's log spells them.
KIND_NAMES = ("byte_off", "byte_sz", "field_exists", "signed", "lshift_u64", "rshift_u64",
              "local_type_id", "target_type_id", "type_exists", "type_size", "enumval_exists",
              "enumval_value", "type_matches")

FIELD_KINDS = (BYTE_OFF, BYTE_SZ, FIELD_EXISTS, SIGNED, LSHIFT, RSHIFT)
TYPE_KINDS = (LOCAL_ID, TARGET_ID, TYPE_EXISTS, TYPE_SIZE, TYPE_MATCHES)
ENUM_KINDS = (ENUMVAL_EXISTS, ENUMVAL_VALUE)
# These answer a question: no match is the answer 0.
QUESTIONS = (FIELD_EXISTS, TYPE_EXISTS, ENUMVAL_EXISTS, TYPE_MATCHES)

STT_FUNC = 2
BPF_LDX, BPF_ST, BPF_STX = 1, 2, 3
EXTERN = 2
DEPTH_MAX = 32


class Relocation:
    """One CO-RE relocation: of which instruction, and what it asks for."""

    __slots__ = ("section", "function", "instruction", "opcode", "kind", "type", "access")


class External:
    """One symbol that the kernel has to provide."""

    __slots__ = ("name", "type", "is_function", "weak")


def is_object(path):
    """A compiled BPF program, rather than a kernel's types?"""
    with open(path, "rb") as stream:
        data = stream.read()
    return data[:4] == b"\x7fELF" and any(s.name == ".BTF.ext" for s in B.elf_sections(data))


class Object:
    """What matters of a compiled BPF object."""

    def __init__(self, path):
        with open(path, "rb") as stream:
            data = stream.read()
        self.path = path
        try:
            self.sections = B.elf_sections(data)
            by_name = {s.name: s for s in self.sections}
            self.btf = B.Btf(by_name[".BTF"].data)
            self._read_symbols()
            self.relocations = self._read_relocations(by_name[".BTF.ext"].data)
            self.externals = self._read_externals()
        except KeyError as error:
            raise B.BtfError(f"{path}: no section {error}; compile it with -g") from error
        except (struct.error, IndexError) as error:
            raise B.BtfError(f"{path}: damaged object file") from error

    def _read_symbols(self):
        """Functions by section, and which undefined symbols are weak."""
        self.functions = {}
        self.weak = set()
        for table in self.sections:
            if table.type != 2:
                continue
            names = self.sections[table.link].data
            for at in range(0, table.size, 24):
                name_at, info, _other, index, value, size = struct.unpack_from(
                    "<IBBHQQ", table.data, at)
                name = names[name_at:names.index(b"\0", name_at)].decode()
                if index == 0 and info >> 4 == 2:
                    self.weak.add(name)
                if info & 0xF == STT_FUNC and 0 < index < len(self.sections):
                    section = self.sections[index].name
                    self.functions.setdefault(section, []).append((value, size, name))

    def function_at(self, section, offset):
        for value, size, name in self.functions.get(section, ()):
            if value <= offset < value + size:
                return name
        return "?"

    def _read_relocations(self, ext):
        header_len, = struct.unpack_from("<I", ext, 4)
        if header_len < 32:
            return []
        offset, length = struct.unpack_from("<II", ext, 24)
        found = []
        if not length:
            return found
        code = {s.name: s.data for s in self.sections}
        at = header_len + offset
        end = at + length
        record_size, = struct.unpack_from("<I", ext, at)
        at += 4
        while at < end:
            section_at, count = struct.unpack_from("<II", ext, at)
            at += 8
            section = self.btf.string(section_at)
            for _ in range(count):
                r = Relocation()
                r.section = section
                r.instruction, r.type, access, r.kind = struct.unpack_from("<IIII", ext, at)
                r.function = self.function_at(section, r.instruction)
                r.access = [int(n) for n in self.btf.string(access).split(":")]
                r.opcode = code[section][r.instruction]
                found.append(r)
                at += record_size
        return found

    def _read_externals(self):
        found = []
        for section in self.btf.named(".ksyms", B.DATASEC):
            for type_id, _offset, _size in section.members:
                t = self.btf[type_id]
                e = External()
                e.name = t.name
                e.type = t.type
                e.is_function = t.kind == B.FUNC
                e.weak = t.name in self.weak
                found.append(e)
        return found


class Spec:
    """A path from a type to a field, or to an enumerator, in one BTF.

    steps: (type id, index, name or None) of each named field and array element on the way;
    raw: every index, those of anonymous members included; offset in bits."""

    __slots__ = ("btf", "root", "kind", "steps", "raw", "offset")

    def __init__(self, btf, root, kind):
        self.btf = btf
        self.root = root
        self.kind = kind
        self.steps = []
        self.raw = []
        self.offset = 0

    def text(self):
        """As in C: struct folio._flags_1, enum pagetype::PGTY_hugetlb, task_struct.comm[3]."""
        t = self.btf[self.root]
        word = "enum" if t.kind in B.ENUMS else B.KIND_NAMES[t.kind]
        text = f"{word} {t.name or '<anon>'}"
        if self.kind in ENUM_KINDS:
            name, _value = self.btf.strip(self.root).members[self.raw[0]]
            return f"{text}::{name}"
        for position, (_type_id, index, name) in enumerate(self.steps):
            if name:
                text += f".{name}"
            elif position or index:
                text += f"[{index}]"
        return text

    def place(self):
        """Where that is, in the notation of libbpf's log."""
        if self.kind in ENUM_KINDS:
            return str(self.btf.strip(self.root).members[self.raw[0]][1])
        if self.kind not in FIELD_KINDS:
            return ""
        path = ":".join(str(i) for i in self.raw)
        bits = f".{self.offset % 8}" if self.offset % 8 else ""
        return f"{path} @ {self.offset // 8}{bits}"


def essential(name):
    """The name without the part after the last `___`, which is the author's own."""
    return B.essential_name(name)


def same_kind(a, b):
    return a == b or (a in B.ENUMS and b in B.ENUMS)


def local_spec(btf, relocation):
    """What the object asks for. None if the relocation is malformed."""
    spec = Spec(btf, relocation.type, relocation.kind)
    if relocation.kind in TYPE_KINDS:
        return spec if relocation.access == [0] else None
    if relocation.kind in ENUM_KINDS:
        t = btf.strip(relocation.type)
        index = relocation.access[0]
        if t.kind not in B.ENUMS or index >= len(t.members):
            return None
        spec.raw = [index]
        return spec
    spec.raw = list(relocation.access)
    t = btf.strip(relocation.type)
    spec.steps.append((t.id, relocation.access[0], None))
    spec.offset = relocation.access[0] * btf.size_of(t.id) * 8
    for index in relocation.access[1:]:
        t = btf.strip(t.id)
        if t.kind in B.COMPOSITES:
            if index >= len(t.members):
                return None
            member = t.members[index]
            spec.offset += member.offset
            if member.name:
                spec.steps.append((t.id, index, member.name))
            t = btf[member.type]
        elif t.kind == B.ARRAY:
            element, _index, count = t.members
            t = btf.strip(element)
            if index >= count and not is_flexible(spec):
                return None
            spec.steps.append((t.id, index, None))
            spec.offset += index * btf.size_of(t.id) * 8
        else:
            return None
    return spec


def is_flexible(spec):
    """Is the last step the final member of its struct, declared as an array of no elements?"""
    type_id, index, name = spec.steps[-1]
    if not name:
        return False
    t = spec.btf[type_id]
    array = spec.btf.strip(t.members[index].type)
    return index == len(t.members) - 1 and array.kind == B.ARRAY and not array.members[2]


def fields_fit(local, a, target, b):
    """May a field of type a be read as one of type b?"""
    a, b = local.strip(a), target.strip(b)
    if a.kind in B.COMPOSITES and b.kind in B.COMPOSITES:
        return True
    if not same_kind(a.kind, b.kind):
        return False
    if a.kind in (B.PTR, B.FLOAT):
        return True
    if a.kind == B.FWD or a.kind in B.ENUMS:
        return not a.name or not b.name or essential(a.name) == essential(b.name)
    if a.kind == B.INT:
        return a.bit_offset == 0 and b.bit_offset == 0
    if a.kind == B.ARRAY:
        return fields_fit(local, a.members[0], target, b.members[0])
    return False


def types_fit(local, a, target, b, depth=DEPTH_MAX):
    """May a type, or a function, of shape a be taken for one of shape b?"""
    if depth < 0:
        return False
    a, b = local.strip(a), target.strip(b)
    if not same_kind(a.kind, b.kind):
        return False
    if a.kind in (B.VOID, B.FWD) or a.kind in B.COMPOSITES or a.kind in B.ENUMS:
        return True
    if a.kind == B.INT:
        return a.bit_offset == 0 and b.bit_offset == 0
    if a.kind == B.PTR:
        return types_fit(local, a.type, target, b.type, depth - 1)
    if a.kind == B.ARRAY:
        return types_fit(local, a.members[0], target, b.members[0], depth - 1)
    if a.kind == B.FUNC_PROTO:
        if len(a.members) != len(b.members):
            return False
        pairs = [(p[1], q[1]) for p, q in zip(a.members, b.members)]
        return all(types_fit(local, p, target, q, depth - 1)
                   for p, q in pairs + [(a.type, b.type)])
    return False


def match_member(spec, name, local, local_type, type_id):
    """Find a field by name, through anonymous members. The type of the field, or None."""
    t = spec.btf.strip(type_id)
    if t.kind not in B.COMPOSITES:
        return None
    for index, member in enumerate(t.members):
        offset, raw, steps = spec.offset, len(spec.raw), len(spec.steps)
        spec.offset += member.offset
        spec.raw.append(index)
        if not member.name:
            found = match_member(spec, name, local, local_type, member.type)
            if found is not None:
                return found
        elif member.name == name:
            if not fields_fit(local, local_type, spec.btf, member.type):
                return None
            spec.steps.append((t.id, index, name))
            return member.type
        spec.offset = offset
        del spec.raw[raw:]
        del spec.steps[steps:]
    return None


def match(want, target, type_id):
    """The same path in the kernel's type, or None."""
    spec = Spec(target, type_id, want.kind)
    if want.kind == TYPE_MATCHES:
        raise B.BtfError("bpf_core_type_matches() is not supported by this check")
    if want.kind in TYPE_KINDS:
        return spec if types_fit(want.btf, want.root, target, type_id) else None
    if want.kind in ENUM_KINDS:
        name = essential(want.btf.strip(want.root).members[want.raw[0]][0])
        t = target.strip(type_id)
        if t.kind not in B.ENUMS:
            return None
        for index, (candidate, _value) in enumerate(t.members):
            if essential(candidate) == name:
                spec.raw = [index]
                return spec
        return None
    for position, (local_id, index, name) in enumerate(want.steps):
        t = target.strip(type_id)
        if name:
            local_type = want.btf[local_id].members[index].type
            type_id = match_member(spec, name, want.btf, local_type, t.id)
            if type_id is None:
                return None
            continue
        if position:
            if t.kind != B.ARRAY:
                return None
            if index >= t.members[2] and not is_flexible(spec):
                return None
            t = target.strip(t.members[0])
        spec.steps.append((t.id, index, None))
        spec.raw.append(index)
        spec.offset += index * target.size_of(t.id) * 8
        type_id = t.id
    return spec


class Value:
    """What a relocation puts into its instruction."""

    __slots__ = ("number", "size", "type")

    def __init__(self, number, size=0, type_id=B.VOID):
        self.number = number
        self.size = size
        self.type = type_id


def field_value(spec):
    """The value of a field relocation. None where a bit field is too wide to be read."""
    btf = spec.btf
    type_id, index, name = spec.steps[-1]
    if not name:
        size = btf.size_of(type_id)
        if spec.kind == BYTE_OFF:
            return Value(spec.offset // 8, size, type_id)
        return Value(size) if spec.kind == BYTE_SZ else None
    member = btf[type_id].members[index]
    t = btf.strip(member.type)
    if member.bits:
        bits = member.bits
        size = t.size
        at = spec.offset // 8 // size * size
        while spec.offset + bits - at * 8 > size * 8:
            if size >= 8:
                return None
            size *= 2
            at = spec.offset // 8 // size * size
    else:
        size = btf.size_of(t.id)
        at = spec.offset // 8
        bits = size * 8
    if spec.kind == BYTE_OFF:
        return Value(at) if member.bits else Value(at, size, t.id)
    if spec.kind == BYTE_SZ:
        return Value(size)
    if spec.kind == SIGNED:
        signed = t.flag if t.kind in B.ENUMS else t.kind == B.INT and t.encoding & B.INT_SIGNED
        return Value(int(bool(signed)))
    if spec.kind == LSHIFT:
        return Value(64 - (spec.offset + bits - at * 8))
    return Value(64 - bits)


def value(spec):
    if spec.kind in QUESTIONS:
        return Value(1)
    if spec.kind == TARGET_ID:
        return Value(spec.root)
    if spec.kind == TYPE_SIZE:
        return Value(spec.btf.size_of(spec.root))
    if spec.kind == ENUMVAL_VALUE:
        return Value(spec.btf.strip(spec.root).members[spec.raw[0]][1])
    return field_value(spec)


def loads_or_stores(opcode):
    return opcode & 7 in (BPF_LDX, BPF_ST, BPF_STX)


def access_fits(want, have):
    """Can the width of a load be changed from one field to the other?"""
    a, b = value(want), value(have)
    if a.size == b.size:
        return True
    a, b = want.btf[a.type], have.btf[b.type]
    if a.kind == B.PTR and b.kind == B.PTR:
        return True
    unsigned = [t.kind == B.INT and not t.encoding & B.INT_SIGNED for t in (a, b)]
    return all(unsigned)


class Verdict:
    """resolved: the instruction gets `value`. Otherwise `why` says what is wrong."""

    __slots__ = ("relocation", "want", "have", "resolved", "value", "why", "fatal")

    def __init__(self, relocation, want):
        self.relocation = relocation
        self.want = want
        self.have = None
        self.resolved = False
        self.value = None
        self.why = ""
        # The whole object is refused, whatever guards the instruction has.
        self.fatal = False

    def fail(self, why, fatal=False):
        self.why = why
        self.fatal = fatal
        return self


def candidates(want, target):
    root = want.btf[want.root]
    found = target.essentially_named(essential(root.name))
    return [t for t in found if same_kind(t.kind, root.kind)]


def resolve(relocation, local, target):
    want = local_spec(local, relocation)
    verdict = Verdict(relocation, want)
    if want is None:
        return verdict.fail("malformed", fatal=True)
    if relocation.kind == LOCAL_ID:
        verdict.resolved = True
        verdict.value = relocation.type
        return verdict
    if not local[want.root].name:
        return verdict.fail("an anonymous type cannot be looked up", fatal=True)
    values = {}
    for candidate in candidates(want, target):
        have = match(want, target, candidate.id)
        if have is None:
            continue
        found = value(have)
        if found is None:
            return verdict.fail("the bit field is too wide to be read", fatal=True)
        values[(have.offset, found.number)] = found
        verdict.have = verdict.have or have
    if len(values) > 1:
        return verdict.fail("ambiguous: types of that name differ", fatal=True)
    if not verdict.have:
        if relocation.kind in QUESTIONS:
            verdict.resolved = True
            verdict.value = 0
            return verdict
        return verdict.fail("not in this kernel")
    if relocation.kind == BYTE_OFF and loads_or_stores(relocation.opcode) and \
            not access_fits(want, verdict.have):
        return verdict.fail("in this kernel, but of another width and not unsigned on both "
                            "sides: a direct load of it is refused")
    verdict.resolved = True
    verdict.value = next(iter(values.values())).number
    return verdict


FITS, MISSING, DIFFERS = range(3)


def resolve_external(external, local, target):
    """How a kernel symbol that the object needs is found: (FITS|MISSING|DIFFERS, in words)."""
    if not external.is_function and local.resolve(external.type).kind == B.VOID:
        return FITS, "address from kallsyms at load time"
    found = target.named(external.name, B.FUNC if external.is_function else B.VAR)
    if not found:
        return (FITS, "absent, weak") if external.weak else (MISSING, "not in this kernel")
    if not types_fit(local, external.type, target, found[0].type):
        return DIFFERS, "in this kernel with another prototype: the whole object is refused"
    return FITS, "present"
