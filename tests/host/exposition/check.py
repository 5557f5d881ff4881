#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Checks bodies of the exporter that promtool and other parsers let pass.

usage: check.py text FILE            what every text body must keep to
       check.py openmetrics FILE     the same, and what python3-prometheus-client accepts
       check.py protobuf FILE TEXT SCHEMA
                                     protoc can read it, and it says the same as the text
       check.py json FILE LINE       it says the same as an interval of `report --json --cumulative`
"""
import collections
import json
import math
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*?\})? (\S+)( # \{.*\} \S+ \S+)?$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


def fail(message):
    sys.exit("check.py: " + message)


def family_of(name, types):
    for end in ("", "_bucket", "_sum", "_count", "_created", "_total", "_info"):
        if name.endswith(end) and name[:len(name) - len(end)] in types:
            return name[:len(name) - len(end)]
    fail(f"{name} has no TYPE")


def parse(path):
    """{(name, labels): value as text} of a text body, and the types of its families."""
    samples, types, seen, last = {}, {}, [], None
    for line in open(path, encoding="utf-8").read().split("\n"):
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            if name in types:
                fail(f"two TYPE lines of {name}")
            types[name] = kind
        if not line or line.startswith("#"):
            continue
        match = SAMPLE.match(line)
        if not match:
            fail(f"no sample: {line}")
        labels = LABEL.findall(match.group(2) or "")
        if len(dict(labels)) != len(labels):
            fail(f"a label twice: {line}")
        key = match.group(1), tuple(sorted(labels))
        if key in samples:
            fail(f"a sample twice: {line}")
        samples[key] = match.group(3)
        family = family_of(match.group(1), types)
        if family != last and family in seen:
            fail(f"{family} is interleaved with others")
        seen.append(family)
        last = family
    if not samples:
        fail("no samples")
    return samples, types


def histograms(samples, types):
    """{(family, labels): ([(le, cumulative)], count, sum)}"""
    found = collections.defaultdict(lambda: [[], None, None])
    for (name, labels), value in samples.items():
        for end in ("_bucket", "_count", "_sum"):
            family = name[:-len(end)]
            if not name.endswith(end) or types.get(family) != "histogram":
                continue
            rest = tuple(pair for pair in labels if pair[0] != "le")
            if end == "_bucket":
                found[family, rest][0].append((float(dict(labels)["le"]), int(value)))
            else:
                found[family, rest][1 if end == "_count" else 2] = value
    return found


def check_histograms(samples, types):
    found = histograms(samples, types)
    if not found:
        fail("no histograms")
    for (family, labels), (buckets, count, total) in found.items():
        where = f"{family} {dict(labels)}"
        if buckets != sorted(buckets) or buckets[-1][0] != math.inf:
            fail(f"{where}: bounds do not ascend to +Inf")
        if any(a[1] > b[1] for a, b in zip(buckets, buckets[1:])):
            fail(f"{where}: buckets do not cumulate")
        if count is None or total is None or int(count) != buckets[-1][1]:
            fail(f"{where}: +Inf is not the count")
        for bound, _ in buckets[:-1]:
            if math.frexp(bound)[0] != 0.5:
                fail(f"{where}: {bound} is no power of two")
    return found


def check_text(path):
    samples, types = parse(path)
    check_histograms(samples, types)
    for (name, _), value in samples.items():
        if not math.isfinite(float(value)) or float(value) < 0:
            fail(f"{name} is {value}")
    return samples, types


def check_openmetrics(path):
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    body = open(path, encoding="utf-8").read()
    samples, _ = check_text(path)
    theirs = sum(len(f.samples) for f in text_string_to_metric_families(body))
    if theirs != len(samples):
        fail(f"their parser sees {theirs} samples, ours {len(samples)}")
    for (name, labels), _ in samples.items():
        bound = dict(labels).get("le", "+Inf")
        if bound != "+Inf" and not re.search(r"[.e]", bound):
            fail(f"{name}: le=\"{bound}\" looks like an integer")


def messages(path):
    data, at = open(path, "rb").read(), 0
    while at < len(data):
        length = shift = 0
        while True:
            byte = data[at]
            at += 1
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        yield data[at:at + length]
        at += length
    if at != len(data):
        fail("the last message is cut off")


def tree(lines):
    """protoc's text form as [(name, value or list)]."""
    items = []
    for line in lines:
        line = line.strip()
        if line == "}":
            return items
        if line.endswith("{"):
            items.append((line[:-1].strip(), tree(lines)))
        else:
            name, value = line.split(": ", 1)
            if name.isdigit():
                fail(f"a field that is not in metrics.proto: {line}")
            items.append((name, value.strip('"')))
    return items


def all_of(items, name):
    return [value for key, value in items if key == name]


def one_of(items, name, default=None):
    found = all_of(items, name)
    return found[0] if found else default


def native_buckets(histogram):
    """{index: count}"""
    index, count, found = 0, 0, {}
    deltas = [int(d) for d in all_of(histogram, "positive_delta")]
    for span in all_of(histogram, "positive_span"):
        index += int(one_of(span, "offset", 0))
        for _ in range(int(one_of(span, "length", 0))):
            count += deltas.pop(0)
            found[index] = count
            index += 1
    if deltas:
        fail("more deltas than the spans have room for")
    return found


