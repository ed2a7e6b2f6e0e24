"""The command line: the same models without a window.

A verb imports what it needs and no more: none that works without a window imports Qt, and only
those that run a system import JAX. With `--json` exactly one JSON object goes to standard output;
progress and errors go to standard error. What a person got wrong ends in one line and exit code 2.
"""

import argparse
import contextlib
import difflib
import io
import json
import math
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn


WRONG, FAILED, INTERRUPTED = 2, 1, 130  # exit codes
SERIES = (".npz", ".csv", ".h5")
MAPS = (".npz", ".png", ".pdf", ".svg")
FIGURES = (".pdf", ".svg", ".png", ".tif", ".tiff")
VIDEOS = (".mp4", ".gif")
CLOUDS = (".ply", ".off", ".obj", ".xyz", ".npy")
UNITS = {"mm": 1.0, "cm": 10.0, "in": 25.4, "pt": 25.4 / 72}
MOST_STEPS = 10**9
DEFAULT = "kuramoto"
TRACE = "trace"  # a view of figures that no frame has: the order parameter over time


class Refused(Exception):  # noqa: N818 (it is a sentence)
    """What a person asked for cannot be; the message is one line for them."""


def run(arguments: Sequence[str]) -> int:
    """Do what the command line says; the exit code."""
    try:
        wish = _read(arguments)
        if getattr(wish, "id", None) is not None:
            wish.id = _known(wish.id)  # before anything costly is imported
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


# Arguments


class _Parser(argparse.ArgumentParser):
    """Says in one line what was wrong, with the nearest name."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, allow_abbrev=False, **kw)

    verbs: Mapping[str, argparse.ArgumentParser] = {}

    def error(self, message: str) -> NoReturn:
        found = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
        if found:
            allowed = [name.strip(" '") for name in found[2].split(",")]
            raise Refused(
                f"{found[1]!r} is not a command: choose from {', '.join(allowed)}."
                f"{near(found[1], allowed)}"
            )
        raise Refused(f"{message}; see {self.prog} --help.")


def _read(arguments: Sequence[str]) -> Any:
    """The arguments of the command line; what is left over is refused."""
    parser = _parser()
    wish, extra = parser.parse_known_args(list(arguments))
    if extra:
        verb = parser.verbs.get(wish.verb or "", parser)
        options = [name for name in verb._option_string_actions if name.startswith("--")]
        hint = near(extra[0], options) if extra[0].startswith("-") else ""
        raise Refused(
            f"{extra[0]!r} is not understood: {verb.prog} takes {', '.join(options)}.{hint}"
        )
    return wish


def near(name: str, known: Iterable[str]) -> str:
    """The end of an error: what a wrong name may have meant."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {found[0]!r}?" if found else ""


