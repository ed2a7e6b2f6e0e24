"""Runs docs/notebook_example.py and writes its page, with what it printed and drew."""

import contextlib
import io
import os
import re
import runpy
import tempfile
from pathlib import Path


DOCS = Path(__file__).parent
EXAMPLE = DOCS / "notebook_example.py"
MARK = "\x1e"  # printed after each cell, to know which cell said what


def page(script: str) -> str:
    """The page of a script in cells, all of which are run here."""
    cells = re.findall(r"^# %%([^\n]*)\n(.*?)(?=^# %%|\Z)", script, re.DOTALL | re.M)
    code = [cell.strip() for kind, cell in cells if "markdown" not in kind]
    said = iter(output(f"\nprint({MARK!r})\n".join(code)).split(MARK))

    lines: list[str] = []
    for kind, cell in cells:
        if "markdown" in kind:
            lines += [re.sub(r"^# ?", "", line) for line in cell.strip().splitlines()] + [""]
        else:
            lines += ["```python", cell.strip(), "```", ""]
            if words := next(said).strip():
                lines += ["```text", words, "```", ""]
    lines += ["![Order against coupling, and the swarm](pictures/notebook_example.png)"]
    return "\n".join(lines) + "\n"


def output(code: str) -> str:
    """What a script prints."""
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(said):
        script = Path(folder) / EXAMPLE.name
        script.write_text(code, "utf-8")
        runpy.run_path(str(script))
    return said.getvalue()


if __name__ == "__main__":
    os.environ["MPLBACKEND"] = "agg"
    os.chdir(DOCS / "pictures")  # where the example saves its figure
    (DOCS / "notebook_example.md").write_text(page(EXAMPLE.read_text("utf-8")), "utf-8")
