"""Grading from end to end: `course grade`."""

import hashlib
import importlib.util
import os
import sys
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from filelock import FileLock, Timeout
from tqdm import tqdm

import course_utils
from course_utils.errors import CourseError
from course_utils.grading import assignment as assignments
from course_utils.grading import intake
from course_utils.grading.judge import Judge
from course_utils.grading.record import Records
from course_utils.grading.sandbox import Sandbox


def grade(
    name: str,
    submissions: str | Path,
    out: str | Path,
    workers: int | None = None,
    seconds: float | None = None,
    isolated: bool = True,
    cold: bool = False,
    memory: int = 4 * 2**30,
) -> list[dict]:
    """Grade all submissions of an assignment; what was graded before and has not changed stays.

    name : a lesson, such as "09", or the instructor's notebook with its solutions
    submissions : a folder, a zip file of an LMS, or a course folder of nbgrader
    out : the folder for the results: made where there is none
    workers : how many are graded at the same time; by default as many as there are cores
    seconds : how long one task may take; by default ten times the instructor's whole notebook, at least 10
    isolated : False grades without a sandbox, code that is trusted
    cold : without copies of a process that has imported the libraries: much slower
    memory : bytes for one process of a submission
    Returns all results, without the students' work, in the order of their names.
    Raises CourseError where nothing can be graded at all.
    """
    if not importlib.util.find_spec("nbgrader"):
        raise CourseError("Grading needs nbgrader: pip install nbgrader")
    assignment = assignments.Assignment(assignments.find(name))
    handed = intake.collect(Path(submissions), assignment.name)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".grading.lock", timeout=0):
            records = Records(folder, assignment)
            sandbox = Sandbox(assignment.prelude, isolated, cold, memory)
            return _grade_all(assignment, handed, records, sandbox, workers, seconds)
    except Timeout:
        raise CourseError(f"Another `course grade` is at work in {folder}: wait for its end.") from None


def _grade_all(assignment, handed, records, sandbox, workers, seconds):
    keys = {each.student: _key(assignment, each, seconds) for each in handed}
    names = list(keys)
    left = [each for each in handed if (records.read(each.student) or {}).get("key") != keys[each.student]]
    if left:
        with sandbox:
            judge = Judge(assignment, sandbox, seconds)
            judge.prepare()

            def one(submission):
                try:
                    result = judge.grade(submission)
                except CourseError:  # nothing can be graded any more
                    raise
                except Exception as error:  # a mistake of ours must cost nobody else a result
                    traceback.print_exc()
                    submission.problem = (
                        f"The grader itself failed ({type(error).__name__}): tell your instructor."
                    )
                    result = judge.grade(submission)
                    keys[submission.student] = ""
                records.keep(result | {"key": keys[submission.student]})

            with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
                jobs = [pool.submit(one, each) for each in left]
                try:
                    bar = tqdm(total=len(handed), initial=len(handed) - len(left), unit="", file=sys.stderr)
                    with bar:
                        for job in as_completed(jobs):
                            job.result()
                            bar.update()
                finally:
                    for job in jobs:
                        job.cancel()
    records.drop_others(names)
    return records.finish(names)


def _key(assignment, submission, seconds):
    """A hash of all that a result hangs on: both notebooks, the limit, and this package's own code."""
    return hashlib.sha256(f"{assignment.key} {submission.key} {seconds} {_CODE}".encode()).hexdigest()


def _own_code():
    package = Path(course_utils.__file__).parent
    files = sorted([*package.glob("grading/*.py"), *package.glob("learning/check.py")])
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


_CODE = _own_code()


def summary(results: list[dict], out: str | Path) -> str:
    """A few lines on how it went: how many, the mean, each task's share, who has a problem."""
    graded = [each for each in results if not each["problem"]]
    lines = [f"{len(results)} submissions, {len(graded)} graded."]
    if graded:
        most = graded[0]["max"]
        lines[0] += f" Mean {sum(each['score'] for each in graded) / len(graded):.1f} of {most:g} points."
        for number, task in enumerate(graded[0]["tasks"]):
            mine = [each["tasks"][number] for each in graded]
            if task["manual"]:
                lines.append(f"  {task['task']}: {task['points']:g} points, to be given in formgrader")
            else:
                share = sum(each["score"] for each in mine) / max(1e-9, sum(each["points"] for each in mine))
                lines.append(f"  {task['task']}: {share:.0%} of {task['points']:g} points")
    for problem, count in Counter(each["problem"] for each in results if each["problem"]).most_common():
        who = [each["student"] for each in results if each["problem"] == problem]
        lines.append(f"{', '.join(who[:5])}{' …' if count > 5 else ''}: {problem}")
    lines.append(f"grades.csv, feedback/ and gradebook.db are in {out}.")
    return "\n".join(lines)