def _parser() -> _Parser:
    parser = _Parser(
        prog="manyscope",
        description="A live explorer of many-body systems. Without a command: the window.",
    )
    parser.add_argument("--version", action="version", version=f"manyscope {_version()}")
    parser.add_argument("--software-gl", action="store_true", help="draw without the graphics card")
    parser.set_defaults(act=_window, what=None, verb=None)
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", parser_class=_Parser)
    parser.verbs = verbs.choices

    def verb(name: str, act: Callable[[Any], Any], help: str) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=help, description=help)
        made.set_defaults(act=act)
        if name != "open":
            made.add_argument("--json", action="store_true", help="one JSON object, for machines")
        return made

    def model(made: argparse.ArgumentParser, *, steps: int, settle: int | None) -> None:
        made.add_argument("id", metavar="ID", help="a system, see `manyscope list`")
        made.add_argument("--set", nargs="+", action="extend", default=[], metavar="NAME=VALUE")
        made.add_argument("--preset", metavar="NAME")
        made.add_argument("--seed", type=_whole(0, 2**32 - 1), default=0)
        made.add_argument("--steps", type=_whole(0, MOST_STEPS), default=steps)
        if settle is not None:
            made.add_argument("--settle", type=_whole(0, MOST_STEPS), default=settle)

    verb("list", _list, "name all systems")
    described = verb("describe", _describe, "say what a system is and what it takes")
    described.add_argument("id", metavar="ID")

    made = verb("run", _run, "run a system and average what it measures")
    model(made, steps=2000, settle=1000)
    made.add_argument("--every", type=_whole(1, MOST_STEPS), default=1, help="steps a sample")
    made.add_argument("--out", metavar="FILE", help=f"the series, as {', '.join(SERIES)}")

    made = verb("map", _map, "measure a phase diagram over two parameters")
    made.add_argument("id", metavar="ID")
    made.add_argument("--x", metavar="NAME=LOW:HIGH:COUNT")
    made.add_argument("--y", metavar="NAME=LOW:HIGH:COUNT")
    made.add_argument("--observable", metavar="NAME")
    made.add_argument("--set", nargs="+", action="extend", default=[], metavar="NAME=VALUE")
    made.add_argument("--preset", metavar="NAME")
    made.add_argument("--settle", type=_whole(0, MOST_STEPS), default=1000)
    made.add_argument("--measure", type=_whole(1, MOST_STEPS), default=1000)
    made.add_argument("--seeds", type=_whole(1, 10_000), default=4)
    made.add_argument("--width", type=_length, default=86.0)
    made.add_argument("--dpi", type=_number(30, 2400), default=600.0)
    made.add_argument("--out", metavar="FILE", required=True, help=", ".join(MAPS))

    made = verb("figure", _figure, "draw views of a run for print")
    model(made, steps=2000, settle=None)
    made.add_argument("--views", help="comma separated; 'trace' is the order parameter over time")
    made.add_argument("--colour", metavar="NAME", help="which of a swarm's colourings")
    made.add_argument("--style", metavar="NAME", help="the page of a journal: aps, nature, ...")
    made.add_argument("--width", type=_length, help="such as 86mm (the default)")
    made.add_argument("--height", type=_length)
    made.add_argument("--dpi", type=_number(30, 2400))
    made.add_argument("--font", type=_number(3, 48), help="pt")
    made.add_argument("--line", type=_number(0.1, 6), help="pt")
    made.add_argument("--background", choices=("white", "transparent", "dark"), default="white")
    made.add_argument("--anonymous", action="store_true", help="leave the metadata out")
    made.add_argument("--out", metavar="FILE", required=True, help=", ".join(FIGURES))

    made = verb("video", _video, "render a video, step by step")
    model(made, steps=600, settle=0)
    made.add_argument("--every", type=_whole(1, 10**6), default=2, help="steps a frame")
    made.add_argument("--fps", type=_number(1, 240), default=30.0)
    made.add_argument("--size", type=_size, default=(1280, 720), metavar="WIDTHxHEIGHT")
    made.add_argument("--view", metavar="NAME")
    made.add_argument("--out", metavar="FILE", required=True, help=", ".join(VIDEOS))

    made = verb("demo", _demo, "render the default system into a folder: PNG, PDF and MP4")
    made.add_argument("--out", metavar="FOLDER", default="manyscope-out")

    verb("doctor", _doctor, "say what is installed, what draws, and what is missing")

    made = verb("open", _window, "open a system or a file in the window")
    made.add_argument("what", metavar="SYSTEM|FILE")
    made.add_argument("--software-gl", action="store_true", default=argparse.SUPPRESS)
    return parser


def _version() -> str:
    from app.figures.metadata import version

    return version()


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return value

    return read


def _number(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low:g} to {high:g}")
        return value

    return read


def _length(text: str) -> float:
    """A length in mm: 86mm, 8.6cm, 3.4in; a bare number is mm."""
    found = re.fullmatch(r"\s*([0-9.eE+]+)\s*(mm|cm|in|pt)?\s*", text)
    try:
        value = float(found[1]) * UNITS[found[2] or "mm"] if found else math.nan
    except ValueError:
        value = math.nan
    if not 10 <= value <= 2000:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a length from 10 to 2000 mm: write 86mm, 8.6cm or 3.4in"
        )
    return value


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{2,5})\s*[x×]\s*(\d{2,5})", text)
    if not found or not (64 <= int(found[1]) <= 7680 and 64 <= int(found[2]) <= 4320):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no size of a picture: write 1280x720, from 64x64 to 7680x4320"
        )
    return int(found[1]), int(found[2])


# Systems and their values


