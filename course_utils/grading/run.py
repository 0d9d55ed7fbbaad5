"""Grading from end to end: `course grade`."""

import hashlib
import importlib.util
import os
import sys
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from tqdm import tqdm

from course_utils.errors import CourseError
from course_utils.grading import assignment as assignments
from course_utils.grading import intake
from course_utils.grading.judge import CODE, Judge
from course_utils.grading.record import Records
from course_utils.grading.sandbox import Sandbox

LOOK = 5  # seconds after which a cluster is asked whether it is still there


def grade(
    name: str,
    submissions: str | Path,
    out: str | Path,
    workers: int | None = None,
    seconds: float | None = None,
    isolated: bool = True,
    cold: bool = False,
    memory: int = 4 * 2**30,
    dask: str | None = None,
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
    dask : the address of a Dask scheduler, whose workers grade instead of this machine
    Returns all results, also those of earlier goes, without the students' work, in the order of their names.
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
            sandbox = {"isolated": isolated, "cold": cold, "memory": memory}
            if dask is not None:
                from course_utils.grading.cluster import on_cluster

                place = on_cluster(dask, assignment, sandbox, seconds)
            else:
                place = _on_this_machine(workers, assignment, sandbox, seconds)
            return _grade_all(assignment, handed, records, place, seconds)
    except Timeout:
        raise CourseError(f"Another `course grade` is at work in {folder}: wait for its end.") from None


def _grade_all(assignment, handed, records, place, seconds):
    keys = {each.student: _key(assignment, each, seconds) for each in handed}
    left = [each for each in handed if (records.read(each.student) or {}).get("key") != keys[each.student]]
    if left:
        with (
            place as (start, most),
            tqdm(total=len(handed), initial=len(handed) - len(left), unit="", file=sys.stderr) as bar,
        ):
            for result in _results(left, start, most):
                records.keep({"key": keys[result["student"]]} | result)
                bar.update()
    return records.finish(keys)


def _results(submissions, start, most):
    """Each one's result as it comes. `most()` says how many may have been started and not come back."""
    left, started = submissions[::-1], set()
    while left or started:
        room = max(1, most())
        while left and len(started) < room:
            started.add(start(left.pop()))
        done, started = wait(started, timeout=LOOK, return_when=FIRST_COMPLETED)
        yield from (each.result() for each in done)


@contextmanager
def _on_this_machine(workers, assignment, sandbox, seconds):
    """What starts the grading of one submission, and what says how many to start."""
    workers = workers or os.cpu_count() or 1
    with Sandbox(assignment.prelude, **sandbox) as opened, ThreadPoolExecutor(workers) as pool:
        judge = Judge(assignment, opened, seconds)
        judge.prepare()
        try:
            yield lambda submission: pool.submit(judge.grade, submission), lambda: 2 * workers
        finally:
            pool.shutdown(cancel_futures=True)


def _key(assignment, submission, seconds):
    """A hash of all that a result hangs on: both notebooks, the limit, and this package's own code."""
    return hashlib.sha256(f"{assignment.key} {submission.key} {seconds} {CODE}".encode()).hexdigest()


def summary(results: list[dict], out: str | Path) -> str:
    """A few lines on how it went: how many, the mean, each task's share, who has a problem."""
    graded = [each for each in results if not each["problem"]]
    lines = [f"{len(results)} submissions, {len(graded)} graded."]
    earlier = sum(not each["now"] for each in results)
    if earlier:
        lines[0] += f" {earlier} of them came earlier, and not this time."
    if graded:
        most = graded[0]["max"]
        lines[0] += f" Mean {sum(each['score'] for each in graded) / len(graded):.1f} of {most:g} points."
        for number, task in enumerate(graded[0]["tasks"]):
            mine = [each["tasks"][number] for each in graded]
            if waiting := sum(each["waits"] for each in mine):
                lines.append(f"  {task['task']}: {waiting} answers to be read in formgrader")
            else:
                share = sum(each["score"] for each in mine) / max(1e-9, sum(each["points"] for each in mine))
                lines.append(f"  {task['task']}: {share:.0%} of {task['points']:g} points")
    for problem, count in Counter(each["problem"] for each in results if each["problem"]).most_common():
        who = [each["student"] for each in results if each["problem"] == problem]
        lines.append(f"{', '.join(who[:5])}{' …' if count > 5 else ''}: {problem}")
    lines.append(f"grades.csv, feedback/ and gradebook.db are in {out}.")
    return "\n".join(lines)
