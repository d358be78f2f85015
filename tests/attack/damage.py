"""Ways in which bytes, JSON and files come to harm."""

import json
import os
import string
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

# Values that no field was made for.
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    -(2**63),
    1,
    3,
    7,
    2**31 - 1,
    2**31,
    2**40,
    2**63,
    10**18,
    10**400,
    0.5,
    -0.0,
    1e308,
    float("nan"),
    float("inf"),
    "",
    " ",
    "0",
    "-1",
    "abc",
    "../../etc/passwd",
    "/dev/zero",
    "~",
    "\0",
    "\ud800",
    "\u202e",
    "💥" * 2000,
    "x" * 100_000,
    "http://evil.example/",
    "__import__('os').system('true')",
    "![x](http://evil.example/a.png) <img src=x>",
    [],
    [None],
    [1, "a", {}],
    [[[[[[]]]]]],
    {},
    {"": None},
    {"a": {"b": {"c": [1]}}},
    {str(number): number for number in range(3000)},
    [0] * 100_000,
)


def dumped(value: object) -> bytes:
    """Write a value as JSON, half characters and what is no number among it."""
    return json.dumps(value).encode()


def deep(random: Random) -> bytes:
    """Return JSON that is nested as deep as no reader follows."""
    count = random.choice((50, 990, 5000, 200_000))
    return random.choice((b"[" * count + b"]" * count, b'{"a":' * count + b"1" + b"}" * count, b"[" * count))


def damaged_bytes(content: bytes, random: Random) -> bytes:
    """Do one to three of the things to some bytes that disks, transfers and editors do."""
    for _ in range(random.randint(1, 3)):
        content = random.choice(_BYTES)(content, random)
    return content


def damaged_json(value: Any, random: Random) -> Any:
    """Return a JSON value with one to three parts of it replaced, removed, renamed or repeated."""
    value = json.loads(json.dumps(value))
    for _ in range(random.randint(1, 3)):
        places = list(_places(value))
        if not places:
            return random.choice(VALUES)
        holder, key = random.choice(places)
        how = random.random()
        if how < 0.7:
            # A copy: it may be changed itself, or be where it is put in.
            holder[key] = deepcopy(random.choice(VALUES))
        elif how < 0.85:
            del holder[key]
        elif isinstance(holder, dict):
            holder[random.choice((f" {key}", str(key).upper(), "", "\ud800", "a" * 5000))] = holder.pop(key)
        else:
            holder.extend([holder[key]] * random.choice((1, 10, 3000)))
    return value


def damage_file(path: Path, random: Random) -> None:
    """Put something else in a file's place, or other bytes in it."""
    how = random.random()
    if how < 0.35:
        content = path.read_bytes()
        path.write_bytes(damaged_bytes(content, random))
        return
    path.unlink()
    if how < 0.5:
        random.choice(_IN_PLACE)(path)
    elif how < 0.6:
        path.write_bytes(deep(random))
    elif how < 0.95:
        path.write_bytes(random.choice((b"", b"{}", b"[]", b"null", b"7", b'"a"', b"\xff\xfe\0", b"\0" * 1_000_000)))


def _places(value: Any) -> Any:
    found = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in list(found):
        yield value, key
        yield from _places(one)


def _cut(content: bytes, random: Random) -> bytes:
    return content[: random.randint(0, len(content))]


def _flip(content: bytes, random: Random) -> bytes:
    found = bytearray(content)
    for _ in range(min(len(found), random.choice((1, 10, 1000)))):
        found[random.randrange(len(found))] = random.randrange(256)
    return bytes(found)


def _insert(content: bytes, random: Random) -> bytes:
    place = random.randint(0, len(content))
    return content[:place] + random.choice(_PARTS)(random) + content[place:]


def _drop(content: bytes, random: Random) -> bytes:
    place = random.randint(0, len(content))
    return content[:place] + content[place + random.choice((1, 2, 50)) :]


def _repeat(content: bytes, random: Random) -> bytes:
    start = random.randint(0, len(content))
    part = content[start : start + random.choice((1, 40, 4000))]
    most = 3_000_000 // max(1, len(part))
    return content[:start] + part * random.choice((2, 100, min(most, 200_000))) + content[start:]


def _encode(content: bytes, random: Random) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(random.choice(("utf-16", "utf-16-be", "utf-32", "gb18030", "cp037", "utf-7")), "replace")


_BYTES: tuple[Callable[[bytes, Random], bytes], ...] = (_cut, _flip, _insert, _drop, _repeat, _encode, _insert)
_PARTS: tuple[Callable[[Random], bytes], ...] = (
    lambda random: random.choice((b'"', b"'", b",", b"\t", b";", b"\\", b"\r", b"\n", b"\r\n\r\n", b"\0", b"{", b"]")),
    lambda random: random.choice((b'"\\ud800"', b"\xed\xa0\x80", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xc3")),
    lambda random: random.choice((b"=cmd|'/C calc'!A0", b"NaN", b"1e999", b"-Infinity", b"9" * 5000)),
    lambda random: (
        random.choice((b" ", b"\n", b"\t", b",", b"\0", b'"', b"[", b"a", b"\r")) * 10 ** random.randint(1, 6)
    ),
    lambda random: bytes(random.choices(range(256), k=300)),
    lambda random: "".join(random.choices(string.printable, k=300)).encode(),
)
_IN_PLACE: tuple[Callable[[Path], None], ...] = (
    os.mkfifo,
    lambda path: path.mkdir(),
    lambda path: path.symlink_to("/dev/zero"),
    lambda path: path.symlink_to("/dev/stdin"),
    lambda path: path.symlink_to("/proc/self/mem"),
    lambda path: path.symlink_to(path.name),
    lambda path: path.symlink_to("/nowhere"),
)