def identities() -> list[str]:
    """The ids of all systems, from their files alone: no JAX."""
    import engine

    folder = Path(engine.__file__).parent / "systems"
    return sorted(
        file.stem.replace("_", "-")
        for file in folder.glob("*/*.py")
        if not file.stem.startswith("_")
    )


def _known(name: str) -> str:
    known = identities()
    if name not in known:
        plain = name.lower().replace("_", "-")
        if plain in known:
            return plain
        raise Refused(
            f"There is no system {name!r}: choose from {', '.join(known)}.{near(plain, known)}"
        )
    return name


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """The engine's sentences about values are for the person who typed them."""
    try:
        yield
    except FloatingPointError:
        raise
    except (TypeError, ValueError, OSError) as wrong:
        raise Refused(str(wrong)) from wrong


def _system(wish: Any) -> Any:
    """The system as the arguments set it."""
    from engine.core.compilation import keep_compilations
    from engine.systems import gallery

    keep_compilations()
    with _refusing():
        system = gallery()[wish.id]()
        if wish.preset is not None:
            system = system.preset(wish.preset)
        values = _values(system, wish.set)
        return system.replace(**values)


def _values(system: Any, pairs: Sequence[str]) -> dict[str, Any]:
    from engine.core.parameters import declared

    values = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise Refused(f"{pair!r} sets nothing: write name=value, such as --set n=1000.")
        values[name] = _value(system, declared(system, name), text.strip())
    return values


def _value(system: Any, parameter: Any, text: str) -> Any:
    """The value that a word of the command line means for a parameter of this kind."""
    name = parameter.name
    if parameter.choices is not None:
        words = [word.strip() for word in text.split(",")] if parameter.several else [text]
        for word in words:
            if word not in parameter.choices:
                raise Refused(
                    f"{name} = {word!r} is unknown: choose from {', '.join(parameter.choices)}."
                    f"{near(word, parameter.choices)}"
                )
        return tuple(words) if parameter.several else text
    if parameter.kind == "start" and parameter.default is None and parameter.span is None:
        return _asset(system, name, Path(text))
    try:
        value = float(text)
    except ValueError:
        raise Refused(f"{name} = {text!r} is not a number: give one.{_span(parameter)}") from None
    if parameter.kind == "size":
        if not math.isfinite(value) or not value.is_integer():
            raise Refused(f"{name} = {text} is not a whole number: give one.{_span(parameter)}")
        return int(value)
    return value


def _span(parameter: Any) -> str:
    if parameter.span is None:
        return ""
    return f" Usual are {parameter.span[0]:g} to {parameter.span[1]:g}."


def _asset(system: Any, name: str, path: Path) -> Any:
    """An array of the user's, of the shape that the system declares."""
    import typing

    import numpy as np

    if not path.is_file():
        raise Refused(f"{name} = {str(path)!r} is not there: name a file.")
    wanted = ()
    for kind in typing.get_args(typing.get_type_hints(type(system)).get(name)):
        wanted = tuple(getattr(kind, "dim_str", "").split()) or wanted
    if wanted and len(wanted) != 2:
        if path.suffix.lower() != ".npy":
            raise Refused(f"{name} needs an array of {len(wanted)} axes: give a .npy file.")
        try:
            array = np.load(path, allow_pickle=False).astype(np.float32)
        except Exception as wrong:  # whatever the bytes may be
            raise Refused(f"{path} cannot be read as an array of numbers.") from wrong
    else:
        from engine.storage.clouds import read_cloud

        array = read_cloud(path)
    shape = " × ".join(map(str, array.shape))
    fits = not wanted or (
        array.ndim == len(wanted)
        and all(not w.isdigit() or int(w) == n for w, n in zip(wanted, array.shape, strict=True))
    )
    if not fits or not array.size:
        raise Refused(f"{path} holds {shape} numbers: {name} needs {' × '.join(wanted)}.")
    if not np.isfinite(array).all():
        raise Refused(f"{path} holds numbers that are not finite: remove them.")
    import jax.numpy as jnp

    return jnp.asarray(array)


def _target(text: str, suffixes: tuple[str, ...]) -> Path:
    """A file that can be written, found out before the work and not after it."""
    path = Path(text)
    if path.suffix.lower() not in suffixes:
        raise Refused(
            f"{text!r} does not say what to write: end it in {' or '.join(suffixes)}."
            f"{near(path.suffix, suffixes) if path.suffix else ''}"
        )
    from engine.storage.atomic import written

    # A draft is made and removed: permissions lie (to root, on network disks), files do not.
    with _refusing():
        if path.is_dir():
            raise Refused(f"{text!r} is a folder: name a file.")
        with contextlib.suppress(_Enough), written(path):
            raise _Enough
    return path


