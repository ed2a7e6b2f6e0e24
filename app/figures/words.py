"""Words, symbols and numbers as figures and captions write them."""

import re


RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
LOWER = "₀₁₂₃₄₅₆₇₈₉₊₋ᵢⱼₐₑₕₖₗₘₙₒₚₛₜₓ"
LOWERED = str.maketrans(LOWER, "0123456789+-ijaehklmnopstx")
HATS = {"\u0302": r"\hat", "\u0303": r"\tilde", "\u0304": r"\bar", "\u0307": r"\dot"}


def mathtext(symbol: str) -> str:
    """A symbol as mathematics of matplotlib: `v₀` is $v_{0}$; words stay words."""
    if under := re.fullmatch(r"(\w)_([A-Za-z]{2,})", symbol):
        return rf"${under[1]}_{{\mathrm{{{under[2]}}}}}$"  # `t_end`
    if not symbol or re.search(r"[A-Za-z]{3,}|\s", symbol):
        return symbol
    out = symbol
    for mark, command in HATS.items():
        out = re.sub(f"(.){mark}", lambda m, c=command: f"{c}{{{m[1]}}}", out)
    out = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+", lambda m: "^{" + m[0].translate(RAISED) + "}", out)
    out = re.sub(f"[{LOWER}]+", lambda m: "_{" + m[0].translate(LOWERED) + "}", out)
    out = re.sub(r"_(?!\{)(\w+)", r"_{\1}", out)
    out = re.sub(r"√(\w)", r"\\sqrt{\1}", out)
    out = out.replace("⟨", r"\langle ").replace("⟩", r"\rangle ").replace("−", "-")
    out = out.replace("%", r"\%").replace("#", r"\#").replace("$", r"\$")
    return f"${out}$"


def axis_label(words: str, symbol: str = "", unit: str = "") -> str:
    """`polar order φ (rad)`, the symbol as mathematics, and never the same word twice."""
    shown = mathtext(symbol)
    parts = [words] if not shown or shown == words else [words, shown]
    return " ".join(part for part in parts if part) + (f" ({unit})" if unit else "")


def number(value: float) -> str:
    """A number for a tick or a caption: `1 048 576` has narrow spaces, −1 a true minus."""
    shown = f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e7 else f"{value:.4g}"
    return shown.replace(",", "\u202f").replace("-", "−")
