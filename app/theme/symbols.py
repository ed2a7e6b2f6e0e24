r"""Symbols written in Unicode as LaTeX, for formulas and for papers. Needs no Qt."""

SMALL = (
    r"\alpha \beta \gamma \delta \varepsilon \zeta \eta \theta \iota \kappa \lambda \mu \nu \xi "
    r"\pi \rho \sigma \tau \upsilon \varphi \chi \psi \omega"
)
LARGE = r"\Gamma \Delta \Theta \Lambda \Xi \Pi \Sigma \Phi \Psi \Omega"
OTHER = r"\ell \infty \partial \nabla \surd \langle \rangle \pm \le \ge \cdot \times -"
LETTERS = {
    **dict(zip("αβγδεζηθικλμνξπρστυφχψω", SMALL.split(), strict=True)),
    **dict(zip("ΓΔΘΛΞΠΣΦΨΩ", LARGE.split(), strict=True)),
    **dict(zip("ℓ∞∂∇√⟨⟩±≤≥·×−", OTHER.split(), strict=True)),
}
BELOW = {
    **dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋", "0123456789+-", strict=True)),
    **dict(zip("ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥᵦᵧᵨᵩᵪ", "aeoxhklmnpstijruvβγρφχ", strict=True)),
}
ABOVE = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ", "0123456789+-ni", strict=True))
HATS = {"\u0302": "hat", "\u0304": "bar", "\u0307": "dot", "\u0303": "tilde"}


def latex(symbol: str) -> str:
    r"""The LaTeX of a symbol written in Unicode: `v₀` is `v_{0}`, `n_max` is `n_{\mathrm{max}}`."""
    if "\\" in symbol:
        return symbol
    if " " in symbol or (symbol.isalpha() and symbol.isascii() and len(symbol) > 2):
        return rf"\mathrm{{{symbol.replace(' ', '~')}}}"
    head, _, tail = symbol.partition("_")
    made = _plain(head)
    if tail:
        tail = tail.strip("{}")
        word = tail.isascii() and tail.isalpha() and len(tail) > 1
        made += rf"_{{\mathrm{{{tail}}}}}" if word else f"_{{{_plain(tail)}}}"
    return made


def _plain(text: str) -> str:
    made: list[str] = []  # letters of LaTeX, so that a hat finds the one it stands on
    script = ""
    for letter in text:
        kind = "_" if letter in BELOW else "^" if letter in ABOVE else ""
        if kind != script:
            made.append(("}" if script else "") + (f"{kind}{{" if kind else ""))
            script = kind
        if letter in HATS and made:
            made[-1] = rf"\{HATS[letter]}{{{made[-1].strip()}}}"
        else:
            letter = BELOW.get(letter) or ABOVE.get(letter) or letter
            name = LETTERS.get(letter, letter)
            made.append(f"{name} " if name.startswith("\\") else name)
    return ("".join(made) + ("}" if script else "")).strip()
