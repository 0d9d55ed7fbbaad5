"""Tests the claims of "the article", a magazine article that the course checks.

The tests compare quotations with the article's words, and check our readings of the claims, the verdicts, and
the boxes in which lessons show claims.
"""

import re
import tomllib
from pathlib import Path

import pytest
from lazy import Lazy

from course_utils import CourseError, article, catalog
from course_utils.catalog import BASES, VERDICTS, Claim, Point
from course_utils.learning.claims import box

nbformat = Lazy("nbformat")

ROOT = Path(__file__).parents[2]
LESSONS = {name[:2] for name in catalog.lessons()}
QUOTATIONS = catalog.quotations().values()

NOTEBOOKS = sorted([*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "solutions").glob("*/*.ipynb")])
TEXTS = sorted(
    [
        ROOT / "README.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "course_utils" / "learning" / "questions").glob("*.toml"),
        *(ROOT / "course_utils" / "catalog").glob("*.toml"),
    ]
)
WRITTEN = [*NOTEBOOKS, *TEXTS]
NAMES = [str(path.relative_to(ROOT)) for path in WRITTEN]

# Quoted words that are not the article's, although their sentence names the article or a claim.
NOT_THE_ARTICLE_S = {
    "cannot know": "a verdict",
    "cannot conclude": "an answer of lesson 11",
    "misleading": "a verdict",
    "true": "a verdict",
    "evidence": "a heading of the capstone",
    "below X": "lesson 09's example of a claim",
}


def prose_of(path):
    """Returns the text for readers: a notebook's Markdown and code, a TOML file's texts, or a whole file.

    Removes straight quotation marks from code, because only curly quotation marks enclose quotations there.
    """
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".toml":
        return "\n\n".join(_texts(tomllib.loads(text)))
    if path.suffix == ".ipynb":
        cells = nbformat.reads(text, as_version=4).cells
        return "\n\n".join(
            cell.source if cell.cell_type == "markdown" else cell.source.replace('"', " ") for cell in cells
        )
    return text


def _texts(value, key=""):
    if isinstance(value, str):
        yield value.replace('"', " ") if key == "code" else value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, name)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def quoted_from_the_article(text):
    """Returns the quotations in sentences that name the article or one of its claims."""
    found = []
    text = re.sub(r"`[^`]*`", "", text)  # this removes code
    for sentence in re.split(r"(?<=[.!?:;])\s+|\n\n|\|", text):
        if re.search(r"\b(article|claim \d+)\b", sentence):
            found += re.findall(r"“([^”]+)”", sentence)
            found += re.findall(r'"([^"\n]+)"', sentence)
    return [words.rstrip(".,;:?!") for words in found]


def test_every_claim_is_whole():
    claims = catalog.claims()
    assert claims and claims.keys() <= catalog.quotations().keys()
    for number, claim in claims.items():
        assert claim.number == number and claim.verdict in VERDICTS
        assert claim.words == catalog.quotations()[number]
        assert claim.reading.endswith(".") and "“" not in claim.reading and '"' not in claim.reading
        assert claim.speaks_for or claim.speaks_against, number
        one_sided = not (claim.speaks_for and claim.speaks_against)
        assert bool(claim.one_sided) == one_sided, f"{number}: say why one side alone is fair"
        for point in (*claim.speaks_for, *claim.speaks_against):
            assert point.basis in BASES and point.text.endswith("."), number
            assert bool(point.sources) == (point.basis != "unsourced"), number


def test_a_verdict_fits_its_sides():
    for number, claim in catalog.claims().items():
        if claim.verdict in ("partly true", "mostly true", "outdated", "held once", "opinion"):
            assert claim.speaks_for and claim.speaks_against, number
        if claim.verdict == "true":
            assert claim.speaks_for, number
        if claim.verdict in ("false", "misleading"):
            assert claim.speaks_against, number


def test_every_verdict_is_used_or_goes():
    assert {claim.verdict for claim in catalog.claims().values()} == VERDICTS.keys()


def test_each_claim_is_settled_in_a_lesson_that_there_is():
    for claim in catalog.claims().values():
        assert claim.settled and claim.settled.keys() <= LESSONS, claim.number
        assert all(claim.settled.values()), claim.number
    settled = {int(number) for texts in catalog.read("settled.toml").values() for number in texts}
    assert settled == catalog.claims().keys()


