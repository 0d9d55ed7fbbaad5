"""Makes a translated lesson from its English notebook and the texts in a language's folder.

    python translations/translate.py de 00_open_the_box               writes de/00_open_the_box.ipynb
    python translations/translate.py de 00_open_the_box --translated  notes that the texts are up to date

README.md says how the texts are kept.
"""

import argparse
import hashlib
import re
import sys
import tomllib
from pathlib import Path

import nbformat

HERE = Path(__file__).resolve().parent
LESSONS = HERE.parent / "notebooks"
MARK = re.compile(r"^<!-- ([\w-]+) -->\n", re.M)


def texts(language, lesson):
    """Return {cell id: translated Markdown} of a lesson, in the order of the file."""
    _, *parts = MARK.split((HERE / language / f"{lesson}.md").read_text(encoding="utf-8"))
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


def pieces(language, lesson):
    """Return a lesson's TOML file: {"code": {piece of English code: translation}, "of": {cell id: hash}}.

    A cell's hash is the `hash_of` the English cell that the translation was last compared with.
    """
    return tomllib.loads((HERE / language / f"{lesson}.toml").read_text(encoding="utf-8"))


def hash_of(cell):
    """Return eight hexadecimal digits that change when a cell's source changes."""
    return hashlib.sha256(cell.source.encode()).hexdigest()[:8]


def translate(language, lesson):
    """Return a lesson's translated notebook, without outputs, and a list of faults, each a sentence."""
    notebook = nbformat.read(LESSONS / f"{lesson}.ipynb", as_version=4)
    words, code = texts(language, lesson), pieces(language, lesson)
    wrong, used = [], set()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            if cell.id not in words:
                wrong.append(f"{lesson}.md has no text for the cell {cell.id}: translate it.")
                continue
            if code["of"].get(cell.id) != hash_of(cell):
                wrong.append(
                    f"The English text of {cell.id} has changed since it was translated: read it again."
                )
            cell.source = words[cell.id]
            continue
        cell.outputs, cell.execution_count = [], None
        for english, own in code["code"].items():
            if english in cell.source:
                used.add(english)
                cell.source = cell.source.replace(english, own)
    known = {cell.id for cell in notebook.cells}
    wrong += [
        f"{lesson}.md has a text for {name}, which the lesson does not have: remove it."
        for name in words.keys() - known
    ]
    wrong += [
        f"No code cell has {piece!r} any more: remove it from {lesson}.toml."
        for piece in code["code"].keys() - used
    ]
    return notebook, wrong


def note_as_translated(language, lesson):
    """Write the hashes of the lesson's English texts into its TOML file, under [of]."""
    path = HERE / language / f"{lesson}.toml"
    notebook = nbformat.read(LESSONS / f"{lesson}.ipynb", as_version=4)
    kept = path.read_text(encoding="utf-8").split("\n[of]\n")[0].rstrip()
    lines = [f'{cell.id} = "{hash_of(cell)}"' for cell in notebook.cells if cell.cell_type == "markdown"]
    path.write_text("\n".join([kept, "", "[of]", *lines, ""]), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("language", choices=sorted(path.name for path in HERE.iterdir() if path.is_dir()))
    parser.add_argument("lesson")
    parser.add_argument("--translated", action="store_true", help="note that the texts are up to date")
    wanted = parser.parse_args()
    if not (HERE / wanted.language / f"{wanted.lesson}.md").exists():
        known = ", ".join(path.stem for path in sorted((HERE / wanted.language).glob("*.md")))
        sys.exit(
            f"There is no translation of {wanted.lesson!r} into {wanted.language!r}. There is one of {known}."
        )
    if wanted.translated:
        note_as_translated(wanted.language, wanted.lesson)
    notebook, wrong = translate(wanted.language, wanted.lesson)
    if wrong:
        sys.exit("\n".join(wrong))
    nbformat.write(notebook, HERE / wanted.language / f"{wanted.lesson}.ipynb")


if __name__ == "__main__":
    main()
