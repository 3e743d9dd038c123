"""Throw random and mutated inputs at the decoder: `python -m tests.wire.fuzz --inputs 10_000_000 [--seed S]`.

Each batch has its own seed and holds sentinels: plain events that must come out the same whatever stands beside them.
A batch that fails prints its seed; `--seed THAT --inputs 1` plays it again.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import numpy as np

from stream.core.batch import Batch
from stream.core.kinds import Kind
from stream.core.money import MOST_MINOR
from stream.core.policy import Policy
from stream.wire import dead, examples
from stream.wire.decode import decode, one_by_one
from stream.wire.times import EARLIEST_MS, FUTURE_MS

BATCH = 5_000
EVERY = 10  # one input in so many is a sentinel
NOW_MS = 1_750_000_000_000
POLICY = Policy(
    "fuzz", rates={"USD": Decimal(1), "EUR": Decimal("1.0837"), "JPY": Decimal("0.0067"), "KWD": Decimal(3)}
)

Fields = list[tuple[str, str]]  # JSON text of names and values, so that both can be broken

PLAIN = [json.dumps(event).encode() for event in examples.events().values()]
ALL = PLAIN + [json.dumps(event).encode() for event in examples.foreign().values()]
FIELDS: list[Fields] = [[(json.dumps(k), json.dumps(v)) for k, v in json.loads(text).items()] for text in ALL]

DEEP = "[" * 3000 + "]" * 3000
NASTY = [
    *("null", "true", "false", "[]", "{}", '""', "[1,2]", '{"a":1}', DEEP, '{"a":' * 500 + "1" + "}" * 500, "[" * 700),
    *("-1", "0", "-0", "-0.0", "1", "11", "12.345", "0.001", "1e400", "-1e400", "1E-400", "1e308", "1e12", "1e12001"),
    *("1000000000000.01", "999999999999.99", "NaN", "Infinity", "-Infinity", "01", "1.", ".5", "+1", "0x10", "1e"),
    *("9" * 19, "9" * 20, "9" * 400, "9" * 5000, "-" + "9" * 30, "1" + "0" * 400, str(2**53), str(2**63), str(2**64)),
    *("1740830400", "1740830400000", "253402300800000", "-62135596800000", "1740830400000.0", "1740830400000.5"),
    *(
        '"\\u0000"',
        '"a\\u0000b"',
        '"\\ud800"',
        '"\\udc00"',
        '"\\ud800x"',
        '"\\udfff\\ud800"',
        '"\\ud83d\\ude00"',
        '"\x1f"',
    ),
    *(
        '"NaN"',
        '"12.34"',
        '"true"',
        '"USD"',
        '"EUR"',
        '"JPY"',
        '"KWD"',
        '"GBP"',
        '"usd"',
        '"é"',
        '"😀"',
        f'"{"x" * 300}"',
    ),
    *('"9999-12-31T23:59:59Z"', '"0000-01-01T00:00:00Z"', '"2017-02-29T00:00:00Z"', '"2017-08-25T18:42:10"'),
    *('"2017-08-25T18:42:10.Z"', '"2017-08-25T23:59:60+23:59"', '"2017-08-25 18:42:10.123456789-00:00"', '"0"', '"x"'),
    *('"csat"', '"nps"', '"order_completed"', '"track"', '"identify"', '"clock_advanced"', '"Order Completed"', "'x'"),
]
EDGES = [
    *(
        "0",
        "0.0",
        "0.1",
        "1.10",
        "12.34",
        "9999999999.99999",
        "999999999999999",
        "9999999999999999",
        "0.000000000000001",
    ),
    *("1e3", "-1", "01", "1.", "true", "false", "null", '""', '" "', '"USD"', '"EUR"', '"complaint"', '"urgent"'),
    *(f'"{"x" * n}"' for n in (3, 64, 65, 256, 257)),
    *('"2017-08-25T18:42:10Z"', '"2017-08-25T18:42:10.123+02:00"', '"a\\/b"', '"ä"', '"\x7f"', "1740830400000"),
]
NAMES = [*sorted({name for fields in FIELDS for name, _ in fields}), '"\\u0000"', '""', '"specversion"', '"traits"']
HEADERS: list[list[tuple[str, bytes]] | None] = [
    None,
    [],
    [("ce_type", b"session"), ("ce_id", b"1"), ("ce_time", b"2017-08-25T18:42:10Z"), ("ce_subject", b"1228")],
    [("ce_type", b"\xff\x00"), ("ce_source", b"")],
    [("trace", b"\xff"), ("ce_type", b"com.x.order.completed"), ("ce_subject", b"1228")],
]


def _write(fields: Fields) -> bytes:
    return ("{" + ",".join(f"{name}:{value}" for name, value in fields) + "}").encode(errors="surrogatepass")


def _noise(rng: random.Random) -> bytes:
    return rng.randbytes(rng.randrange(120))


def _tokens(rng: random.Random) -> bytes:
    words = ["{", "}", "[", "]", ",", ":", '"', "\\", " ", "\n", "\ufeff", *NASTY, *NAMES]
    return "".join(rng.choices(words, k=rng.randrange(20))).encode(errors="surrogatepass")


def _flip(rng: random.Random) -> bytes:
    text = bytearray(rng.choice(ALL))
    for _ in range(rng.randrange(1, 4)):
        text[rng.randrange(len(text))] ^= 1 << rng.randrange(8)
    return bytes(text)


def _cut(rng: random.Random) -> bytes:
    text = rng.choice(ALL)
    at = rng.randrange(len(text) + 1)
    return text[:at] if rng.random() < 0.5 else text[:at] + text[at + rng.randrange(12) :]


def _splice(rng: random.Random) -> bytes:
    one, other = rng.choice(ALL), rng.choice(ALL)
    return one[: rng.randrange(len(one))] + other[rng.randrange(len(other)) :]


def _swap(rng: random.Random) -> bytes:
    fields = list(rng.choice(FIELDS))
    i, j = rng.randrange(len(fields)), rng.randrange(len(fields))
    (a, x), (b, y) = fields[i], fields[j]
    fields[i], fields[j] = (a, y), (b, x)
    return _write(fields)


def _nasty(rng: random.Random) -> bytes:
    fields = list(rng.choice(FIELDS))
    for _ in range(rng.randrange(1, 3)):
        i = rng.randrange(len(fields))
        fields[i] = (fields[i][0], rng.choice(NASTY))
    return _write(fields)


def _more(rng: random.Random) -> bytes:
    fields = list(rng.choice(FIELDS))
    fields.insert(rng.randrange(len(fields) + 1), (rng.choice(NAMES), rng.choice(NASTY)))
    return _write(fields)


def _less(rng: random.Random) -> bytes:
    fields = list(rng.choice(FIELDS))
    del fields[rng.randrange(len(fields))]
    return _write(fields)


def _inner(rng: random.Random) -> bytes:
    form, inside = rng.choice([("cloudevents", "data"), ("segment", "properties"), ("identify", "traits")])
    event = examples.foreign()[form]
    fields = [(json.dumps(name), json.dumps(value)) for name, value in event[inside].items()]
    fields.insert(rng.randrange(len(fields) + 1), (rng.choice(NAMES), rng.choice(NASTY)))
    return _write(
        [(json.dumps(k), _write(fields).decode() if k == inside else json.dumps(v)) for k, v in event.items()]
    )


def _number(rng: random.Random) -> bytes:
    fields = list(rng.choice(FIELDS))
    i = rng.randrange(len(fields))
    fields[i] = (
        fields[i][0],
        repr(rng.choice([rng.uniform(-1, 1e3), 10.0 ** rng.randrange(-30, 40), rng.getrandbits(70)])),
    )
    return _write(fields)


def _plainly(rng: random.Random) -> bytes:
    """Still a plain event, most often: other order, spaces, more fields, numbers and texts at the edge of what is."""
    fields = list(rng.choice(FIELDS))
    rng.shuffle(fields)
    for _ in range(rng.randrange(3)):
        i = rng.randrange(len(fields))
        fields[i] = (fields[i][0], rng.choice(EDGES))
    fields += [(f'"x{n}"', rng.choice(EDGES)) for n in range(rng.randrange(3))]
    spaces = ["", "", "", " ", "\n", "\t\r "]
    inside = ",".join(
        "".join([rng.choice(spaces), name, rng.choice(spaces), ":", rng.choice(spaces), value, rng.choice(spaces)])
        for name, value in fields
    )
    return (rng.choice(spaces) + "{" + inside + "}" + rng.choice(spaces)).encode(errors="surrogatepass")


MUTATIONS: list[Callable[[random.Random], bytes]] = [
    *(
        _noise,
        _tokens,
        _flip,
        _cut,
        _splice,
        _swap,
        _nasty,
        _nasty,
        _more,
        _less,
        _number,
        _inner,
        _plainly,
        _plainly,
        _plainly,
        lambda rng: rng.choice(ALL),
    ),
]


def batch_of(seed: int, n: int = BATCH) -> tuple[list[bytes], list[int]]:
    """Inputs, and which of them are sentinels."""
    rng = random.Random(seed)
    makers = rng.choices(MUTATIONS, k=n)
    inputs = [make(rng) for make in makers]
    if seed % 100 == 0:
        inputs[rng.randrange(n)] = rng.choice(ALL) + b" " * (600 * 1024)
    sentinels = list(range(0, n, EVERY))
    for at in sentinels:
        inputs[at] = PLAIN[(seed + at) % len(PLAIN)]
    return inputs, sentinels


def check(batch: Batch, letters: list[dead.DeadLetter], n: int, stamp_ms: int) -> None:
    """What holds for any input: nothing is lost or counted twice, and what went through is in range."""
    bad = [letter.record for letter in letters]
    assert sorted([*batch.record.tolist(), *bad]) == list(range(n)), "records are an event or a dead letter, once"
    assert bad == sorted(bad)
    assert (np.diff(batch.record) > 0).all(), "events stay in offset order"
    assert batch.customer_start.size == len(batch) + 1
    assert batch.customers.count(0) == max(len(batch) - 1, 0), "customers can be told apart"
    assert ((batch.kind >= 1) & (batch.kind <= max(Kind))).all()
    assert ((batch.time_ms >= EARLIEST_MS) & (batch.time_ms <= stamp_ms + FUTURE_MS)).all()
    assert ((batch.amount >= -1) & (batch.amount <= MOST_MINOR)).all()
    assert (batch.x >= -1).all()
    assert (batch.y >= -1).all()
    for letter in letters:
        assert 0 < len(letter.detail) <= 600, letter
        assert letter.reason in dead.Reason


def columns_at(batch: Batch, records: list[int]) -> list[tuple[object, ...]]:
    """All that a batch says of some records."""
    rows = np.searchsorted(batch.record, records)
    assert (batch.record[rows] == records).all(), "a sentinel became a dead letter"
    start = batch.customer_start
    names = ("kind", "time_ms", "customer_hash", "event_hash", "segment", "variant", "amount", "x", "y", "ref")
    columns = [getattr(batch, name)[rows].tolist() for name in names]
    customers = [batch.customers[start[i] : start[i + 1] - 1] for i in rows]
    return list(zip(customers, *columns, strict=True))


def one_batch(seed: int, counts: Counter[str], n: int = BATCH) -> None:
    """Decode one batch, hold the result against what must be true, count what came out."""
    rng = random.Random(-seed - 1)
    inputs, sentinels = batch_of(seed, n)
    headers = rng.choices(HEADERS, weights=[20, 2, 1, 1, 1], k=n).__getitem__ if seed % 3 == 0 else None
    keys: list[bytes | None] | None = None
    if seed % 7 == 0:
        keys = rng.choices([b"1228", None, b"", b"\xff\x00"], weights=[9, 1, 1, 1], k=n)
        for at in sentinels:
            keys[at] = b"1228"
    batch, letters = decode(inputs, keys, NOW_MS, headers, POLICY)
    check(batch, letters, n, NOW_MS)
    stamps, everything = np.full(n, NOW_MS), np.arange(n)
    other, others = one_by_one(inputs, keys, stamps, headers, POLICY, everything)
    assert letters == others, "what is refused does not depend on the path"
    assert columns_at(batch, batch.record.tolist()) == columns_at(other, batch.record.tolist())
    assert batch.record.tolist() == other.record.tolist()
    alone, none = decode([inputs[at] for at in sentinels], None, NOW_MS, None, POLICY)
    assert not none
    assert columns_at(batch, sentinels) == columns_at(alone, list(range(len(sentinels))))
    if keys is not None:
        owned = batch.record[batch.kind != Kind.clock_advanced].tolist()
        assert all(keys[i] == b"1228" for i in owned)
    for letter in letters:
        counts[letter.reason] += 1
        dead.to_record(letter, None, inputs[letter.record], "customer.events", 0, 0)
    counts["event"] += len(batch)


def main() -> None:
    """Run, print the counts per reason."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--inputs", type=lambda text: int(text.replace("_", "")), default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    counts: Counter[str] = Counter()
    began = time.monotonic()
    for seed in range(args.seed, args.seed + -(-args.inputs // BATCH)):
        try:
            one_batch(seed, counts)
        except BaseException:
            print(f"failed on batch --seed {seed}")
            raise
    total = sum(counts.values())
    print(f"{total:,} inputs from seed {args.seed} in {time.monotonic() - began:.0f} s, no crash")
    for name, n in counts.most_common():
        print(f"{name:20} {n:12,}")


if __name__ == "__main__":
    main()
