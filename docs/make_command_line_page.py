"""Writes docs/command_line.md from the parser itself; `make pages` runs it."""

import argparse
import os
from pathlib import Path

from app.command_line.parser import parser


PAGE = Path(__file__).parent / "command_line.md"
HEAD = """# The command line

The same models without a window. No command but `open` imports Qt, and none needs a display.

- With `--json` exactly one JSON object goes to standard output; progress and errors go to standard
  error, so that a program can read what it asked for.
- What was asked wrongly ends in one line that says what was wrong, what is allowed and the nearest
  name, and in exit code 2. A run that leaves the numbers ends in 1, an interrupted one in 130.
- A file is written beside its place and renamed when it is whole: nothing half-written is left.
- `--set name=value` takes every kind of parameter, several at once: `--set coupling=2 law=uniform`.
  A parameter that is an array (the `points` of a cloud) takes a file.
- Where a system is asked for, a session (`.manyscope`) or a figure or film of Manyscope does as
  well: the verb goes on from the run in the file. A figure or a film without more options is made
  again, to the same bytes; `replay` runs what was recorded, `extract` prints it.
- The same command gives the same result: noise depends on the seed and the step alone.

```
manyscope run kuramoto --set coupling=2 width=0.5 noise=0 --steps 4000 --json
```

answers

```json
{"id": "kuramoto", "parameters": {"coupling": 2.0, "...": "..."}, "seed": 0, "steps": 4000,
 "observables": {"order": {"mean": 0.7071, "error": 0.0004, "samples": 4000, "last": 0.7068}},
 "theory": {"order": 0.7071}, "seconds": 0.5, "steps_per_second": 8000, "device": "cpu"}
```

An error (a standard error of the mean from block averages, as the window shows) that is not known
yet, and theory where it is silent, are `null`.

`manyscope map` writes `.npz` with the arrays `x`, `y`, `mean[y, x]`, `error[y, x]` and, where there
is one, `theory[y, x]`, beside the metadata.
"""


def page() -> str:
    """All commands with their help, as the parser gives it."""
    os.environ["COLUMNS"] = "96"  # argparse asks the terminal otherwise
    whole = parser()
    (verbs,) = (a for a in whole._actions if isinstance(a, argparse._SubParsersAction))
    parts = [HEAD, "## manyscope\n", "```text", whole.format_help().rstrip(), "```"]
    for name, verb in verbs.choices.items():
        parts += [f"\n## manyscope {name}\n", "```text", verb.format_help().rstrip(), "```"]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
