"""Tests that translated lessons are up to date: they translate the cells that the English lessons have."""

import sys
from pathlib import Path

import nbformat
import pytest

from course_utils.learning import quizzes

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "translations"))
import translate  # noqa: E402

sys.path.pop(0)
TRANSLATED = [(path.parent.name, path.stem) for path in sorted((ROOT / "translations").glob("*/*.md"))]


@pytest.mark.parametrize(("language", "lesson"), TRANSLATED)
def test_a_translation_is_up_to_date(language, lesson):
    made, wrong = translate.translate(language, lesson)
    assert wrong == []
    stored = nbformat.read(ROOT / "translations" / language / f"{lesson}.ipynb", as_version=4)
    assert [cell.source for cell in stored.cells] == [cell.source for cell in made.cells], "make it again"
    english = nbformat.read(ROOT / "notebooks" / f"{lesson}.ipynb", as_version=4)
    shows = [[bool(cell.get("outputs")) for cell in notebook.cells] for notebook in (stored, english)]
    assert shows[0] == shows[1], "store its outputs"


@pytest.mark.parametrize(("language", "lesson"), TRANSLATED)
def test_the_questions_of_a_translation_are_the_lesson_s(language, lesson):
    for part in ("", "-recall"):
        items = quizzes.load(lesson[:2] + part)
        own = quizzes.load(f"{lesson[:2]}.{language}{part}")
        assert [len(item.choices) for item in own] == [len(item.choices) for item in items]


def test_what_a_translation_lacks_is_named(tmp_path, monkeypatch):
    language, lesson = TRANSLATED[0]
    folder = tmp_path / language
    folder.mkdir()
    for suffix in ("md", "toml"):
        text = (ROOT / "translations" / language / f"{lesson}.{suffix}").read_text(encoding="utf-8")
        if suffix == "md":
            text = text.replace("<!-- open-box-04 -->", "<!-- open-box-99 -->")
        else:
            text = text.replace("[code]", '[code]\n"no such code" = "x"').replace(
                'open-box-06 = "', 'open-box-06 = "0'
            )
        (folder / f"{lesson}.{suffix}").write_text(text, encoding="utf-8")
    monkeypatch.setattr(translate, "HERE", tmp_path)
    _, wrong = translate.translate(language, lesson)
    assert len(wrong) == 4
    assert "no text for the cell open-box-04" in wrong[0] and "open-box-06 has changed" in wrong[1]
    assert "open-box-99" in wrong[2] and "'no such code'" in wrong[3]
