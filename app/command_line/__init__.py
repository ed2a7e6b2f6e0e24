"""The command line: the same models without a window.

A verb imports what it needs and no more: none that works without a window imports Qt, and only
those that run a system import JAX. With `--json` exactly one JSON object goes to standard output;
progress and errors go to standard error. What a person got wrong ends in one line and exit code 2.
"""

import os
import sys
from collections.abc import Sequence

from app.command_line.origin import file_of, origin_of
from app.command_line.parser import read
from app.command_line.progress import Progress
from app.command_line.refusal import Refused
from app.command_line.systems import known_id


WRONG, FAILED, INTERRUPTED = 2, 1, 130  # exit codes


def run(arguments: Sequence[str]) -> int:
    """Do what the command line says; the exit code."""
    try:
        wish = read(arguments)
        if getattr(wish, "id", None) is not None:
            file = file_of(wish.id)
            if file is None:
                wish.id = known_id(wish.id)  # before anything costly is imported
            else:
                wish.origin = origin_of(file)
                wish.id = wish.origin.id
        return wish.act(wish) or 0
    except SystemExit as done:  # --help and --version
        return int(done.code or 0)
    except Refused as wrong:
        return _complain(str(wrong), WRONG)
    except FloatingPointError as wrong:
        return _complain(str(wrong), FAILED)
    except KeyboardInterrupt:
        return _complain("interrupted; nothing was written.", INTERRUPTED)
    except BrokenPipeError:
        # The reader has seen enough; Python would complain once more when it closes the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _complain(words: str, code: int) -> int:
    Progress.end()
    print("manyscope: " + " ".join(words.split()), file=sys.stderr)
    return code
