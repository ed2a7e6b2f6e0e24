"""What is cited is what the bibliography confirms, and nothing else."""

from engine.core.about import references


def test_names_keep_their_particles():
    assert references()["debruyne2023coulomb"].who == "De Bruyne et al."
    assert references()["sakaguchi1986"].short == (
        "Sakaguchi & Kuramoto, Progress of Theoretical Physics 76, 576–581 (1986)"
    )


def test_a_missing_field_stays_empty():
    source = references()["vicsek1995"]
    assert source.doi == "10.1103/PhysRevLett.75.1226"
    assert source.arxiv == ""


def test_bibtex_is_whole_and_holds_no_notes_of_ours():
    for source in references().values():
        assert source.bibtex.startswith("@")
        assert source.bibtex.endswith("}")
        for own in ("keywords", "annote", "unconfirmed"):
            assert own not in source.bibtex