class _Enough(Exception):  # noqa: N818
    """Leaves `written` before it writes."""


# Speaking


class Progress:
    """How far it is, on standard error: in one line of a terminal, or a line every few seconds."""

    _open = False

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total = what, max(total, 1)
        self._last = time.monotonic()

    def at(self, done: int) -> None:
        now, terminal = time.monotonic(), sys.stderr.isatty()
        if now - self._last < (0.1 if terminal else 5.0) and done < self.total:
            return
        self._last = now
        share = f"{self.what} {100 * done // self.total} %"
        if terminal:
            print(f"\r{share}\x1b[K", end="", file=sys.stderr, flush=True)
            Progress._open = True
        elif done < self.total:
            print(share, file=sys.stderr, flush=True)

    @classmethod
    def end(cls) -> None:
        if cls._open:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            cls._open = False


def _answer(wish: Any, found: dict[str, Any], words: Callable[[], str]) -> None:
    """The result: one JSON object, or words for a person."""
    Progress.end()
    if wish.json:
        from app.figures.metadata import finite

        # In ASCII, for not every pipe takes more.
        print(json.dumps(finite(found), allow_nan=False))
    else:
        print(words())


def _caveats(simulation: Any) -> None:
    for words in simulation.caveats:
        print(f"manyscope: note: {words}", file=sys.stderr)


def _table(rows: Sequence[Sequence[str]], indent: str = "") -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        indent + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


# Verbs


def _list(wish: Any) -> None:
    from engine.systems import family, gallery, title

    found = [
        {"id": name, "title": title(cls), "family": family(cls), "source": _source(cls)}
        for name, cls in gallery().items()
    ]
    rows = [[one["id"], one["title"], one["family"], one["source"]] for one in found]
    _answer(wish, {"systems": found}, lambda: _table(rows))


def _source(system: Any) -> str:
    from engine.core.about import references

    known = references()
    return "; ".join(known[key].short for key in system.sources[:1] if key in known)


def _describe(wish: Any) -> None:
    import inspect

    import jax

    from app.figures.metadata import values_of
    from engine.core.parameters import parameters
    from engine.systems import family, gallery, title

    name = wish.id
    cls = gallery()[name]
    system = cls()
    state = jax.eval_shape(system.init, jax.random.key(0))
    measured = _ordered(system.observables, state)
    derived = _ordered(system.derived, jax.eval_shape(system.observables, state))
    told = {quantity.name: quantity for quantity in cls.quantities}
    found = {
        "id": name,
        "title": title(cls),
        "family": family(cls),
        "text": (inspect.getdoc(cls) or "").partition("\n")[2].strip(),
        "parameters": [
            {
                "name": p.name,
                "kind": p.kind,
                "default": list(p.default) if p.several else p.default,
                "span": None if p.span is None else list(p.span),
                "limits": None if p.limits is None else list(p.limits),
                "choices": None if p.choices is None else list(p.choices),
                "log": p.log,
                "symbol": p.symbol,
                "unit": p.unit,
                "help": p.help,
            }
            for p in parameters(cls).values()
        ],
        "observables": [
            {
                "name": observable,
                "symbol": told[observable].symbol if observable in told else "",
                "derived": observable not in measured,
            }
            for observable in (*measured, *(d for d in derived if d not in measured))
        ],
        "theory": list(_ordered(system.theory)),
        "presets": [
            {
                "name": preset.name,
                "values": {k: values_of(system.preset(preset.name))[k] for k in preset.values},
            }
            for preset in cls.presets
        ],
        "views": list(_ordered(system.frame, state)),
        "source": _source(cls),
    }

    def words() -> str:
        rows = [["", "kind", "default", "span or choices", ""]]
        for p in found["parameters"]:
            span = p["span"] and f"{p['span'][0]:g} to {p['span'][1]:g}"
            choices = ", ".join(p["choices"] or ())
            default = ",".join(p["default"]) if isinstance(p["default"], list) else p["default"]
            words = f"{p['help']} ({p['unit']})" if p["unit"] else p["help"]
            rows.append([p["name"], p["kind"], str(default), span or choices, words])
        return "\n".join(
            [
                f"{found['title']}  ({found['id']}, {found['family']})",
                "",
                found["text"],
                "",
                "Parameters",
                _table(rows, "  "),
                "",
                "Observables: " + ", ".join(one["name"] for one in found["observables"]),
                "Theory of:   " + (", ".join(found["theory"]) or "–"),
                "Presets:     " + (", ".join(one["name"] for one in found["presets"]) or "–"),
                "Views:       " + ", ".join(found["views"]),
                "Source:      " + found["source"],
            ]
        )

    _answer(wish, found, words)


