"""The one exception that learners meet: a sentence that says what, why and what to do next."""


class CourseError(Exception):
    """Something the learner can act on. A notebook shows the sentence alone, without the traceback."""

    def _render_traceback_(self):
        return [f"\x1b[31mStopped:\x1b[0m {self}"]
