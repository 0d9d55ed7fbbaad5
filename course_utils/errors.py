"""Defines CourseError, the exception for learners. Its message says what is wrong, why, and what to do."""


class CourseError(Exception):
    """A problem that the learner can solve. A notebook shows only the message, without the traceback."""

    def _render_traceback_(self):
        return [f"\x1b[31mStopped:\x1b[0m {self}"]