def _ordered(method: Callable[..., dict[str, Any]], *shapes: Any) -> tuple[str, ...]:
    """The names that a method answers with, in the order of its file, without running it."""
    import jax

    names: list[str] = []

    def traced(*arguments: Any) -> Any:
        names.extend(method(*arguments))
        return 0

    jax.eval_shape(traced, *shapes)
    return tuple(names)


class _Recorder:
    """A measurement that also keeps the series it is made of."""

    def __init__(self, measurement: Any) -> None:
        self._measurement = measurement
        self.parts: list[dict[str, Any]] = []

    def add(self, values: Any) -> None:
        import numpy as np

        self.parts.append({name: np.atleast_1d(value) for name, value in values.items()})
        self._measurement.add(values)

    def reset(self) -> None:
        self.parts.clear()
        self._measurement.reset()

    def series(self) -> dict[str, Any]:
        import numpy as np

        names = self.parts[0] if self.parts else ()
        return {name: np.concatenate([part[name] for part in self.parts]) for name in names}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._measurement, name)


def _started(wish: Any, settle: int) -> Any:
    """A simulation that has run `settle` steps."""
    from engine.core.simulation import Simulation

    system = _system(wish)
    with _refusing():
        simulation = Simulation(system, seed=wish.seed)
    _advance(simulation.run, settle, simulation, "settling")
    return simulation


def _advance(
    act: Callable[[int], Any], steps: int, simulation: Any, what: str, unit: int = 1
) -> None:
    """Take steps in pieces of about a second, so that progress shows and Ctrl+C works."""
    progress, done, piece = Progress(what, steps), 0, 64 * unit
    while done < steps and not simulation.done:
        piece = min(piece, steps - done)
        began = time.monotonic()
        act(piece)
        done += piece
        if time.monotonic() - began < 0.5:
            piece *= 2
        progress.at(done)


def _run(wish: Any) -> None:
    import jax

    from app.figures.metadata import metadata_of, values_of

    path = _target(wish.out, SERIES) if wish.out else None
    if wish.steps < wish.every:
        raise Refused(
            f"--steps {wish.steps} has room for no sample: give at least --every {wish.every}."
        )
    simulation = _started(wish, wish.settle)
    if not simulation.done:
        # Compiling is not running: one sample before the clock starts, and back.
        before = simulation.snapshot()
        simulation.measure(wish.every, wish.every)
        simulation.restore(before)
    recorder = _Recorder(simulation.measurement)
    simulation.measurement = recorder
    first, began = simulation.tick, time.perf_counter()
    _advance(
        lambda steps: simulation.measure(steps, wish.every),
        wish.steps // wish.every * wish.every,
        simulation,
        "measuring",
        wish.every,
    )
    if not recorder.parts:  # a picture in which nothing moves
        simulation.measure(0)
    seconds = time.perf_counter() - began
    taken = simulation.tick - first
    device = jax.devices()[0]
    found = {
        "id": wish.id,
        "parameters": values_of(simulation.system),
        "seed": wish.seed,
        "steps": taken,
        "observables": {
            name: estimate._asdict() for name, estimate in simulation.estimates.items()
        },
        "theory": simulation.theory(),
        "seconds": round(seconds, 6),
        "steps_per_second": round(taken / seconds, 3) if taken else 0.0,
        "device": device.platform if device.platform == "cpu" else device.device_kind,
    }
    if path:
        import numpy as np

        series = recorder.series()
        count = len(next(iter(series.values())))
        tick = first + wish.every * np.arange(1, count + 1)
        about = metadata_of(
            simulation.system, seed=wish.seed, tick=simulation.tick, time=simulation.time, views=()
        )
        about |= {"settle": wish.settle, "every": wish.every, "steps": taken}
        about |= {"observables": found["observables"], "theory": found["theory"]}
        with _refusing():
            _write_series(path, {"tick": tick, **series}, about)
    _caveats(simulation)
    _answer(wish, found, lambda: _run_words(found, path))


