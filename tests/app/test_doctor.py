"""The doctor: findings for people and for machines, and a patient who may crash."""

import json

import pytest

from app import doctor
from app.command_line import run


@pytest.fixture
def healthy(monkeypatch):
    """A machine on which the probes answer at once."""

    def asked(code, environment=None):
        if code is doctor.DEVICES:
            return [{"platform": "cpu", "kind": "cpu"}]
        return {"platform": "xcb", "vendor": "V", "renderer": "R", "version": "4.6"}

    monkeypatch.setattr(doctor, "_asked", asked)
    monkeypatch.setattr(doctor, "_missing", list)
    monkeypatch.setattr("app.command_line.display.has_display", lambda: True)
    monkeypatch.setattr(doctor, "breaks_python", lambda *_: False)


def test_a_healthy_machine_needs_nothing(healthy, capsys):
    assert run(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["advice"] == []
    assert found["opengl"]["renderer"] == "R"
    assert found["packages"]["numpy"]
    assert run(["doctor"]) == 0
    assert "Nothing is missing" in capsys.readouterr().out


def test_missing_libraries_come_with_the_exact_command(healthy, monkeypatch):
    monkeypatch.setattr(doctor, "_missing", lambda: ["EGL", "xcb-cursor"])
    (advice,) = doctor.examine()["advice"]
    assert advice.endswith("sudo apt-get install libegl1 libxcb-cursor0")


@pytest.mark.parametrize(
    ("opengl", "words"),
    [
        ({"renderer": "llvmpipe (LLVM 15)", "version": "4.5", "vendor": "Mesa"}, "software"),
        ({"platform": "xcb"}, "--software-gl"),
        ({"error": "xcb is missing"}, "xcb is missing"),
    ],
)
def test_software_opengl_and_no_opengl_are_told_apart(opengl, words, healthy, monkeypatch):
    devices = [{"platform": "cpu", "kind": "cpu"}]
    monkeypatch.setattr(
        doctor, "_asked", lambda code, _=None: devices if code is doctor.DEVICES else opengl
    )
    found = doctor.examine()
    assert words in found["advice"][0]
    assert words in doctor.in_words(found)


@pytest.mark.parametrize(
    ("pyside", "python", "breaks"),
    [
        ("6.12.0", (3, 11), True),
        ("6.12.1", (3, 11), True),
        ("6.11.3", (3, 11), False),
        ("6.12.0", (3, 12), False),
        (None, (3, 11), False),
    ],
)
def test_the_pyside_that_breaks_python_is_known(pyside, python, breaks):
    assert doctor.breaks_python(pyside, python) is breaks


def test_a_probe_that_crashes_does_no_harm():
    found = doctor._asked("import os; os.abort()")
    assert "error" in found


def test_a_probe_that_hangs_is_left(monkeypatch):
    monkeypatch.setattr(doctor, "PATIENCE", 0.2)
    assert "no answer" in doctor._asked("import time; time.sleep(60)")["error"]


def test_a_probe_runs_without_a_display():
    found = doctor._asked(doctor.OPENGL, {"QT_QPA_PLATFORM": "offscreen"})
    assert found.get("platform") == "offscreen"
