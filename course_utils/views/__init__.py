"""Functions that turn numbers and strings into a `Picture` for a lesson. None of them needs a model."""

from .attention import attention_heads, attention_map, logit_lens, patch_grid
from .cache import cache_growth
from .charts import bars, grid, histogram, lines
from .course_map import course_map
from .denoising import denoising_strip, picture_grid, picture_strip, word_maps
from .intervals import against_truth, intervals
from .licences import clauses, licence_matrix
from .low_rank import low_rank
from .matrix import matrix, scorecard
from .picture import Picture, from_figure, style
from .ranking import ranking
from .routing import reach, routing
from .speech import alignment, decoding, player, spectrogram, waveform
from .tables import table
from .text import compare_next_tokens, next_tokens, probability_strip, token_rows, tokens
from .watermark import green_tokens

__all__ = [
    "Picture",
    "against_truth",
    "alignment",
    "attention_heads",
    "attention_map",
    "bars",
    "cache_growth",
    "clauses",
    "compare_next_tokens",
    "course_map",
    "decoding",
    "denoising_strip",
    "from_figure",
    "green_tokens",
    "grid",
    "histogram",
    "intervals",
    "licence_matrix",
    "lines",
    "logit_lens",
    "low_rank",
    "matrix",
    "next_tokens",
    "patch_grid",
    "picture_grid",
    "picture_strip",
    "player",
    "probability_strip",
    "ranking",
    "reach",
    "routing",
    "scorecard",
    "spectrogram",
    "style",
    "table",
    "token_rows",
    "tokens",
    "waveform",
    "word_maps",
]
