"""Tests `course freshness`: dated facts of tables and texts, their age, and when a fact is too old."""

import json
from datetime import date

import pytest

from course_utils import CourseError, blueprints, catalog, freshness, law, licences, openness
from course_utils.__main__ import main
from course_utils.freshness import DatedFact


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Returns an empty course folder, in which a test can write texts. The tables are still the real ones."""
    monkeypatch.setattr(catalog, "course_folder", lambda: tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "notebooks").mkdir()
    return tmp_path


def test_every_table_with_a_day_is_listed():
    found = {fact.what for fact in freshness.facts()}
    assert {f"openness {name}" for name in openness.later()} <= found
    assert {f"licence {name}" for name in licences.later()} <= found
    assert {f"law {name}" for name in law.facts()} <= found
    assert "index successor_read" in found
    # These two files state dates in sentences, not in a table.
    where = {fact.where for fact in freshness.facts()}
    assert {"notebooks/13_cost_and_hardware.ipynb", "docs/places.md"} <= where
    days = [fact.read for fact in freshness.facts()]
    assert days == sorted(days)


def test_a_note_of_the_catalogue_is_listed_with_its_table():
    notes = [fact.what for fact in freshness.facts(["llama-3.2-community"])]
    assert notes == ["llama-3.2-community: Read at commit a9c89c4 of 15 July 2025"]


def test_facts_without_a_day_are_counted():
    missing = freshness.undated()
    assert missing["openness"] == len(openness.models()) and missing["licence"] == len(licences.all())
    assert "law" not in missing


def test_a_text_says_when_it_was_read(folder):
    (folder / "docs" / "prices.md").write_text(
        "The list of 3 May 2025 is long. Born on 4 May 2025.\n"
        "Prices: a shop, 5 June 2025; read 6 June 2025.\n"
    )
    cell = {"source": ["x = 1  # as of 7 July 2025"], "outputs": [{"text": "read 8 July 2025"}]}
    (folder / "notebooks" / "18_x.ipynb").write_text(json.dumps({"cells": [cell]}))
    found = [fact for fact in freshness.facts() if not fact.where.startswith("course_utils")]
    assert [(str(fact.read), fact.where) for fact in found] == [
        ("2025-05-03", "docs/prices.md"),
        ("2025-06-05", "docs/prices.md"),
        ("2025-06-06", "docs/prices.md"),
        ("2025-07-07", "notebooks/18_x.ipynb"),
    ]
    assert found[-1].what == "x = 1 # as of 7 July 2025"


@pytest.mark.parametrize(
    ("read", "today", "old"),
    [
        ("2026-05-27", "2026-11-27", False),
        ("2026-05-26", "2026-11-27", True),
        ("2026-08-31", "2027-02-28", False),
        ("2026-08-31", "2027-03-01", True),
        ("2025-12-31", "2026-06-30", False),
    ],
)
def test_six_months_are_counted_by_the_calendar(read, today, old):
    fact = DatedFact("a", "b", date.fromisoformat(read))
    assert fact.is_older(6, date.fromisoformat(today)) is old


def test_the_status_says_whether_a_fact_is_too_old(capsys):
    newest = max(fact.read for fact in freshness.facts(["law"]))
    call = ["freshness", "law", "--fail-after-months", "6", "--on"]
    assert main([*call, str(newest)]) == 0
    assert capsys.readouterr().err == ""
    assert main([*call, f"{newest.year + 1}-{newest.month:02}-01"]) == 1
    out, error = capsys.readouterr()
    assert "law gpai-open" in out and "facts are more than 6 months old" in error
    assert main(["freshness", "law"]) == 0


def test_json_has_each_age(capsys):
    assert main(["freshness", "--json", "--on", "2026-12-07", "licence flux-dev"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "what": "licence flux-dev",
            "where": "course_utils/catalog/licences.toml",
            "read": "2026-11-27",
            "days": 10,
        }
    ]


def test_a_day_that_is_none_and_a_word_that_no_fact_has(monkeypatch):
    with pytest.raises(CourseError, match="No dated fact has 'weather'"):
        freshness.facts(["weather"])
    real = catalog.read
    monkeypatch.setattr(
        catalog, "read", lambda file: {"x": {"read": "soon"}} if file == "licences.toml" else real(file)
    )
    with pytest.raises(CourseError, match="x in course_utils/catalog/licences.toml has read = 'soon'"):
        freshness.facts()


def test_each_entry_is_of_lesson_19_or_of_the_lessons_before():
    counts = freshness.by_lesson()
    later = len(blueprints.later()) + len(openness.later()) + len(licences.later()) + len(law.facts())
    assert counts["lesson 19"] == (later, 0)
    assert [sum(column) for column in zip(*counts.values(), strict=True)] == [
        sum(column) for column in zip(*freshness.by_kind().values(), strict=True)
    ]


def test_counts_by_kind_are_those_of_the_tables():
    counts = freshness.by_kind()
    assert counts["licence"] == (len(licences.later()), len(licences.all()))
    assert counts["law"] == (len(law.facts()), 0)
    assert freshness.undated()["licence"] == len(licences.all()) and "law" not in freshness.undated()
