"""Grades every answer of answers.toml, right and wrong: `python tests/grade_answers.py 07 08`.

Right answers must get all points. A wrong answer must lose points, and its feedback must name the mistake.
This program is a command and not a test because each lesson takes a minute.
"""

import sys

from exercises_table import answers_of

from course_utils import catalog
from course_utils.grading import assignment as assignments
from course_utils.grading import trial
from course_utils.grading.judge import Judge
from course_utils.grading.sandbox import Sandbox


def main(lessons):
    """Grade the answers of each lesson and print those that were misjudged. Return the exit status."""
    wrongs = 0
    for lesson in (name for name in catalog.lessons() if not lessons or name[:2] in lessons):
        assignment = assignments.Assignment(assignments.find(lesson))
        answers = answers_of(lesson)
        right = [each for each in answers if "says" not in each]
        with Sandbox(assignment.prelude) as sandbox:
            found = trial.misjudged(Judge(assignment, sandbox), answers)
        print(f"{lesson}: {len(right)} right, {len(answers) - len(right)} wrong, {len(found)} misjudged")
        print("".join(f"  {text}\n" for text in found), end="", flush=True)
        wrongs += len(found)
    return 1 if wrongs else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
