"""Pictures for the lessons: from numbers and strings to a `Picture`, knowing nothing of models."""

from .charts import bars, grid, histogram, lines
from .picture import Picture, from_figure, style
from .text import compare_next_tokens, next_tokens, probability_strip, token_rows, tokens

__all__ = [
    "Picture",
    "bars",
    "compare_next_tokens",
    "from_figure",
    "grid",
    "histogram",
    "lines",
    "next_tokens",
    "probability_strip",
    "style",
    "token_rows",
    "tokens",
]
