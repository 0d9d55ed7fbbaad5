"""Explains the terms of docs/glossary.md where a lesson first uses them, on hover, focus and touch."""

import re
from functools import cache
from html import escape
from pathlib import Path

from docutils import nodes

SOURCE = Path(__file__).parents[1] / "docs" / "glossary.md"
ENTRY = re.compile(r"- \*\*(.+?)\*\*(?: \((.+?)\))?: (.+) Lesson (\d\d)\.")


@cache
def entries():
    """Return {term: (its other names, its meaning, the number of its lesson)}."""
    lines = [line for line in SOURCE.read_text(encoding="utf-8").splitlines() if line.startswith("- ")]
    found = {}
    for line in lines:
        term, others, meaning, lesson = ENTRY.fullmatch(line).groups()
        found[term] = (others.split(", ") if others else [], meaning, lesson)
    return found


@cache
def _uses():
    """Return {each name of a term, in small letters: the term}, and a pattern that finds these names."""
    names = {name.lower(): term for term, (others, *_) in entries().items() for name in (term, *others)}
    longest_first = sorted(names, key=len, reverse=True)
    return names, re.compile(rf"\b({'|'.join(map(re.escape, longest_first))})s?\b", re.IGNORECASE)


def used(text):
    """Return the terms that a text uses, as a set of (term, number of the term's lesson)."""
    names, pattern = _uses()
    terms = {names[use[1].lower()] for use in pattern.finditer(text)}
    return {(term, entries()[term][2]) for term in terms}


def explain(doctree):
    """Mark the first use of each term in the paragraphs of a document, and add the term's meaning."""
    names, pattern = _uses()
    explained = set()
    for text in list(doctree.findall(nodes.Text)):
        if not isinstance(text.parent, nodes.paragraph):  # skip headings, links and emphasis
            continue
        pieces, end = [], 0
        for use in pattern.finditer(text.astext()):
            term = names[use[1].lower()]
            if term not in explained:
                explained.add(term)
                pieces += [nodes.Text(text.astext()[end : use.start()]), _marked(term, use[0])]
                end = use.end()
        if pieces:
            text.parent.replace(text, [*pieces, nodes.Text(text.astext()[end:])])


def _marked(term, word):
    key = "term-" + re.sub(r"\W+", "-", term.lower())
    meaning = f"<b>{escape(term)}</b>: {escape(entries()[term][1])}"
    return nodes.raw(
        "",
        f'<span class="term"><button type="button" aria-describedby="{key}">{escape(word)}</button>'
        f'<span class="meaning" role="tooltip" id="{key}">{meaning}</span></span>',
        format="html",
    )
