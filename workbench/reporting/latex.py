"""Text for LaTeX: every special character escaped, the field's symbols as formulas, so that any engine sets it."""

import re

from workbench.reporting.inline import CODE, SUBSCRIPT, SUPERSCRIPT

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}",
}  # fmt: skip

SYMBOLS = {
    "×": r"$\times$", "∝": r"$\propto$", "≤": r"$\leq$", "≥": r"$\geq$", "±": r"$\pm$", "−": r"$-$", "–": "--",
    "…": r"\ldots{}", "“": "``", "”": "''", "’": "'", "·": r"$\cdot$", "√": r"$\surd$", "Σ": r"$\Sigma$",
    "α": r"$\alpha$", "β": r"$\beta$", "γ": r"$\gamma$", "δ": r"$\delta$", "η": r"$\eta$", "θ": r"$\theta$",
    "λ": r"$\lambda$", "μ": r"$\mu$", "σ": r"$\sigma$", "τ": r"$\tau$", "L̂": r"$\hat{L}$", "→": r"$\rightarrow$",
    "²": r"\textsuperscript{2}", "³": r"\textsuperscript{3}",
}  # fmt: skip

RAISED = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"
_EXPONENT = re.compile(f"(?<=10)[{RAISED}]+")
_ANY = re.compile("|".join(re.escape(one) for one in sorted((*SPECIAL, *SYMBOLS), key=len, reverse=True)))


def text(source: str) -> str:
    """Escaped text; `code` between backticks in a typewriter's letters."""
    parts = CODE.split(source)
    return "".join(rf"\texttt{{{_escaped(part)}}}" if i % 2 else _prose(part) for i, part in enumerate(parts))


def _prose(source: str) -> str:
    """Escaped, with N_opt and C^a as formulas; these are taken out first, since escaping would break them."""
    formulas: list[str] = []

    def keep(formula: str) -> str:
        formulas.append(formula)
        return f"\x00{len(formulas) - 1}\x00"

    source = source.replace("\x00", "")
    kept = SUBSCRIPT.sub(lambda m: keep(rf"${m[1]}_\mathrm{{{m[2]}}}$"), source)
    kept = SUPERSCRIPT.sub(lambda m: keep(f"${m[1]}^{m[2]}$"), kept)
    kept = _EXPONENT.sub(lambda m: keep(f"$^{{{m[0].translate(_LOWERED)}}}$"), kept)
    return re.sub(r"\x00(\d+)\x00", lambda m: formulas[int(m[1])], _escaped(kept))


_LOWERED = str.maketrans(RAISED, "-0123456789")


def _escaped(source: str) -> str:
    return _ANY.sub(lambda m: SPECIAL.get(m[0]) or SYMBOLS[m[0]], source)
