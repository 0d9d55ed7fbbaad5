"""Tests lesson 19's pictures: squares to one scale, cards on the law, and the uses that licences allow."""

import re

import pytest
from pages import Page

from course_utils import law, licences, opened, openness


def sides(html):
    """Returns the sides of the squares in pixels. A square inside another one follows it in the list."""
    pairs = re.findall(r"width:(\d+)px;height:(\d+)px", html)
    assert all(width == height for width, height in pairs)
    return [int(width) for width, _ in pairs]


def test_the_area_of_a_square_is_its_amount():
    picture = opened.squares({"one": 100, "two": 25, "three": 1}, unit="GB", title="Three")
    assert sides(picture.html) == [140, 70, 14]
    assert picture.alt == "one: 100 GB; two: 25 GB; three: 1 GB"


def test_a_part_is_a_square_inside_to_the_same_scale():
    picture = opened.squares(
        {"mixture": 100, "dense": 25}, unit="billion", inside={"mixture": 25}, inside_label="at work"
    )
    assert sides(picture.html) == [140, 70, 70]
    assert picture.alt == "mixture: 100 billion, of which 25 at work, 25%; dense: 25 billion"
    small = opened.squares({"plain": 500}, unit="GB", inside={"plain": 0.6}, inside_label="kept")
    assert small.alt == "plain: 500 GB, of which 0.6 kept, 0.1%"


def test_both_squares_are_labelled_on_the_square_and_below_the_picture():
    picture = opened.squares(
        {"one": 500}, unit="GB", label="without saving", inside={"one": 50}, inside_label="kept"
    )
    text = " ".join(Page(picture.html).text.split())
    assert "50 GB kept" in text and "10% of 500 GB without saving" in text
    assert "Light: without saving. Dark: kept." in text
    assert picture.alt == "one: 500 GB without saving, of which 50 kept, 10%"


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="above zero"):
        opened.squares({"nothing": 0}, unit="GB")
    with pytest.raises(ValueError, match="larger than its amount"):
        opened.squares({"one": 1}, unit="GB", inside={"one": 2}, inside_label="at work")
    with pytest.raises(ValueError, match="no fact"):
        opened.law_cards([])


def test_a_card_has_the_fact_its_date_where_to_check_it_and_when_it_was_read():
    fact = law.facts()["literacy"]
    picture = opened.law_cards([fact], title="A <title>")
    for part in (fact.since, fact.text, fact.basis, fact.read):
        assert part in picture.alt
    assert f'href="{fact.source}"' in picture.html and "eur-lex.europa.eu</a>" in picture.html
    assert "A &lt;title&gt;" in picture.html and fact.read in picture.html


def test_the_wall_of_uses_puts_models_with_the_same_answers_in_one_row_the_fewest_first():
    families = openness.later().values()
    uses = {"Europe": licences.USES[-1], "sell": "sell a product built on it"}
    picture = opened.uses_wall(families, uses, title="May they?")
    Page(picture.html).assert_survives_the_sanitiser()
    lines = picture.alt.splitlines()
    assert lines[0] == "May they?"
    assert "Llama 4. yes, with conditions: sell; no: Europe." in lines
    assert "Nemotron 3 Nano. not read: Europe, sell." in lines
    rows = [line.partition(". yes")[0].partition(". not read")[0].split(", ") for line in lines[1:]]
    assert sorted(sum(rows, [])) == sorted(model.title for model in families)
    assert [len(row) for row in rows] == sorted(len(row) for row in rows) and len(rows[-1]) > 10
    assert picture.html.count('title="not read"') == 2


def test_the_narrow_wall_counts_each_model_s_open_marks():
    picture = opened.openness_wall(openness.later().values(), narrow=True)
    counted = dict(re.findall(r"(?:: |, )([^,]+?) (\d+)(?=, |\.$)", picture.alt.splitlines()[-1]))
    for model in openness.later().values():
        assert int(counted[model.title]) == [mark.mark for mark in model.marks.values()].count("open")
    row = Page(picture.html).text.partition("open marks")[2]
    assert "".join(re.findall(r"\d", row)) == "".join(counted.values())
