"""Grades all submissions of an assignment, for the command `course grade`."""

import importlib.util
import os
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout
from tqdm import tqdm

from course_utils.errors import CourseError
from course_utils.grading import assignment as assignments
from course_utils.grading import intake
from course_utils.grading.judge import Judge, key_of
from course_utils.grading.record import Records
from course_utils.grading.result import Result
from course_utils.grading.sandbox import Sandbox
from course_utils.learning import drawn

PAUSE = 5  # seconds to wait for a result before `most` is called again


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
    seed: int | None = None,
    only: Iterable[str] = (),
) -> list[Result]:
    """Grade the submissions of an assignment that are new, or that have changed since they were graded.

    name : a lesson, such as "09", or the instructor's notebook with its solutions
    submissions : a folder, a zip file of an LMS, or a course folder of nbgrader
    out : the folder for the results, which is created if it does not exist
    workers : how many submissions are graded at the same time; by default as many as there are cores
    seconds : the time limit for one task; by default ten times the time of the instructor's notebook, and at
        least 10
    isolated : False grades without a sandbox; use this only for code that you trust
    cold : True imports the libraries again for each run, instead of forking a process that has imported them;
        this is much slower
    memory : bytes of memory for each process of a submission
    dask : the address of a Dask scheduler, whose workers then grade in place of this machine
    seed : with which the hidden inputs are drawn; by default a new one for each call. Each result has it, and
        with it the same grading can be done again
    only : names of students and grade ids of tasks. Only these are graded, even if nothing has changed: the
        named students, or all if none is named; and of their results the named tasks, or all tasks
    Returns all results, including those of earlier runs, without the students' work, sorted by student.
    Raises CourseError if nothing can be graded at all.
    """
    if not importlib.util.find_spec("nbgrader"):
        raise CourseError("Grading needs nbgrader: pip install nbgrader")
    assignment = assignments.Assignment(assignments.find(name))
    handed_in = intake.collect(Path(submissions), assignment.name)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".grading.lock", timeout=0):
            sandbox = {"isolated": isolated, "cold": cold, "memory": memory}
            draws = drawn.new_seed() if seed is None else seed
            if dask is not None:
                from course_utils.grading.cluster import on_cluster

                starter = on_cluster(dask, assignment, sandbox, seconds, draws)
            else:
                starter = _on_this_machine(workers, assignment, sandbox, seconds, draws)
            keys = {one.student: key_of(assignment, one, seconds) for one in handed_in}
            return _grade_changed(handed_in, keys, Records(folder, assignment), starter, seed, set(only))
    except Timeout:
        raise CourseError(f"Another `course grade` is at work in {folder}: wait until it ends.") from None


def _grade_changed(submissions, keys, records, starter, seed, only):
    tasks = only & records.assignment.tasks.keys()
    if unknown := only - tasks - keys.keys():
        raise CourseError(
            f"--only: no student and no task is called {', '.join(sorted(unknown))}. The tasks are "
            f"{', '.join(records.assignment.tasks)}."
        )
    graded = keys.keys() - (only - tasks or keys.keys())
    for student, key in keys.items():
        result = records.read(student)
        if result and result.key == key and seed in (None, result.seed) and not only:
            graded.add(student)
    changed = [submission for submission in submissions if submission.student not in graded]
    if changed:
        with (
            starter as (start, most),
            tqdm(total=len(keys), initial=len(graded), unit="", file=sys.stderr) as bar,
        ):
            for result in _results(changed, start, most):
                records.keep(_with_old_tasks(result, records.read(result.student), tasks))
                bar.update()
    return records.finish(keys)


def _with_old_tasks(result, old, tasks):
    """Return a new result with only these tasks new, or all of them if `tasks` is empty or nothing is old."""
    if not tasks or not old or old.problem or result.problem:
        return result
    kept = {task.task: task for task in old.tasks if task.task not in tasks}
    mixed = tuple(kept.get(task.task, task) for task in result.tasks)
    return replace(result, tasks=mixed, key=old.key)  # with a changed assignment, the next run grades all


def _results(submissions, start, most):
    """Yield each result as soon as it arrives. `most()` returns how many submissions may be in progress."""
    left, started = submissions[::-1], set()
    while left or started:
        room = max(1, most())
        while left and len(started) < room:
            started.add(start(left.pop()))
        done, started = wait(started, timeout=PAUSE, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in done)


@contextmanager
def _on_this_machine(workers, assignment, sandbox, seconds, seed):
    """Yield two functions, `start` and `most`, which are described in `cluster.on_cluster`."""
    workers = workers or os.cpu_count() or 1
    with Sandbox(assignment.prelude, **sandbox) as opened, ThreadPoolExecutor(workers) as pool:
        judge = Judge(assignment, opened, seconds, seed)
        judge.prepare()
        try:
            yield lambda submission: pool.submit(judge.grade, submission), lambda: 2 * workers
        finally:
            pool.shutdown(cancel_futures=True)


def summary(results: list[Result], out: str | Path) -> str:
    """Return a summary in a few lines: counts, the mean, each task's share, and students with a problem."""
    graded = [result for result in results if not result.problem]
    lines = [f"{len(results)} submissions, {len(graded)} graded."]
    earlier = sum(not result.now for result in results)
    if earlier:
        lines[0] += f" {earlier} of them came earlier, and not this time."
    if graded:
        mean = sum(result.score for result in graded) / len(graded)
        lines[0] += f" Mean {mean:.1f} of {graded[0].points:g} points."
        for tasks in zip(*(result.tasks for result in graded), strict=True):
            if waiting := sum(task.waits for task in tasks):
                lines.append(f"  {tasks[0].task}: {waiting} answers to be read in formgrader")
            else:
                share = sum(task.score for task in tasks) / max(1e-9, sum(task.points for task in tasks))
                lines.append(f"  {tasks[0].task}: {share:.0%} of {tasks[0].points:g} points")
    problems = Counter(result.problem for result in results if result.problem)
    for problem, count in problems.most_common():
        students = [result.student for result in results if result.problem == problem]
        lines.append(f"{', '.join(students[:5])}{' …' if count > 5 else ''}: {problem}")
    lines.append(f"grades.csv, feedback/ and gradebook.db are in {out}.")
    return "\n".join(lines)
