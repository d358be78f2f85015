"""Work in a process of its own, with limits on what it may use."""

import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from interpret.core.errors import InterpretError

# What one input may use: seconds of a processor, which other work beside this does not lengthen, and bytes.
MOST_SECONDS, MOST_BYTES = 10, 2**30
# Seconds after which something waits that will not come.
_HANGS = 300
# Longer is no sentence.
_LONGEST = 2000
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Attempt:
    """What came of an input.

    Attributes
    ----------
    fault
        What is wrong with it; empty where nothing is.
    said
        The sentence that it was refused with; empty where it was read.
    seconds
        Of a processor.
    bytes
        By how much the process grew at most.
    """

    fault: str
    said: str = ""
    seconds: float = 0.0
    bytes: int = 0


def attempt(work: Callable[[], object]) -> Attempt:
    """Do some work in a process of its own, divided from this one."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _confined(work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        waited = not select.select([pipe], [], [], _HANGS)[0]
        if waited:
            os.kill(child, signal.SIGKILL)
        content = b"" if waited else pipe.read()
    _, status = os.waitpid(child, 0)
    if waited:
        return Attempt(f"nothing came of it in {_HANGS} seconds")
    if not content:
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        if killed == signal.SIGXCPU:
            return Attempt(f"it took more than {MOST_SECONDS} seconds of a processor")
        return Attempt(f"the process ended by itself ({killed or os.WEXITSTATUS(status)})")
    found = json.loads(content)
    return Attempt(_excess(found["bytes"]) or found["fault"], found["said"], found["seconds"], found["bytes"])


def _excess(grown: int) -> str:
    return f"it took {grown >> 20} MB" if grown > MOST_BYTES else ""


def _confined(work: Callable[[], object], writing: int) -> None:
    """Work, tell what came of it, and end."""
    fault = said = ""
    before = 0
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + MOST_SECONDS, resource.RLIM_INFINITY))
        before = _start_to_count()
        began = time.process_time()
        try:
            work()
        except InterpretError as error:
            said = str(error)
            fault = _no_sentence(said)
        except BaseException:
            fault = traceback.format_exc()
        told = {
            "fault": fault[-4000:],
            "said": said[:4000],
            "seconds": time.process_time() - began,
            "bytes": _most() - before,
        }
        os.write(writing, json.dumps(told).encode())
    finally:
        os._exit(0)


def _no_sentence(said: str) -> str:
    if "\n" in said or len(said) > _LONGEST or not said.strip() or "Traceback" in said:
        return f"that is no sentence: {said[:300]!r}"
    try:
        said.encode()
    except UnicodeEncodeError:
        return f"half a character is in the sentence: {said[:300]!r}"
    return ""


def _start_to_count() -> int:
    """Count memory from now on, and keep an input from taking all that the machine has."""
    if sys.platform != "linux":
        return 0
    # Linux counts the most that a process held from here on (proc(5), clear_refs).
    Path("/proc/self/clear_refs").write_text("5")
    used = _value("VmData")
    resource.setrlimit(resource.RLIMIT_DATA, (used + 2 * MOST_BYTES, resource.RLIM_INFINITY))
    return _value("VmRSS")


def _most() -> int:
    return _value("VmHWM") if sys.platform == "linux" else 0


def _value(name: str) -> int:
    line = next(one for one in _STATUS.read_text().splitlines() if one.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
