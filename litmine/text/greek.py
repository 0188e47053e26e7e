"""The names of Greek letters, as authors spell them out."""

_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi"
    " chi psi omega"
)
# Other forms of small letters, which have no capital of their own.
_VARIANTS = {"ς": "sigma", "µ": "mu", "ϵ": "epsilon", "ϕ": "phi"}
_LETTERS = dict(zip("αβγδεζηθικλμνξοπρστυφχψω", _NAMES.split(), strict=True))
# By small letter.
GREEK_NAMES = _LETTERS | _VARIANTS
# By letter, small or capital.
GREEK_NAMES_OF_ALL = GREEK_NAMES | {letter.upper(): name for letter, name in _LETTERS.items()}
