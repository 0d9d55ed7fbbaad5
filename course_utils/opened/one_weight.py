"""A slider that changes one weight of a model, and the answer of the changed model, for lesson 00."""

from course_utils.views.picture import INK
from course_utils.widgets.asking import Asking
from course_utils.widgets.explorer import given

_FACTORS = [0, 0.25, 0.5, 0.75, 0.9, 1, 1.25, 1.5, 2]


class OneWeight(Asking):
    """Shows a model's answer at a chosen value of one weight, next to the answer with the weight unchanged.

    answer : function (value, question) -> str that sets the weight to `value`, asks the model, and restores
        the weight. If it raises an error, the explorer shows a message.
    current : float, the value of the weight in the model.
    baked : dict from a factor (0.0, 0.25, ... 2.0) to the answer to `prompt` when the weight is `current`
        times this factor, computed beforehand. These answers are shown at once. All other answers are
        computed when they are first needed, and then kept.
    prompt : str, the question asked first.
    """

    def __init__(self, answer, current, baked, prompt):
        self.current = current
        super().__init__(
            lambda factor, question: given(answer, factor * current, question),
            values={f"{factor * current:.3f}": factor for factor in _FACTORS},
            home=1,
            description="value of the weight",
            baked=baked,
            prompt=prompt,
        )

    def heading(self, factor):
        return f'{factor:g} × {self.current:.3f} = <b style="color:{INK}">{factor * self.current:.3f}</b>'

    def named(self, factor):
        return f"weight {factor * self.current:.3f}"
