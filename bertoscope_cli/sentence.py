"""Whatever goes wrong in a command is said in one sentence."""

import os
import sys
from collections.abc import Callable

STATUS = 2
INTERRUPTED = 130


def in_one_sentence(prog: str, work: Callable[[], int]) -> int:
    """Do a command's work; returns its exit status.

    What goes wrong is one line on stderr, and status 2; ``BERTOSCOPE_TRACEBACK=1`` in the environment lets an error
    that nobody foresaw through.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    try:
        # Says so where another project's package has the name of this one's.
        import bertoscope  # noqa: F401

        return work()
    except KeyboardInterrupt:
        return _say(prog, "interrupted", INTERRUPTED)
    except ImportError as error:
        return _say(prog, str(error))
    except OSError as error:
        return _say(prog, f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except Exception as error:
        if _foreseen(error):
            return _say(prog, str(error))
        if os.environ.get("BERTOSCOPE_TRACEBACK"):
            raise
        where = "BERTOSCOPE_TRACEBACK=1 in the environment shows where"
        return _say(prog, f"unexpected {type(error).__name__}: {error}; {where}")


def _foreseen(error: Exception) -> bool:
    from interpret import InterpretError

    return isinstance(error, InterpretError)


def _say(prog: str, sentence: str, status: int = STATUS) -> int:
    print(f"{prog}: {' '.join(sentence.split())}", file=sys.stderr)  # noqa: T201 - to its terminal
    return status