def test_a_lesson_s_claims_are_those_that_name_it():
    for name, lesson in catalog.lessons().items():
        assert lesson.claims == tuple(n for n, claim in catalog.claims().items() if name[:2] in claim.settled)


# Quotations from the article


@pytest.mark.parametrize("path", WRITTEN, ids=NAMES)
def test_what_is_quoted_from_the_article_is_in_it(path):
    """If a sentence names the article or a claim, each quotation in it stands word for word in the article.

    A sentence may also quote the words in NOT_THE_ARTICLE_S.
    """
    for words in quoted_from_the_article(prose_of(path)):
        assert words in NOT_THE_ARTICLE_S or any(words in each for each in QUOTATIONS), words


def test_a_claim_s_texts_quote_its_own_words_or_name_whose_they_are():
    elsewhere = {  # {words from elsewhere: their source}
        "study and modify it": "a use in licences.toml",
        "yes, with conditions": "an answer of the explorer",
        "You are accountable for the Output you generate and its subsequent uses": "RAIL-M, section 6",
        "unknown": "Falcon 180B's metadata",
        "permissive": "Falcon 180B's card",
        "a separate license": "Falcon 40B's card",
        "Built with Meta Llama 3": "the Llama 3 licence",
        "Llama 3": "the Llama 3 licence",
        "exceptional": "claim 44",
    }
    for number, claim in catalog.claims().items():
        points = (*claim.speaks_for, *claim.speaks_against)
        for text in (*claim.settled.values(), *(point.text for point in points), claim.one_sided):
            for words in re.findall(r"“([^”]+)”", text):
                assert words in claim.words or words in elsewhere, (number, words)


@pytest.mark.parametrize("path", WRITTEN, ids=NAMES)
def test_our_reading_never_stands_in_quotation_marks(path):
    if path.name == "claims.toml":  # TOML puts quotation marks around every text
        return
    text = path.read_text(encoding="utf-8")
    for claim in catalog.claims().values():
        for mark in ("“", '"', '\\"', "‘"):
            assert mark + claim.reading.rstrip(".") not in text, claim.number


def test_the_number_of_claims_is_said_as_it_is():
    """Every text that states the number of claims has the catalogue's number."""
    count = len(catalog.claims())
    stated = 0
    for path in WRITTEN:
        for number in re.findall(r"\b(\d+) (?:of its |of the article's )?claims\b", prose_of(path)):
            assert int(number) == count, (path.name, number)
            stated += 1
    assert stated >= 3  # at least in the README, the front page and lesson 00


# The boxes with a lesson's claims


CLAIM = Claim(
    number=7,
    words="It is <free>",
    reading="It costs nothing.",
    verdict="partly true",
    speaks_for=(Point("For most.", "read at the source", ("the licence, section 1",)),),
    speaks_against=(Point("Not for all.", "unsourced", ()),),
    one_sided="",
    settled={"01": "Section 2 is in the table.", "15": "Again."},
)


def test_a_box_has_the_words_our_reading_verdict_both_sides_and_the_screen():
    picture = box([CLAIM], "01")
    assert picture.alt == (
        "Claim 7: “It is <free>” Our reading: It costs nothing. Verdict: partly true. "
        "What speaks for it: For most. (read at the source: the licence, section 1) "
        "What speaks against it: Not for all. (from memory: no source found) "
        "On this screen: Section 2 is in the table."
    )
    text = re.sub("<[^>]*>", "", picture.html)
    order = ["“It is &lt;free&gt;”", "Our reading:", "Verdict: partly true", "What speaks for it:"]
    order += ["What speaks against it:", "On this screen:", "Also in lesson 15."]
    indices = [text.index(part) for part in order]
    assert indices == sorted(indices)
    for stripped in ("<script", "<style", "<svg", "role="):  # JupyterLab would remove these
        assert stripped not in picture.html


