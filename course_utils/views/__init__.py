"""Pictures for the lessons: from numbers and strings to a `Picture`, knowing nothing of models."""

from .attention import attention_heads, attention_map, logit_lens, patch_grid
from .cache import cache_growth
from .charts import bars, grid, histogram, lines
from .intervals import against_truth, intervals
from .licences import clauses, licence_matrix
from .matrix import matrix, scorecard
from .picture import Picture, from_figure, style
from .routing import reach, routing
from .tables import table
from .text import compare_next_tokens, next_tokens, probability_strip, token_rows, tokens

__all__ = [
    "Picture",
    "against_truth",
    "attention_heads",
    "attention_map",
    "bars",
    "cache_growth",
    "clauses",
    "compare_next_tokens",
    "from_figure",
    "grid",
    "histogram",
    "intervals",
    "licence_matrix",
    "lines",
    "logit_lens",
    "matrix",
    "next_tokens",
    "patch_grid",
    "probability_strip",
    "reach",
    "routing",
    "scorecard",
    "style",
    "table",
    "token_rows",
    "tokens",
]