def _run_words(found: dict[str, Any], path: Path | None) -> str:
    rows = [["", "mean", "error", "theory", "samples"]]
    for name, one in found["observables"].items():
        theory = found["theory"].get(name, math.nan)
        rows.append(
            [
                name,
                f"{one['mean']:.5g}",
                f"{one['error']:.2g}" if math.isfinite(one["error"]) else "unknown",
                f"{theory:.5g}" if math.isfinite(theory) else "–",
                str(one["samples"]),
            ]
        )
    rate = f"{found['steps']} steps in {found['seconds']:.3g} s on {found['device']}"
    return "\n".join([_table(rows), rate, *([f"wrote {path}"] if path else [])])


def _write_series(path: Path, columns: dict[str, Any], about: dict[str, Any]) -> None:
    import numpy as np

    from app.figures.metadata import written_out
    from engine.storage.atomic import written

    said = written_out(about)
    with written(path) as draft:
        match path.suffix.lower():
            case ".npz":
                with draft.open("wb") as file:
                    np.savez_compressed(file, **columns, metadata=np.array(said))
            case ".csv":
                import csv

                with draft.open("w", newline="", encoding="utf-8") as file:
                    file.write(f"# {said}\n")
                    lines = csv.writer(file)
                    lines.writerow(columns)
                    lines.writerows(zip(*(c.tolist() for c in columns.values()), strict=True))
            case _:
                import h5py

                with h5py.File(draft, "w") as file:
                    file.attrs["metadata"] = said
                    for name, values in columns.items():
                        file.create_dataset(name.replace("/", "∕"), data=values)


def _axis(system: Any, text: str, default: Any) -> Any:
    """An axis of a map: name=low:high:count."""
    if text is None:
        return default
    from engine.core.maps import Axis
    from engine.core.parameters import declared

    found = re.fullmatch(r"([^=]+)=([^:]+):([^:]+):([^:]+)", text)
    if not found:
        raise Refused(f"{text!r} is no axis: write name=low:high:count, such as coupling=0:4:32.")
    name, *numbers = found.groups()
    with _refusing():
        parameter = declared(system, name)
    if not parameter.traced or parameter.span is None:
        raise Refused(f"{name} is no number that a map can run through: choose a live parameter.")
    try:
        low, high, count = float(numbers[0]), float(numbers[1]), int(numbers[2])
    except ValueError:
        raise Refused(f"{text!r} is no axis: give two numbers and a whole one.") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise Refused(f"{text!r} runs from {low:g} to {high:g}: the first must be the smaller.")
    if not 1 < count <= 1024:
        raise Refused(f"{text!r} has {count} values: give 2 to 1024.")
    with _refusing():
        parameter.check(low)
        parameter.check(high)
    return Axis(name, low, high, count, parameter.log and low > 0)


