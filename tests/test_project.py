"""The project itself: versions, pins, what is on the top level, what a wheel holds."""

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement


ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "CITATION.cff",
    "LICENSE",
    "Makefile",
    "README.md",
    "app",
    "benchmarks",
    "constraints.txt",
    "docs",
    "engine",
    "pyproject.toml",
    "resources",
    "tests",
}


def tracked() -> list[str]:
    """Every file that git keeps, seen from the top level."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    exact = [
        re.fullmatch(r"([\w.-]+)==([\w.]+)(?: ?;.*)?", line) for line in lines if line[0] != "#"
    ]
    assert all(exact), "constraints.txt holds a line that is not name==version"
    return {plain(match[1]): match[2] for match in exact if match}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_qt_keeps_its_references_to_none(qtbot):
    # PySide6 6.12.0 on Python 3.11 loses one reference to None at every call that returns nothing,
    # and aborts after some 25 000 of them: within seconds of a live view.
    from PySide6.QtWidgets import QWidget

    widget = QWidget()
    qtbot.addWidget(widget)
    before = sys.getrefcount(None)
    for _ in range(1000):
        widget.update()
    # The loss was exactly 1 a call. What else runs meanwhile holds and drops a few hundred at most.
    assert abs(sys.getrefcount(None) - before) < 500


def test_qt_is_held_below_6_12_on_python_3_11():
    assert tuple(map(int, pins()["pyside6-essentials"].split(".")[:2])) < (6, 12)
    assert any("<6.12" in each and "< '3.12'" in each for each in PROJECT["dependencies"])


def test_constraints_name_exact_versions_and_no_address():
    assert pins()
    assert "://" not in (ROOT / "constraints.txt").read_text("utf-8")


def test_constraints_pin_all_that_is_installed_and_needed():
    wanted, seen = {"manyscope"}, set()
    while wanted:
        name = wanted.pop()
        seen.add(name)
        extra = {"extra": "dev" if name == "manyscope" else ""}
        for each in map(Requirement, metadata.requires(name) or ()):
            if each.marker is None or each.marker.evaluate(extra):
                wanted |= {plain(each.name)} - seen
    assert seen - {"manyscope"} <= pins().keys()


def test_one_version_is_told_everywhere():
    version = PROJECT["version"]
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] in (version, "Unreleased")
    assert cited is not None
    assert cited[1] == version


def test_the_top_level_stays_tidy():
    assert {name.partition("/")[0] for name in tracked()} <= TOP_LEVEL


@pytest.mark.parametrize("name", PROJECT["license-files"])
def test_licences_come_along(name):
    assert (ROOT / name).stat().st_size > 1000


def test_no_file_names_a_place_of_one_machine():
    # Written apart, so that this file passes its own test.
    forbidden = re.compile(
        "|".join(("/ro" + "ot/", "/ho" + "me/", "/wo" + "rk/", "file:/" + "/", "index-" + "url"))
    )
    found = []
    for name in tracked():
        if Path(name).suffix in (".ttf", ".png", ".ico", ".npz", ".npy"):
            continue
        text = (ROOT / name).read_text("utf-8", errors="replace")
        found += [f"{name}: {line.strip()}" for line in text.splitlines() if forbidden.search(line)]
    assert not found


def test_the_wheel_holds_the_program_and_its_resources(tmp_path):
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    subprocess.run(
        [*pip, "--no-deps", "--no-build-isolation", "--no-index", "-w", tmp_path, ROOT],
        check=True,
        cwd=tmp_path,
    )
    (wheel,) = tmp_path.glob("manyscope-*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    for name in tracked():
        if name.startswith(("app/", "engine/")):
            assert name in held
        elif name.startswith("resources/"):
            assert f"engine/{name}" in held
    assert {name.partition("/")[0] for name in held} == {
        "app",
        "engine",
        f"manyscope-{PROJECT['version']}.dist-info",
    }


def test_setup_names_the_package_that_is_missing_without_python(tmp_path):
    # A machine whose only Python is too old, and whose user may not install anything.
    (tmp_path / "python3").write_text("#!/bin/sh\necho Python 3.9.2\nexit 1\n")
    (tmp_path / "python3").chmod(0o755)
    for tool in ("bash", "dirname", "id", "env"):
        real = subprocess.run(["which", tool], capture_output=True, text=True, check=True)
        (tmp_path / tool).symlink_to(real.stdout.strip())
    here = tmp_path / "checkout" / ".ci"
    here.mkdir(parents=True)
    (here / "setup").write_text((ROOT / ".ci" / "setup").read_text("utf-8"))

    told = subprocess.run(
        [tmp_path / "bash", here / "setup", "run"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert told.returncode == 1
    assert "needs Python 3.11 or newer; python3 here is Python 3.9.2" in told.stderr
    assert "apt-get install python3.11" in told.stderr
