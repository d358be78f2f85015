"""Tries thousands of hostile inputs, prints a table, and ends with 1 where one of them did harm: ``make attack``."""

import argparse
import sys
from statistics import median

from tests.attack.attack import KINDS, attacks


def main() -> int:
    """Try them."""
    parser = argparse.ArgumentParser(prog="python -m tests.attack")
    parser.add_argument("--count", type=int, default=600, help="of each kind (600)")
    parser.add_argument("--first", type=int, default=0, help="the first one's number (0)")
    parser.add_argument("--kind", choices=KINDS, action="append", help="all unless given")
    given = parser.parse_args()
    faults = 0
    print("kind         inputs  refused   read  faults   median s   most s   most MB")  # noqa: T201
    for kind in given.kind or KINDS:
        tried = []
        for one in attacks(kind, range(given.first, given.first + given.count)):
            tried.append(one.attempt)
            if one.attempt.fault:
                faults += 1
                print(f"\n{kind} {one.number} ({one.name!a}): {one.attempt.fault}", file=sys.stderr)  # noqa: T201
        bad = sum(bool(one.fault) for one in tried)
        refused = sum(bool(one.said) for one in tried)
        seconds = [one.seconds for one in tried]
        print(  # noqa: T201
            f"{kind:12} {len(tried):6} {refused:8} {len(tried) - refused - bad:6} {bad:7} {median(seconds):10.3f} "
            f"{max(seconds):8.2f} {max(one.bytes for one in tried) / 2**20:9.0f}",
            flush=True,
        )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
