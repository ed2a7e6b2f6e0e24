import pytest

from app.theme import mathematics
from app.theme.mathematics import formula, latex, lines, picture


@pytest.mark.parametrize(
    ("symbol", "source"),
    [
        ("γ", r"\gamma"),
        ("r₀", "r_{0}"),
        ("Δt", r"\Delta t"),
        ("n_max", r"n_{\mathrm{max}}"),
        ("v₀", "v_{0}"),
        ("τ", r"\tau"),
        ("ρ", r"\rho"),
        ("N", "N"),
        ("s_φ", r"s_{\varphi}"),
        ("η̂", r"\hat{\eta}"),
        ("Σ|x|²", r"\Sigma |x|^{2}"),
        ("x₀²", "x_{0}^{2}"),
        ("xᵢⱼ", "x_{ij}"),
        (r"\kappa", r"\kappa"),
        ("purity", r"\mathrm{purity}"),
    ],
)
def test_symbols_in_unicode_become_latex(symbol, source, qapp):
    assert latex(symbol) == source
    assert formula(source, 14.0, "#000000") is not None


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_a_formula_has_the_pixels_of_its_screen(ratio, qapp):
    made = formula(r"\eta_0", 14.0, "#ffffff")
    drawn = picture(r"\eta_0", 14.0, "#ffffff", ratio)
    assert drawn.devicePixelRatio() == ratio
    assert drawn.width() == round(made.width * ratio)


def test_a_letter_stands_on_its_baseline(qapp):
    letter = formula("K", 14.0, "#ffffff")
    with_foot = formula(r"\gamma", 14.0, "#ffffff")
    assert letter.depth == pytest.approx(mathematics.MARGIN)
    assert with_foot.depth > letter.depth + 1  # the descender of a γ of 14 px is about 3 px


def test_a_formula_is_drawn_once(qapp):
    assert picture("K_c", 13.0, "#123456", 1.0) is picture("K_c", 13.0, "#123456", 1.0)


def test_what_cannot_be_set_is_none(qapp):
    assert formula(r"\frac{1", 14.0, "#000000") is None
    assert picture(r"\frac{1", 14.0, "#000000", 1.0) is None


def test_a_long_formula_breaks_at_pauses_relations_and_sums(qapp):
    source = r"a=b\,(c+d)+\left(e-f\right),\qquad x_{i+j}=\frac{y-z}{w}"
    whole = formula(source, 14.0, "#000000").width
    assert lines(source, 14.0, "#000000", whole + 1) == [source]
    broken = lines(source, 14.0, "#000000", 0.4 * whole)
    assert len(broken) >= 2
    assert broken[-1] == r"x_{i+j}=\frac{y-z}{w}"
    for line in broken:  # no bracket is torn
        assert line.count("(") == line.count(")")
        assert line.count("{") == line.count("}")
        assert formula(line, 14.0, "#000000") is not None


def test_every_formula_of_the_gallery_can_be_set_and_broken(qapp):
    from engine.systems import gallery

    for name, cls in gallery().items():
        for equation in cls.equations:
            for line in lines(equation.latex, 14.0, "#000000", 200.0):
                assert formula(line, 14.0, "#000000") is not None, (name, line)
