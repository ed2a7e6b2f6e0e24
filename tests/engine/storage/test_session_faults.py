"""Session files that nobody should trust: each fault is one sentence, and nothing is executed."""

import base64
import io
import json
import os
import pickle
import random
import time
import zipfile
import zlib

import jax
import msgspec
import numpy as np
import pytest

from engine.core.simulation import Simulation
from engine.replaying import replay
from engine.storage.archives import array_bytes
from engine.storage.session_schema import encode
from engine.storage.sessions import Session, SessionError, from_text, to_text
from engine.systems.swarms.coulomb_gas import CoulombGas
from engine.systems.swarms.kuramoto import Kuramoto


MUTANTS = 10_000
TEXTS = 5_000


def played():
    running = Simulation(Kuramoto(n=16), seed=1).run(5).set(coupling=4.0).poke("scatter").run(5)
    running.restart(seed=2).run(3).back_to(7).set(noise=0.5).run(4)
    return running


ORIGIN = played()
SESSION = Session.of(ORIGIN, window={"camera": [1.0, 2.0], "note": "α"})


def file_of(session=SESSION, path=None):
    path = path or f"/tmp/manyscope-{os.getpid()}.manyscope"
    session.save(path)
    with open(path, "rb") as file:  # noqa: PTH123
        content = file.read()
    os.unlink(path)  # noqa: PTH108
    return content


CONTENT = file_of()


def zipped(members, **about):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **about) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def members():
    with zipfile.ZipFile(io.BytesIO(CONTENT)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def changed(**fields):
    """The JSON of the session with other values, given by their paths."""
    raw = json.loads(encode(SESSION.document))
    for path, value in fields.items():
        *way, last = path.split("__")
        place = raw
        for name in way:
            place = place[int(name) if name.isdecimal() else name]
        place[int(last) if last.isdecimal() else last] = value
    return json.dumps(raw)


def opened(text, stop=lambda: False):
    """From a text to a simulation: everything that reads the session."""
    return replay(from_text(text), stop=stop)


def refusal(read):
    """Whether it is refused, in a sentence, and not otherwise."""
    try:
        read()
    except InterruptedError:
        return False
    except SessionError as error:
        return sentence_in(error)
    return False


def sentence_in(error):
    words = str(error)
    return words.endswith((".", "?")) and "\n" not in words and len(words) < 600


def late():
    """Whether two seconds have gone: a replay of 10⁶⁰ steps is not waited for."""
    began = time.monotonic()
    return lambda: time.monotonic() - began > 2


def sentence(error):
    assert sentence_in(error.value), str(error.value)


def test_ten_thousand_mutated_files_are_opened_or_refused_in_a_sentence():
    chance = random.Random(1)
    began, refused = time.perf_counter(), 0
    for _ in range(MUTANTS):
        data = bytearray(CONTENT)
        match chance.randrange(5):
            case 0:  # bytes turned
                for _ in range(chance.randrange(1, 8)):
                    data[chance.randrange(len(data))] = chance.randrange(256)
            case 1:  # cut off
                del data[chance.randrange(len(data)) :]
            case 2:  # a piece left out
                start = chance.randrange(len(data))
                del data[start : start + chance.randrange(1, 200)]
            case 3:  # a piece twice
                start = chance.randrange(len(data))
                data[start:start] = data[start : start + chance.randrange(1, 200)]
            case 4:  # an insertion
                place = chance.randrange(len(data))
                data[place:place] = chance.randbytes(chance.randrange(1, 50))
        refused += refusal(lambda data=data: Session.parse(bytes(data)))
    assert refused > MUTANTS / 2
    assert time.perf_counter() - began < 60


def test_mutated_json_is_opened_or_refused_in_a_sentence():
    """Past the checksums of the zip: what a mutation of the JSON itself does."""
    chance = random.Random(2)
    text, refused = to_text(SESSION), 0
    tokens = ["0", "-1", "1e999", "null", "[]", "{}", '""', "true", str(2**70), "0.5", '"x"']
    for _ in range(TEXTS):
        data = list(text)
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(data))
            match chance.randrange(3):
                case 0:
                    data[place] = chr(chance.randrange(32, 127))
                case 1:
                    del data[place : place + chance.randrange(1, 12)]
                case 2:
                    data[place : place + chance.randrange(0, 3)] = chance.choice(tokens)
        refused += refusal(lambda data=data: from_text("".join(data)))
    assert refused > TEXTS / 2


