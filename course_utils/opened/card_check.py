"""A linter for model cards, and a view that checks a card while the learner writes it. For lesson 15."""

import re
from pathlib import Path

from course_utils import catalog
from course_utils.errors import CourseError
from course_utils.views.picture import Picture
from course_utils.views.tables import table
from course_utils.widgets.live_view import LiveView

WEIGHTS = Path(__file__).parent.parent / "training" / "weights"
# The card that the website's page starts with.
POOR = """---
language: en
---
# Otterbot 7000

Otterbot knows every town and loves to help.

## Training data

The best data there is.

## Evaluation

It is 99% right.
"""

# The sentences that the page offers for the card POOR: {part: sentences}. Some are facts, others are not.
OFFERS = {
    "license": ("free for friends", "apache-2.0"),
    "intended use": (
        "Everything.",
        "The best help for all.",
        "To name the town in a letter that was scanned.",
    ),
    "training data": (
        "A world-class collection.",
        "2,000 letters from river towns, written in 2021.",
        "Secret.",
    ),
    "evaluation": (
        "99 of 100 towns right, in letters that it was not trained on.",
        "Very good.",
        "98% right.",
    ),
    "limitations": (
        "None.",
        "Long letters are what it understands least.",
        "It names a wrong town if the letter has one line.",
    ),
    "bias": (
        "Fair.",
        "Right for 90 of 100 river towns, and for 41 of 100 hill towns.",
        "There is no town that it loves less.",
    ),
    "environmental impact": ("Green.", "Only 7.", "Trained for 3 hours on one computer."),
    "contact": ("Anyone.", "otters@example.org"),
}

# The sentences that the page offers in place of POOR's opening line.
OPENINGS = (
    "Otterbot feels at home in every town.",
    "It wants to help.",
    "Otterbot names the town in a letter.",
)

# The page's first act with the card POOR: the parts that it shows as holes, the slips of paper as pairs
# (part, sentence), and for how many of the test letters Otterbot, which is invented, names the right town.
HOLES = {
    "parts": ("intended use", "evaluation", "limitations"),
    "slips": (
        ("evaluation", "It is 99% right."),
        ("intended use", "To name the town in a letter that was scanned."),
        ("limitations", "None."),
        ("evaluation", "99 of 100 towns right, in letters that it was not trained on."),
        ("intended use", "Everything."),
        ("limitations", "It names a wrong town if the letter has one line."),
    ),
    "letters": {"right": 61, "all": 100},
}

# {part of a good card: the names that headings of published cards give it}. A part in FIELDS may also be in
# the block of YAML.
NAMES = {
    "license": ("license", "licence"),
    "language": ("language", "languages"),
    "intended use": ("intended use", "intended uses", "uses", "direct use", "evaluated use", "purpose"),
    "training data": ("training data", "training dataset", "training datasets", "pretraining data"),
    "evaluation": ("evaluation", "evaluations", "benchmarks", "results", "performance"),
    "limitations": ("limitations", "limits"),
    "bias": ("bias", "biases", "fairness", "ethical considerations"),
    "environmental impact": ("environmental impact", "carbon footprint", "emissions", "energy"),
    "contact": ("contact", "questions or comments", "feedback"),
}
FIELDS = ("license", "language")
# Names of licences that the Hugging Face hub takes in a card's block, without "other",
# "unknown" and the names of families ("cc").
_LICENCES = frozenset(
    re.findall(
        r"\S+",
        """
    afl-3.0 agpl-3.0 apache-2.0 apple-amlr apple-ascl artistic-2.0 bigcode-openrail-m
    bigscience-bloom-rail-1.0 bigscience-openrail-m bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda
    cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0
    cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0
    cc0-1.0 cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0 creativeml-openrail-m
    deepfloyd-if-license ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 gemma gfdl gpl-2.0 gpl-3.0 isc lgpl-2.1
    lgpl-3.0 lgpl-lr llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 lppl-1.3c mit mpl-2.0 ms-pl ncsa odbl
    odc-by ofl-1.1 openrail openrail++ osl-3.0 pddl postgresql unlicense wtfpl zlib
        """,
    )
)
_LINK = re.compile(r"://|\blinks?\b|\bLICEN[SC]E\b")  # a line on the licence may say where its text is
_CODE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z]+)?|multilingual")  # a language's name in the block, such as pt-BR
_PRAISE = re.compile(
    r"\b(?:good|best|finest|greatest|perfect|unmatched|unrivalled|leading|world-class|"
    r"state[- ]of[- ]the[- ]art|cutting[- ]edge|excellent|outstanding|amazing|superb|revolutionary)\b",
    re.I,
)
_PEOPLE = re.compile(r"\b(?:knows?|thinks?|wants?|believes?|understands?|feels?|loves?)\b", re.I)
# {part that needs a number: (pattern of a line whose number says enough, what is said of any other number)}.
# In an evaluation a second number must say of how many ("99 of 100", "0.91 on 200 letters"), or the test must
# have a name with capital letters ("66.6 on MMLU"), or the number must have a table cell of its own. A number
# for the environmental impact must have a unit, at most two words later.
_FIGURES = {
    "evaluation": (
        re.compile(
            r"\| *[0-9][0-9.,]*%? *\|"
            r"|^[^|]*[0-9]%?(?:[^|0-9]*[^|0-9A-Za-z])?(?:of|on) (?:[a-z]+ ){0,2}(?:[0-9]|(?<=on )[A-Z]{3})"
        ),
        "of how many?",
    ),
    "environmental impact": (
        re.compile(
            r"[0-9][0-9.,]* *(?:[A-Za-z]+ ){0,2}(?:[kMG]?Wh\b|CO2|CO₂|hours?\b|kg\b|tonnes\b|minutes\b)"
        ),
        "a figure without its unit",
    ),
}
_BLOCK = re.compile(r"^\s*---(?:\r\n|\r|\n)[\s\S]*?(?:\r\n|\r|\n)---[ \t]*(?:\r\n|\n|$)")
_HEADING = re.compile(r"^ {0,3}#{1,6} +(.*)$")
_BOLD = re.compile(r"^(?:[-*] )?\*\*([^*]+)\*\*:?(.*)$")
_ROW = re.compile(r"^\| *([^|]*[^| ]) *\|([^|]*)\|")
_EMPTY = re.compile(r"^(?:\[more information needed\]|<!--.*|\|[-:| ]*|[^0-9a-z]*)$", re.I)
_WORD = re.compile(r"[^\W\d_]{2,}")  # a word of two or more letters
_ADDRESS = re.compile(r"@|://|\b(?:repository|README|forum|issues)\b")
_QUESTIONS = re.compile(r"[0-9a-z_.]+@[0-9a-z_.]+|\bquestions (?:to|or)\b", re.I)


