"""The program: `manyscope`, or `python -m app`."""

import io
import sys


def main() -> None:
    from app.command_line import run
    from engine.core.threads import leave_a_core

    leave_a_core()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # not every console has φ
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
