"""Functions that turn numbers and strings into a `Picture` for a lesson. None of them needs a model."""

from course_utils.views.charts import bars, histogram, intervals, lines
from course_utils.views.drawings import layer_drawing, mixture_drawing, model_drawing, speech_drawing
from course_utils.views.picture import Picture, from_figure, style
from course_utils.views.strips import picture_grid, picture_strip
from course_utils.views.tables import table
from course_utils.views.text import compare_next_tokens, probability_strip, token_rows, tokens

__all__ = [
    "Picture",
    "bars",
    "compare_next_tokens",
    "from_figure",
    "histogram",
    "intervals",
    "layer_drawing",
    "lines",
    "mixture_drawing",
    "model_drawing",
    "picture_grid",
    "picture_strip",
    "probability_strip",
    "speech_drawing",
    "style",
    "table",
    "token_rows",
    "tokens",
]