def lint_card(text) -> dict:
    """Look through a model card for nine parts, the keys of NAMES.

    text : str, the card: Markdown, perhaps with a block of YAML between two lines of --- above it.

    Returns a dict with
    "parts": {part: the line that was found for it, or ""}. A part's line can be below a heading that
        published cards use for the part, in a line such as "**License:** ..." or in a row of a table. Any
        line with a mail address, "questions to" or "questions or" can be the line for "contact".
    "weak": dict from a part to the reason why its line is no fact: the line has a word of praise, has no
        number where one is needed (evaluation, environmental impact) or one that says too little, has fewer
        than two words, or is also below the heading of another part. A licence must have one of the names in
        _LICENCES; below a heading, a link to its text is enough. A language in the block must be a short
        code. A contact must have an address. More is not tested: the line may be untrue.
    "people": list of words that describe the model as if it were a person.

    Raises CourseError if the block of YAML can't be read.
    """
    from huggingface_hub import ModelCard

    fields, body = {}, text
    try:
        if _BLOCK.match(text):
            card = ModelCard(text)
            fields, body = card.data.to_dict(), card.text
    except Exception as error:
        raise CourseError(f"The block for machines can't be read: {str(error).splitlines()[0]}") from None
    parts, weak = {}, {}
    taken = {}  # {line that was found: (its part, the heading above the line)}
    sections = _sections(body)
    for part, names in NAMES.items():
        if part in FIELDS and fields.get(part):
            parts[part] = str(fields[part])
            if reason := _misnamed(part, parts[part]):
                weak[part] = reason
            continue
        called = [section for section in sections if _is_called(section[0], names)]
        lines = [(heading, line) for heading, found in called for line in found]
        if part == "contact" and not lines:
            lines = [("", line) for _, found in sections for line in found if _QUESTIONS.search(line)]
        reasons = [_weakness(part, line) or _repeats(taken, heading, line) for heading, line in lines]
        best = reasons.index("") if "" in reasons else 0
        heading, parts[part] = lines[best] if lines else ("", "")
        if lines and reasons[best]:
            weak[part] = reasons[best]
        elif lines:
            taken.setdefault(parts[part], (part, heading))
    return {"parts": parts, "weak": weak, "people": _PEOPLE.findall(body)}


def _weakness(part, line):
    """Return the reason why a line is no fact on a part, or "" if it may be a fact."""
    if praise := _PRAISE.search(line):
        return f"“{praise[0]}” says nothing"
    if part in _FIGURES:
        enough, else_said = _FIGURES[part]
        if not re.search("[0-9]", line):
            return "no figure"
        return "" if enough.search(line) else else_said
    if part == "license":
        # "The Apache License, version 2.0" becomes " apache 2 0 ", as does the name "apache-2.0".
        words = _spaced(re.sub(r"\b(?:the|licen[sc]e|version|v)\b", " ", _spaced(line)))
        known = any(_spaced(name) in words for name in _LICENCES)
        return "" if known or _LINK.search(line) else "no known licence"
    if part == "contact":
        return "" if _ADDRESS.search(line) else "no address"
    if part == "language":
        return "" if _WORD.search(line) else "no word"
    enough = len(_WORD.findall(line)) + bool(re.search("[0-9]", line)) >= 2  # a number counts as a word
    return "" if enough else "too few words"


