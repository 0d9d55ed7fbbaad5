"""Tests the facts on the law: each has a date, a source, and the kinds of readers that the fact concerns.

Sources that were not read must be listed.
"""

import re
from datetime import date

import pytest

from course_utils import CourseError, catalog, law, licences


@pytest.mark.parametrize("fact", law.facts().values(), ids=law.facts())
def test_a_fact_is_dated_and_can_be_checked(fact):
    assert re.fullmatch(r"20\d\d(-\d\d){0,2}", fact.since)
    assert date.fromisoformat(fact.read) <= date.today()
    assert fact.basis in catalog.BASES and fact.source.startswith("https://")
    assert fact.group in law.groups() and fact.who and set(fact.who) <= set(law.readers())
    assert fact.text[-1] in '."' and fact.text.count('"') % 2 == 0
    # A fact that was read in a copy says where the copy is.
    assert bool(fact.copy) == (fact.basis == "read in a secondary copy")


def test_every_kind_of_reader_and_every_group_has_facts():
    for who in law.readers():
        assert law.facts(who=who), who
    for group in law.groups():
        assert law.facts(group=group), group
    assert list(law.facts(who="work", group="act")) == ["literacy", "deepfakes"]
    order = [list(law.groups()).index(fact.group) for fact in law.facts().values()]
    assert order == sorted(order)


def test_a_licence_that_is_said_to_leave_europe_out_does():
    named = [fact for fact in law.facts(group="licences").values() if "licences.find" in fact.copy]
    assert len(named) == 2
    for fact in named:
        (name,) = re.findall(r'find\("(.*)"\)', fact.copy)
        assert any("European Union" in clause.quote for clause in licences.find(name).about("where you are"))


def test_what_was_not_read_says_where_it_can_be_read():
    assert len(law.not_read()) >= 5
    for entry in law.not_read():
        assert entry.what and entry.where.startswith("https://") and entry.why.endswith(".")


def test_an_unknown_reader_or_group_gets_one_sentence():
    with pytest.raises(CourseError, match="There is no 'judge' in .* choose one of share, "):
        law.facts(who="judge")
    with pytest.raises(CourseError, match="There is no 'tax' in .* choose one of act, "):
        law.facts(group="tax")