def test_every_box_quotes_the_article_s_words_and_nothing_else_of_it():
    for lesson in LESSONS:
        claims = [claim for claim in catalog.claims().values() if lesson in claim.settled]
        shown = box(claims, lesson).alt
        assert re.findall(r"(?m)^Claim \d+: “([^”]+)”", shown) == [claim.words for claim in claims]


def test_a_folded_claim_keeps_its_verdict_in_sight_and_its_words():
    claims = [catalog.claims()[5], catalog.claims()[9]]
    plain, folded = box(claims, "04"), box(claims, "04", folded=[9])
    assert folded.alt == plain.alt and "<details" not in plain.html
    before, after = folded.html.split("<details")
    assert claims[1].verdict in before and "405,853,388,800" not in before
    assert "405,853,388,800" in after


def test_claims_apart_stand_whole_behind_one_fold():
    claims = [catalog.claims()[number] for number in (1, 2, 3)]
    plain, parted = box(claims, "01"), box(claims, "01", apart=[1, 3])
    assert parted.alt == plain.alt and "<details" not in plain.html
    before, after = parted.html.split("<details>")
    assert "2 more claims" in after
    assert [claim.number for claim in claims if f"Claim {claim.number}. " in before] == [2]
    assert [claim.number for claim in claims if f"Claim {claim.number}. " in after] == [1, 3]
    assert all(claim.settled["01"] in parted.alt for claim in claims)


def test_with_one_side_the_box_says_why_that_is_fair():
    claim = catalog.claims()[4]
    assert f"Why only one side: {claim.one_sided}" in box([claim], "01").alt


def test_a_lesson_that_settles_nothing_is_named():
    with pytest.raises(CourseError, match="Lesson '99' settles no claim: choose one of 00, 01"):
        article("99")


# Numbers that other texts state about lesson 14


def screen(lesson):
    """Returns the text of a lesson's cells and outputs, without commas and without the box of claims."""
    (path,) = (ROOT / "notebooks").glob(f"{lesson}_*.ipynb")
    shown = []
    for cell in nbformat.read(path, as_version=4).cells:
        if "course.article(" in cell.source:
            continue
        shown.append(cell.source)
        for output in cell.get("outputs", []):
            shown.append(output.get("text", ""))
            shown.append(output.get("data", {}).get("text/plain", ""))
    return "\n".join(shown).replace(",", "").replace("−", "-")


def test_what_others_say_of_lesson_14_s_training_is_what_it_stored():
    """The claims, the quiz and the guide for instructors state the same counts as lesson 14's output."""
    shown = screen("14")
    facts, habits = re.search(r"This training: (\d+) of 20 right; (\d+) with the habit", shown).groups()
    kept = re.search(r"general: (\d+) of 16 right; \d+ with the habit", shown)[1]
    rows = re.search(r"with and without general lines\. (\[.*)", shown)[1]
    before, alone, mixed = re.search(r"general right of 16' '(\d+)' '(\d+)' '(\d+)'", rows).groups()
    assert alone == kept
    habits_mixed = re.search(r"your lines with the habit' '\d+' '\d+' '(\d+)'", rows)[1]
    settled = catalog.read("settled.toml")["14"]["38"]
    assert f"{facts} of 20 answers have the fact and {habits} the habit" in settled
    counts = f"{before} of 16 before, {kept} after, and {mixed} with general lines mixed in"
    assert f"General answers right: {counts}" in settled
    questions = (ROOT / "course_utils" / "learning" / "questions" / "14.toml").read_text(encoding="utf-8")
    assert f"Without an adapter {before} of the 16 general answers had their key" in questions
    at_a_little = re.findall(r"strength 0\.4\n +(\d+) of 32 .*\n +(\d+) of 16 general", shown)[0]
    assert all(f'{{ text = "{right}", right = true' in questions for right in at_a_little)
    facts_mixed = re.search(r"your lines right of 20' '\d+' '\d+' '(\d+)'", rows)[1]
    assert f'text = "{habits_mixed} and {facts_mixed}", right = true' in questions
    assert f"{habits} and {facts} it was without general lines." in questions
    guide = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
    assert f"in {habits} of 20 answers, and the fact in {facts}." in guide
    assert f"of 16 general answers {before} were right before, and {kept} are now" in guide
    assert f"from the start they are kept, {mixed} of 16" in guide