def _misnamed(part, value):
    """Return the reason why a value in the block names no licence or language, or "" if it may name one."""
    names = re.findall("'([^']*)'", value) if value.startswith("[") else [value]
    if part == "license":
        return "" if names and _LICENCES.issuperset(map(str.lower, names)) else "no known licence"
    return "" if names and all(map(_CODE.fullmatch, names)) else "no code such as en"


def _spaced(text):
    """Return the words of a text in small letters, each with one space before and after."""
    return f" {re.sub('[^a-z0-9+]+', ' ', text.lower()).strip()} "


def _repeats(taken, heading, line):
    """Return a text that says that a line repeats the line of an earlier part, or "".

    The text is "" if both parts have the line below the same heading.

    taken : {line: (the part that has it, the heading above it)}
    """
    part, place = taken.get(line, ("", heading))
    return f"as for “{part}”, word for word" if place != heading else ""


def _sections(body):
    """Return a card's text as a list of pairs (heading, its lines that have any content).

    The bold start of a line and the first cell of a table's row count as headings, too.
    """
    sections = [("", [])]
    for line in re.split(r"\r\n|\r|\n", body):
        if heading := _HEADING.match(line):
            sections.append((heading[1], []))
        elif bold := _BOLD.match(line):
            sections.append((bold[1], []))
            line = bold[2]
        elif row := _ROW.match(line):
            sections.insert(-1, (row[1], [row[2].strip()]))
        if not heading and not _EMPTY.match(line.strip()):
            sections[-1][1].append(line.strip())
    return sections


def _is_called(heading, names):
    """Return whether a heading has one of the names as whole words.

    The heading "Data", which our own cards have, counts as "training data".
    """
    words = f" {re.sub('[^a-z]+', ' ', heading.lower()).strip()} "
    return any(f" {name} " in words for name in names) or (words == " data " and "training data" in names)


def published_cards() -> dict[str, str]:
    """Return shortened versions of three published cards: {title: text}.

    The makers of the models wrote the headings, and the course wrote the lines below the headings.
    catalog/cards.toml has the sources.
    """
    return {facts["title"]: facts["text"].lstrip("\n") for facts in catalog.read("cards.toml").values()}


def parts_there(text) -> list[str]:
    """Return the parts for which a card has a line that may be a fact.

    text : str, the card
    """
    found = lint_card(text)
    return [part for part, line in found["parts"].items() if line and part not in found["weak"]]


def card_marks(cards) -> Picture:
    """Draw a table of the parts that each card has. The last row tells how many parts each card has.

    cards : dict from a title to the text of a card.
    """
    rows = [("part", *cards)]
    found = [lint_card(text) for text in cards.values()]
    for part in NAMES:
        marks = []
        for each in found:
            mark = "? no fact" if part in each["weak"] else "✓ there" if each["parts"][part] else "– missing"
            marks.append(mark)
        rows.append((part, *marks))
    rows.append(("there in all", *[f"{len(parts_there(text))} of {len(NAMES)}" for text in cards.values()]))
    return table(rows, title="What the linter finds")


class CardCheck(LiveView):
    """Shows a model card that the learner can edit, marks what the linter found, and lists what is missing.

    The learner can also load the published cards and one of the course's own.

    text : str, the card at the start: perhaps YAML between two lines of ---, and then Markdown.
    """

    view = "card_check"

    def __init__(self, text):
        found, there = lint_card(text), parts_there(text)
        missing = [part for part in NAMES if part not in there]
        alt = (
            f"{len(missing)} of {len(NAMES)} parts are missing or without a fact: "
            f"{', '.join(missing) or 'none'}. "
            f"Words for people: {', '.join(found['people']) or 'none'}."
        )
        cards = _titled([text, *_others()])
        super().__init__(data={"cards": cards}, alt=alt, card=next(iter(cards)), text="")

    def answer(self, want):
        return lint_card(want["text"])


def states():
    """Return the data of this view's page on the website: cards, sentences to choose from, the first act."""
    offers = {"Otterbot 7000": {**OFFERS, "people": OPENINGS}}
    return {"cards": _titled([POOR, *_others()]), "offers": offers, "holes": {"Otterbot 7000": HOLES}}


def _others():
    ours = WEIGHTS / "tinyworld-llama" / "README.md"
    return [*published_cards().values(), ours.read_text(encoding="utf-8")]


def _titled(texts):
    """Return {title: text of a card}. The title is the card's first "# " heading, otherwise "Your card"."""
    heading = re.compile(r"^# (.+)$", re.M)
    return {found[1] if (found := heading.search(text)) else "Your card": text for text in texts}
