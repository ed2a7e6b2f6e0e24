"""What a system offers to those who know only its declarations."""

import pytest

from engine.core.system import identity
from engine.systems.swarms.kuramoto import Kuramoto
from engine.systems.swarms.vicsek import Vicsek


def test_a_preset_changes_what_it_names_and_nothing_else():
    name, values = Vicsek.presets[0].name, Vicsek.presets[0].values
    changed = Vicsek(n=256).preset(name)
    assert changed == Vicsek(n=256).replace(**values)


def test_an_unknown_preset_is_refused_in_words():
    with pytest.raises(ValueError, match=r"no preset 'lokced': it has .*Did you mean 'locked'\?"):
        Kuramoto().preset("lokced")


def test_an_id_is_the_name_of_the_file():
    assert identity(Kuramoto) == identity(Kuramoto()) == "kuramoto"
