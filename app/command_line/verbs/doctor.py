"""`manyscope doctor`: what is installed, what draws, and what is missing."""

import argparse
from typing import Any

from app.command_line.reply import reply


HELP = "say what is installed, what draws, and what is missing"


def take(made: argparse.ArgumentParser) -> None:
    """No argument of its own."""


def act(wish: Any) -> None:
    from app.doctor import examine, in_words

    found = examine()
    reply(wish, found, lambda: in_words(found))
