"""Tests that docs/mutants.md and mutants.toml fit the solutions.

A mutant is a solution with one small change. `make mutants` counts how many mutants the checks reject.
"""

import pytest
from exercises_table import cells_of, question_above, tasks_of
from mutants import PAGE, ROW, known_by_task, mutants_of, page_of, sections_of

from course_utils import catalog


@pytest.mark.parametrize("lesson", catalog.lessons())
def test_the_page_has_every_task_and_the_list_only_changes_that_are_made(lesson):
    cells, rows, known = cells_of("solutions", lesson), [], known_by_task()
    for task in tasks_of(cells):
        made = [mutant.change for mutant in mutants_of(cells[task].source)]
        listed = known.pop((lesson[:2], task), {}).keys()
        assert listed <= set(made), f"{task}: mutants.toml has {listed - set(made)}"
        rows.append((question_above(cells, task), len(made)))
    assert not [task for number, task in known if number == lesson[:2]], "mutants.toml has another task"
    section = sections_of(PAGE.read_text(encoding="utf-8")).get(lesson[:2], "")
    kept = [(found[1], int(found[2])) for found in ROW.finditer(section)]
    assert kept == rows, f"run tests/mutants.py {lesson[:2]}: docs/mutants.md is out of step with it"


def test_the_page_has_the_sum_of_its_rows():
    kept = PAGE.read_text(encoding="utf-8")
    assert page_of(sections_of(kept)) == kept