def _map(wish: Any) -> None:
    import numpy as np

    path = _target(wish.out, MAPS)
    system = _system(wish)
    from app.figures.metadata import metadata_of, values_of
    from engine.core import maps

    with _refusing():
        x, y = maps.default_axes(system, 32)
        x, y = _axis(system, wish.x, x), _axis(system, wish.y, y)
        if x.name == y.name:
            raise Refused(f"Both axes are {x.name}: a map needs two parameters.")
        observable = maps.measurable(system, wish.observable)
    began = time.perf_counter()
    progress = Progress("mapping", x.count * y.count)
    found = None
    with _refusing():
        for found in maps.fill(
            system, x, y, observable, settle=wish.settle, measure=wish.measure, seeds=wish.seeds
        ):
            progress.at(int(found.measured.sum()))
    assert found is not None
    theory = maps.predicted(system, x, y, observable)
    about = metadata_of(system, seed=0, tick=0, time=0.0, views=("map",))
    about |= {"observable": observable, "settle": wish.settle, "measure": wish.measure}
    about |= {"seeds": wish.seeds, "x": x._asdict(), "y": y._asdict()}
    with _refusing():
        if path.suffix.lower() == ".npz":
            from app.figures.metadata import written_out
            from engine.storage.atomic import written

            arrays = {"x": x.values, "y": y.values, "mean": found.mean, "error": found.error}
            if np.isfinite(theory).any():
                arrays["theory"] = theory
            with written(path) as draft, draft.open("wb") as file:
                np.savez_compressed(file, **arrays, metadata=np.array(written_out(about)))
        else:
            from app.figures.figure import FigureStyle, export_figure

            panel = map_panel(system, found, maps.lines(system, x, y))
            export_figure([panel], path, FigureStyle(width=wish.width, dpi=wish.dpi), about)
    answer = {
        "id": wish.id,
        "parameters": values_of(system),
        "observable": observable,
        "x": x._asdict(),
        "y": y._asdict(),
        "settle": wish.settle,
        "measure": wish.measure,
        "seeds": wish.seeds,
        "file": str(path),
        "seconds": round(time.perf_counter() - began, 3),
    }
    _answer(wish, answer, lambda: f"wrote {path} ({answer['seconds']:.3g} s)")


def map_panel(system: Any, found: Any, lines: dict[str, Any]) -> Any:
    """A phase diagram with the names of its system."""
    from app.figures.panels import MapPanel, parameter_label, quantity_label

    return MapPanel(
        found,
        lines,
        None,
        parameter_label(system, found.x.name),
        parameter_label(system, found.y.name),
        quantity_label(system, found.observable),
    )


def _figure(wish: Any) -> None:
    from app.figures.figure import FigureStyle, export_figure, preset, presets
    from app.figures.metadata import caption, metadata_of
    from engine.systems import title

    path = _target(wish.out, FIGURES)
    changed = {
        name: value
        for name in ("width", "height", "dpi", "font", "line", "background")
        if (value := getattr(wish, name)) is not None
    }
    if wish.style is not None and wish.style not in presets():
        raise Refused(
            f"There is no style {wish.style!r}: choose from {', '.join(presets())}."
            f"{near(wish.style, presets())}"
        )
    with _refusing():
        style = preset(wish.style, **changed) if wish.style else FigureStyle(**changed)
    simulation = _started(wish, 0)
    views = _views(simulation, wish.views)
    panels = _panels(simulation, views, wish)
    about = metadata_of(
        simulation.system,
        seed=wish.seed,
        tick=simulation.tick,
        time=simulation.time,
        views=tuple(views),
    )
    with _refusing():
        export_figure(panels, path, style, None if wish.anonymous else about)
    _caveats(simulation)
    words = caption(about, title(simulation.system))
    answer = {"id": about["id"], "file": str(path), "width": style.width, "dpi": style.dpi}
    answer |= {name: about[name] for name in ("parameters", "seed", "tick", "time", "views")}
    answer |= {"caption": words}
    _answer(wish, answer, lambda: f"wrote {path}\n{words}")


