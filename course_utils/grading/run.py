"""Grades all submissions of an assignment: the command `course grade`."""

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

LOOK = 5  # seconds to wait for a result before `most` is asked again


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
    """Grades all submissions of an assignment, except those already graded that have not changed.

    name : a lesson, such as "09", or the instructor's notebook with its solutions
    submissions : a folder, a zip file of an LMS, or a course folder of nbgrader
    out : the folder for the results, which is made if it does not exist
    workers : how many are graded at the same time; by default as many as there are cores
    seconds : limit for one task; by default ten times the time of the instructor's notebook, at least 10
    isolated : False grades without a sandbox: only for code that you trust
    cold : whether each run imports the libraries itself, instead of being forked: much slower
    memory : bytes of memory for each process of a submission
    dask : the address of a Dask scheduler, whose workers grade instead of this machine
    Returns all results, including those of earlier runs, without the students' work, in order of their
    names.
    Raises CourseError if nothing can be graded at all.
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
    """Yields each result as it arrives. `most()` returns how many may run or wait at the same time."""
    left, started = submissions[::-1], set()
    while left or started:
        room = max(1, most())
        while left and len(started) < room:
            started.add(start(left.pop()))
        done, started = wait(started, timeout=LOOK, return_when=FIRST_COMPLETED)
        yield from (each.result() for each in done)


@contextmanager
def _on_this_machine(workers, assignment, sandbox, seconds):
    """Yields two functions, as `cluster.on_cluster` does: `start` and `most`."""
    workers = workers or os.cpu_count() or 1
    with Sandbox(assignment.prelude, **sandbox) as opened, ThreadPoolExecutor(workers) as pool:
        judge = Judge(assignment, opened, seconds)
        judge.prepare()
        try:
            yield lambda submission: pool.submit(judge.grade, submission), lambda: 2 * workers
        finally:
            pool.shutdown(cancel_futures=True)


def _key(assignment, submission, seconds):
    """Returns a hash of all that a result depends on: both notebooks, the limit and the grading code."""
    return hashlib.sha256(f"{assignment.key} {submission.key} {seconds} {CODE}".encode()).hexdigest()


def summary(results: list[dict], out: str | Path) -> str:
    """Returns a summary in a few lines: the counts, the mean, each task's share, and who has a problem."""
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