def check_native(where, histogram, classic, finest):
    schema = int(one_of(histogram, "schema"))
    # The buckets of hold times and of pages are wider than those of the finest schemas.
    if schema > finest or (schema < finest and schema not in (0, 2)):
        fail(f"{where}: schema {schema}, and {finest} was asked for")
    zero = int(one_of(histogram, "zero_count", 0))
    buckets = native_buckets(histogram)
    if not all_of(histogram, "positive_span"):
        fail(f"{where}: nothing marks it as native")
    if zero + sum(buckets.values()) != int(one_of(histogram, "sample_count")):
        fail(f"{where}: the native buckets are not the count")
    if any(c <= 0 for c in buckets.values()):
        fail(f"{where}: an empty native bucket, or a negative one")
    # The zero bucket is the lowest classic one, and no other is below its end.
    threshold = float(one_of(histogram, "zero_threshold", 0))
    if classic[0] != (threshold, zero):
        fail(f"{where}: the zero bucket holds {zero} up to {threshold}, the lowest {classic[0]}")
    if any(i <= (math.frexp(threshold)[1] - 1) * 2 ** schema for i in buckets):
        fail(f"{where}: a native bucket inside the zero bucket")
    for bound, cumulative in classic:
        # Bucket i holds what is above 2^((i-1) / 2^schema), up to 2^(i / 2^schema).
        if math.isfinite(bound):
            last = round(math.log2(bound)) * 2 ** schema
            got = zero + sum(c for i, c in buckets.items() if i <= last)
            if got != cumulative:
                fail(f"{where}: {got} native events up to {bound}, {cumulative} classic")


def check_protobuf(path, text, finest):
    samples, types = parse(text)
    expected = histograms(samples, types)
    finest = int(finest)
    values = 0
    for message in messages(path):
        run = subprocess.run(["protoc", "-I" + HERE, "--decode=io.prometheus.client.MetricFamily",
                              "metrics.proto"], input=message, capture_output=True, check=False)
        if run.returncode:
            fail(f"protoc: {run.stderr.decode()}")
        family = tree(iter(run.stdout.decode().splitlines()))
        name = one_of(family, "name")
        for metric in all_of(family, "metric"):
            labels = tuple(sorted((one_of(l, "name"), one_of(l, "value", ""))
                                  for l in all_of(metric, "label")))
            histogram = one_of(metric, "histogram")
            values += 1
            if histogram is None:
                value = one_of(one_of(metric, "counter") or one_of(metric, "gauge"), "value")
                if name.startswith(("process_", "zeroscope_scrape", "zeroscope_measured")):
                    continue
                if float(value) != float(samples[name, labels]):
                    fail(f"{name} {labels} is {value}, not {samples[name, labels]}")
                continue
            buckets, count, total = expected[name, labels]
            classic = [(float(one_of(b, "upper_bound")), int(one_of(b, "cumulative_count")))
                       for b in all_of(histogram, "bucket")]
            if classic != buckets or one_of(histogram, "sample_count") != count:
                fail(f"{name} {labels}: {classic}, not {buckets}")
            if float(one_of(histogram, "sample_sum")) != float(total):
                fail(f"{name} {labels}: the sums differ")
            check_native(f"{name} {labels}", histogram, classic, finest)
    simple = len([k for k in samples if not k[0].endswith(("_bucket", "_sum", "_count"))])
    if values != simple + len(expected):
        fail(f"{values} metrics, {simple + len(expected)} in the text")


def check_json(path, line):
    samples, types = parse(path)
    found = histograms(samples, types)
    interval = json.loads(open(line, encoding="utf-8").read().splitlines()[-1])
    clears = interval["clears"]
    if not clears:
        fail("the interval has no clears")
    for clear in clears:
        order = "other" if clear["order"] is None else str(clear["order"])
        labels = tuple(sorted({"order": order, "page_kind": clear["page_kind"],
                               "numa": clear["numa"]}.items()))
        if samples["zeroscope_clears_total", labels] != str(clear["count"]):
            fail(f"{labels}: not {clear['count']} clears")
        buckets, count, total = found["zeroscope_clear_duration_seconds", labels]
        wall = clear["wall"]
        if int(count) != wall["count"] or float(total) != wall["sum"]:
            fail(f"{labels}: count or sum differ")
        for bound, cumulative in buckets:
            fine = sum(n for le, n in wall["buckets"] if float(le) <= bound)
            if fine != cumulative:
                fail(f"{labels}: {cumulative} up to {bound}, {fine} in the fine buckets")
    if samples["zeroscope_clear_calls_total", ()] != str(interval["clears_total"]):
        fail("not the same number of calls")


CHECKS = {"text": check_text, "openmetrics": check_openmetrics, "protobuf": check_protobuf,
          "json": check_json}

if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in CHECKS:
        sys.exit(__doc__)
    CHECKS[sys.argv[1]](*sys.argv[2:])