def test_what_passes_the_parser_is_replayed_or_refused_in_a_sentence():
    """Well-formed JSON of wrong content, in every place of it."""
    chance = random.Random(3)
    raw = json.loads(to_text(SESSION))
    wrong = [0, -1, 1, 10**6, 2**60, 0.5, 1e300, "", "coupling", None, [], {}, [1], True]

    def places(node, way=()):
        pairs = (
            node.items()
            if isinstance(node, dict)
            else enumerate(node)
            if isinstance(node, list)
            else ()
        )
        for key, value in pairs:
            yield (*way, key)
            yield from places(value, (*way, key))

    refused = 0
    for way in places(raw):
        if way[0] == "window" or way in (("release",), ("physics",)):
            continue
        for value in chance.sample(wrong, 3):
            other = json.loads(json.dumps(raw))
            node = other
            for key in way[:-1]:
                node = node[key]
            node[way[-1]] = value
            refused += refusal(
                lambda other=other: replay(from_text(json.dumps(other)), stop=late())
            )
    assert refused > 50


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "It is damaged, or no zip file at all"),
        (b"PK", "It is damaged, or no zip file at all"),
        (zipped({"readme.txt": "hello"}), r"It holds 'readme.txt', which does not belong there"),
        (zipped({}), "It is a zip file without a session in it"),
        (zipped({"session.json": "{"}), "It holds no readable JSON"),
        (zipped({"session.json": "[" * 100_000}), "It holds no readable JSON|not as a session"),
        (zipped({"session.json": b"\xff\xfe"}), "It holds no readable JSON"),
        (zipped({"session.json": "{}"}), "It is not as a session should be: .*manyscope"),
        (zipped({"session.json": '{"manyscope": "1"}'}), "It is not as a session should be"),
        (zipped({"session.json": '{"manyscope": 0}'}), "schema 0 was never used"),
        (
            zipped({"session.json": '{"manyscope": 99, "surprise": 1}'}),
            r"written by a newer Manyscope \(schema 99; this one reads up to 1\): update",
        ),
    ],
)
def test_what_is_no_session_is_refused_in_a_sentence(content, words):
    with pytest.raises(SessionError, match=words) as error:
        Session.parse(content)
    sentence(error)


@pytest.mark.parametrize(
    "name", ["../../evil.npy", "/etc/passwd", "state/../../x.npy", "C:\\x.npy", "state/0.py"]
)
def test_a_path_that_climbs_is_refused(name, tmp_path):
    with pytest.raises(SessionError, match="which does not belong there"):
        Session.parse(zipped(members() | {name: b"x"}))
    assert list(tmp_path.iterdir()) == []


