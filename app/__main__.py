"""The program: `manyscope`, or `python -m app`."""

import sys


def main() -> None:
    from app.command_line import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