def _views(simulation: Any, asked: str | None) -> list[str]:
    known = [*simulation.views(), TRACE]
    if asked is None:
        return known[:1]
    names = [name.strip() for name in asked.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise Refused(
                f"There is no view {name!r}: choose from {', '.join(known)}.{near(name, known)}"
            )
    if not 0 < len(names) <= 12:
        raise Refused(f"A figure of {len(names)} panels: give 1 to 12 views.")
    return names


def _panels(simulation: Any, views: list[str], wish: Any) -> list[Any]:
    """Run, and the views of where it got to."""
    from app.figures.panels import frame_panels

    of_frame = [name for name in views if name != TRACE]
    if wish.colour is not None:
        frame = simulation.look(views=tuple(of_frame)).frame
        known = list(
            dict.fromkeys(
                name
                for layers in frame.values()
                for layer in layers
                for name in getattr(layer, "colours", ())
            )
        )
        if wish.colour not in known:
            raise Refused(
                f"There is no colouring {wish.colour!r}: choose from {', '.join(known) or 'none'}."
                f"{near(wish.colour, known)}"
            )
    trace = None
    if TRACE in views:
        trace = _traced(simulation, wish.steps)
    else:
        _advance(simulation.run, wish.steps, simulation, "running")
    frame = simulation.look(views=tuple(of_frame)).frame
    drawn = dict(
        zip(
            of_frame,
            frame_panels(simulation.system, frame, of_frame, colouring=wish.colour),
            strict=True,
        )
    )
    return [trace if name == TRACE else drawn[name] for name in views]


def _traced(simulation: Any, steps: int) -> Any:
    """Run, and the order parameter on the way."""
    import numpy as np

    from app.figures.panels import Trace, quantity_label

    recorder = _Recorder(simulation.measurement)
    before = next(iter(simulation.observables.items()))
    simulation.measurement = recorder
    every = max(1, steps // 2000)
    first = simulation.time
    if steps >= every:
        _advance(
            lambda some: simulation.measure(some, every),
            steps // every * every,
            simulation,
            "running",
            every,
        )
        simulation.run(steps % every)
    name = before[0]
    values = np.concatenate([[before[1]], recorder.series().get(name, np.zeros(0))])
    t = first + np.arange(len(values)) * every * float(simulation.system.tick)
    theory = simulation.theory().get(name, math.nan)
    clock = type(simulation.system).clock
    return Trace(
        t,
        values,
        theory if math.isfinite(theory) else None,
        quantity_label(simulation.system, name),
        clock if clock not in simulation.observables else "t",
    )


def _video(wish: Any) -> None:
    from app.figures.video import render_video

    path = _target(wish.out, VIDEOS)
    simulation = _started(wish, wish.settle)
    views = list(simulation.views())
    if wish.view is not None and wish.view not in views:
        raise Refused(
            f"There is no view {wish.view!r}: choose from {', '.join(views)}."
            f"{near(wish.view, views)}"
        )
    frames = wish.steps // wish.every + 1
    progress = Progress("rendering", frames)
    with _refusing():
        made = render_video(
            simulation,
            path,
            steps=wish.steps,
            every=wish.every,
            fps=wish.fps,
            size=wish.size,
            view=wish.view,
            progress=progress.at,
        )
    _caveats(simulation)
    answer = {"id": wish.id, "file": str(path), "frames": made.frames}
    answer |= {"size": list(made.size), "fps": wish.fps, "steps": wish.steps}
    answer |= {"parameters": made.metadata["parameters"], "seed": wish.seed}
    _answer(wish, answer, lambda: f"wrote {path} ({made.frames} frames)")


def _demo(wish: Any) -> None:
    """What the program is for, where there is no display: a figure and a film of the default."""
    folder = Path(wish.out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        raise Refused(
            f"{folder} cannot be made ({wrong.strerror}): name a folder of yours."
        ) from None
    names = [str(folder / f"{DEFAULT}{suffix}") for suffix in (".png", ".pdf", ".mp4")]
    still = ["figure", DEFAULT, "--steps", "1500", "--views", f"circle,{TRACE}", "--out"]
    film = ["video", DEFAULT, "--steps", "1440", "--every", "12", "--out"]
    for name in names:
        # What they would say is not the answer of this verb.
        with contextlib.redirect_stdout(io.StringIO()):
            made = _read([*(film if name.endswith(".mp4") else still), name])
            made.act(made)
    _answer(wish, {"files": names}, lambda: "\n".join(f"wrote {name}" for name in names))


def _doctor(wish: Any) -> None:
    from app.doctor import examine, in_words

    found = examine()
    _answer(wish, found, lambda: in_words(found))


def _window(wish: Any) -> int:
    what = wish.what
    if what is not None:
        path = Path(what)
        if path.is_file():
            what = str(path)
        elif path.is_dir() and what not in identities():
            raise Refused(f"{what} is a folder: name a system or a file.")
        elif path.suffix or path.parent != Path():
            raise Refused(f"{what} is not there: name a system or a file.")
        else:
            what = _known(what)
    if not has_display():
        raise Refused(
            "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set). Without one "
            "work: manyscope list, describe, run, map, figure, video, demo, doctor."
        )
    from app import window

    return window.run(what, software_gl=wish.software_gl)


def has_display() -> bool:
    """Whether a window can open; a platform of Qt that needs no screen counts."""
    if not sys.platform.startswith("linux"):
        return True
    if os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0] in ("offscreen", "minimal", "vnc"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
