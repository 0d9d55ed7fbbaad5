"""Functions that turn numbers and strings into a `Picture` for a lesson. None of them needs a model."""

from .charts import bars, grid, histogram, lines
from .intervals import intervals
from .matrix import matrix, scorecard
from .picture import Picture, from_figure, style
from .tables import table
from .text import compare_next_tokens, next_tokens, probability_strip, token_rows, tokens

__all__ = [
    "Picture",
    "bars",
    "compare_next_tokens",
    "from_figure",
    "grid",
    "histogram",
    "intervals",
    "lines",
    "matrix",
    "next_tokens",
    "probability_strip",
    "scorecard",
    "style",
    "table",
    "token_rows",
    "tokens",
]