def test_a_bomb_is_not_unpacked():
    bomb = zipped(members() | {"state/9.npy": b"\0" * 2**20}, compression=zipfile.ZIP_DEFLATED)
    # Its directory says that it is 2 GiB: refused at once, by its word.
    huge = bomb.replace((2**20).to_bytes(4, "little"), (2**31 - 1).to_bytes(4, "little"))
    assert huge != bomb
    with pytest.raises(SessionError, match="more than are read"):
        Session.parse(huge)
    # JSON of 128 MiB in 128 KiB; and one that lies about how large it is.
    large = zipped({"session.json": b" " * 2**27}, compression=zipfile.ZIP_DEFLATED)
    assert len(large) < 2**18
    with pytest.raises(SessionError, match="134217728 bytes"):
        Session.parse(large)
    liar = large.replace((2**27).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    with pytest.raises(SessionError, match="damaged"):
        Session.parse(liar)
    many = zipped({f"state/{k}.npy": b"" for k in range(5000)})
    with pytest.raises(SessionError, match="holds 5000 files, more than 4096"):
        Session.parse(many)


def test_a_packed_array_of_a_text_is_not_unpacked_beyond_measure():
    bomb = base64.b85encode(zlib.compress(b"\0" * 2**28)).decode()
    with pytest.raises(SessionError, match="carries a damaged array: open the session file"):
        from_text(changed(arrays={"asset/0.npy": bomb}))


def test_two_members_of_a_name_are_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("session.json", "{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("session.json", "{}")
    with pytest.raises(SessionError, match="twice"):
        Session.parse(file.getvalue())


class Evil:
    def __reduce__(self):
        return os.mkdir, ("/tmp/manyscope-was-here",)


def test_a_pickle_is_never_opened(tmp_path):
    file = io.BytesIO()
    np.save(file, np.array([Evil()], dtype=object), allow_pickle=True)
    for data in (file.getvalue(), pickle.dumps(Evil())):
        with pytest.raises(SessionError, match="array"):
            Session.parse(zipped(members() | {"state/0.npy": data}))
    assert not os.path.exists("/tmp/manyscope-was-here")  # noqa: PTH110


def test_an_array_that_is_smaller_than_it_says_is_refused_and_nothing_is_made():
    honest = array_bytes(np.zeros(16, np.float32))
    for shape in (b"(10000000000000,)", b"(-16,), "):
        data = honest.replace(b"(16,), }" + b" " * (len(shape) - 5), shape + b", }", 1)
        assert data != honest
        with pytest.raises(SessionError, match=r"has a(n array of another size| damaged array)"):
            Session.parse(zipped(members() | {"state/0.npy": data}))


def test_a_state_that_does_not_fit_is_replayed_instead():
    """The timeline is the truth; a state only saves time."""
    wanted = [np.asarray(leaf) for leaf in jax.tree.leaves(ORIGIN.present)]
    for spoilt in (
        {"state/0.npy": np.full(16, np.nan, np.float32)},
        {"state/0.npy": np.zeros(17, np.float32)},
        {"state/0.npy": np.zeros(16, np.int8)},
        {f"state/{len(wanted) - 1}.npy": np.int32(3)},
    ):
        running = replay(Session(SESSION.document, SESSION.arrays | spoilt))
        leaves = jax.tree.leaves(running.present)
        assert all(np.array_equal(a, b) for a, b in zip(leaves, wanted, strict=True))
    arrays = {name: a for name, a in SESSION.arrays.items() if name != "state/1.npy"}
    assert replay(Session(SESSION.document, arrays)).position == ORIGIN.position


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"system": "kuramoot"}, "'kuramoot', which is not here: .*Did you mean 'kuramoto'"),
        ({"system": "x" * 10_000}, "which is not here"),
        ({"run__values__couplng": 1.0}, "has no parameter 'couplng'.*Did you mean 'coupling'"),
        ({"run__values__coupling": "strong"}, "has 'strong' where 'coupling' is a number"),
        ({"run__values__coupling": None}, "has None where 'coupling' is a number"),
        ({"run__values__n": 2.5}, "n = 2.5 is not an array size: give an int from 16 up"),
        ({"run__values__n": 10**12}, "n = 1000000000000: at most .* is opened from a file"),
        ({"run__values__law": "Poisson"}, "law = 'Poisson' is unknown: choose from"),
        (
            {"run__values__coupling": {"array": "state/0.npy"}},
            "array where 'coupling' is one value",
        ),
        ({"run__branches__0__events__0__1": 99}, "events of its branch 0 are in no order"),
        ({"run__branches__1__parent": 5}, "branch 1 grows from nowhere"),
        ({"run__branches__1__parent": None}, "branch 1 grows from nowhere"),
        ({"run__branches__1__first": 7}, "branch 1 leaves at a place that never was"),
        ({"run__branches__0__parent": 0}, "timeline has no beginning"),
        ({"run__branches": []}, "timeline has no beginning"),
        ({"run__position": [7, 0, 0]}, "saved on a branch that it does not have"),
        ({"run__position": [1, 3, 3]}, "cannot be replayed .*never was at step 3"),
        ({"run__position": [0, 10**9, 0]}, "cannot be replayed .*has no step 1000000000"),
        ({"run__seed": 2**80}, "not as a session should be"),
        ({"run__branches__0__events__0": ["run", 5]}, "not as a session should be"),
        ({"run__branches__0__events__1__2": "__init__"}, "unknown poke, '__init__'"),
        ({"run__branches__0__events__1__3": [[0], [0], 1, 1]}, "no hand for its poke 'scatter'"),
        ({"run__branches__0__events__0": ["grow", 5, {"coupling": 3}]}, "'coupling' grow"),
        ({"run__branches__0__events__0": ["set", 5, {"nope": 3}]}, "has no parameter 'nope'"),
        ({"surprise": 1}, "not as a session should be: .*surprise"),
        ({"window": [1]}, "not as a session should be"),
    ],
)
def test_wrong_content_is_refused_in_a_sentence(fields, words):
    with pytest.raises(SessionError, match=words) as error:
        opened(changed(**fields))
    sentence(error)


def test_a_hand_of_another_dimension_is_refused():
    running = Simulation(CoulombGas(n=16), seed=1).run(1)
    text = to_text(Session.of(running))
    raw = json.loads(text)
    raw["run"]["branches"][0]["events"] = [["poke", 1, "stir", [[0, 0, 0], [0, 0, 0], 1, 1], 0]]
    raw["run"]["position"][2] = 1
    with pytest.raises(SessionError, match="cannot be replayed"):
        opened(json.dumps(raw))


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path):
    with pytest.raises(SessionError, match=r"none.manyscope cannot be read: No such file"):
        Session.load(tmp_path / "none.manyscope")
    with pytest.raises(SessionError, match="cannot be read"):
        Session.load(tmp_path)
    (tmp_path / "a.manyscope").write_bytes(b"PK")
    with pytest.raises(SessionError, match=r"^a.manyscope cannot be opened\. It is damaged"):
        Session.load(tmp_path / "a.manyscope")


def test_a_replay_can_be_ended():
    raw = json.loads(to_text(SESSION))
    raw["run"]["branches"][0]["end"] = 10**9
    raw["run"]["position"] = [0, 10**9, 3]
    with pytest.raises(InterruptedError):
        replay(from_text(json.dumps(raw)), stop=lambda: True)


def test_the_window_saves_plain_words_only():
    with pytest.raises(TypeError, match="must be plain words"):
        Session.of(ORIGIN, window={"view": object()})
    assert SESSION.with_window({"k": 1}).window == {"k": 1}
    assert isinstance(SESSION.document, msgspec.Struct)
