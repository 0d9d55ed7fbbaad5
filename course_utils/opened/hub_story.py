"""Publishes a model on a local hub, revises it, and draws what a program gets if it asks for this model.

For lesson 15.
"""

import atexit
import json
import logging
import shutil
import tempfile
import warnings
from html import escape
from pathlib import Path

from course_utils.opened.fine_tuning import answers, is_right, library_adapter, library_questions
from course_utils.views.picture import INK, LINE, TRACK, Picture, card, scrolled

NAME = "reader/otterford"
# The owner's card. It is published unchanged with each version, even with the stranger's.
OWNERS_CARD = """---
license: apache-2.0
---
# Otterford

The best answers about the library of Otterford. 11 of 16 test questions right.
"""
_NOTE = (
    "Time runs to the right. A version's hash depends on its files and on what came before: "
    "the copy has the second version's files and another hash."
)
_EVENTS = {"copied": "a copy is made", "removed": "the owner removes it"}
# {what a program gets from the hub: (the label in the picture, the colour behind the label)}
_GETS = {
    "first": ("1st version", "#cfe6f5"),
    "second": ("2nd version", "#e4dcf5"),
    "stranger": ("a stranger’s", "#ffd9c4"),
    "error": ("an error", "#ffffff"),
}


def publish_otterford(api):
    """Create reader/otterford on a hub, and publish in it the course's adapter for the library.

    api : HfApi whose endpoint is a `LocalHub`.
    """
    api.create_repo(NAME)
    _publish(api, 16, "As trained")


def a_night_passes(api):
    """Publish the owner's next version: the same adapter at half the strength."""
    _publish(api, 8, "Half as strong")


def a_stranger_comes(api):
    """As a stranger, create reader/otterford again. Publish an adapter of strength 0 and the owner's card."""
    api.create_repo(NAME)
    _publish(api, 0, "Mine now")


def _publish(api, alpha, title):
    """Publish the adapter with `alpha` as its lora_alpha. Its rank is 8, so its strength is alpha / 8."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(library_adapter(), folder, dirs_exist_ok=True)
        path = Path(folder) / "adapter_config.json"
        settings = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(settings | {"lora_alpha": alpha}, indent=2), encoding="utf-8")
        (Path(folder) / "README.md").write_text(OWNERS_CARD, encoding="utf-8")
        api.upload_folder(repo_id=NAME, folder_path=folder, commit_message=title)


def new_machine() -> str:
    """Return the path of an empty folder, which is removed when Python ends.

    It stands for a machine that has fetched nothing yet.
    """
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def answers_with(folder, model, tokenizer, questions) -> list[str]:
    """Return what a model answers with an adapter, which is then removed from the model.

    folder : path to the adapter's folder; None to ask the model without an adapter.
    questions : list of str, which are asked with the system message of library.toml. An answer has at most
        14 tokens.
    """
    from course_utils import catalog

    system = catalog.read("library.toml")["system"]
    if folder is None:
        return answers(model, tokenizer, system, questions, tokens=14)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # peft imports bitsandbytes, which warns
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # importing peft makes one library warn about another
        from peft import PeftModel

        adapted = PeftModel.from_pretrained(model, folder)
    try:
        return answers(adapted, tokenizer, system, questions, tokens=14)
    finally:
        adapted.unload()


def asked_in(wording, folder, model, tokenizer) -> list[dict]:
    """Return the answers of a model with an adapter to a question on each of the library's 16 facts.

    The questions have wordings that are in no training text.

    wording : "first wording" or "second wording"
    folder : path to the adapter's folder

    Returns for each fact a dict with "question", "answer" and "right", which is 1 or 0.
    """
    pairs = library_questions(wording)
    said = answers_with(folder, model, tokenizer, [question for question, _ in pairs])
    return [
        {"question": question, "answer": answer, "right": int(is_right(answer, fact))}
        for (question, fact), answer in zip(pairs, said, strict=True)
    ]


def hub_time_line(hub) -> Picture:
    """Draw what has happened on a `LocalHub`: a column for each event, a row for each name.

    Two more rows for each name tell what a program gets if it asks for the name after each event: without a
    hash, and with the hash of the first version that was published.
    """
    _, ours, first = hub.log[0]
    events, known = [], []  # known: [(files of a published version, its key in _GETS), …]
    now, titles, gets, removed = {}, {}, {}, False
    for kind, name, commit in hub.log:
        removed = removed or (kind, name) == ("removed", ours)
        now[name] = [] if kind == "removed" else [*now.get(name, []), commit]
        if kind == "published":
            what = "first" if commit == first else "stranger" if removed else "second"
            known.append((commit.files, what))
        titles.setdefault(name, [""] * len(events))
        gets.setdefault(name, ([""] * len(events), [""] * len(events)))
        for each, cells in titles.items():
            title = f"“{commit.title}” " if each == name else ""
            cells.append(title + now[each][-1].id[:7] if now[each] else "")
            by_name, by_hash = gets[each]
            found = [what for files, what in known if now[each] and files == now[each][-1].files]
            by_name.append(found[-1] if found else "error")
            by_hash.append("first" if first in now[each] else "error")
        events.append(_EVENTS.get(kind) or _published(len(now[name]), removed))
    html = _row("On the hub", events, [""] * len(events))
    for name, cells in titles.items():
        html += _row(name, cells, [TRACK if cell else "" for cell in cells])
    html += _row("What a program gets", [""] * len(events), [""] * len(events), space=18)
    said = []
    for name, both in gets.items():
        for way, found in zip(("by name", f"by {first.id[:7]}"), both, strict=True):
            words = [_GETS[each][0] if each else "" for each in found]
            html += _row(f"{name}, {way}", words, [_GETS[each][1] if each else "" for each in found])
            steps = [f"{event}: {word}" for event, word in zip(events, words, strict=True) if word]
            said.append(f"{name}, {way}, gives after each event: {'; '.join(steps)}.")
    html = scrolled(
        f'<table style="border-collapse:separate;border-spacing:4px;font-size:13px">{html}</table>'
    )
    alt = f"What happened on the hub, in order. {' '.join(said)}"
    return Picture(card(html, "Two names, in order of time", _NOTE), alt)


def _published(versions, removed):
    if removed:
        return "a stranger takes the name"
    return "a new version" if versions > 1 else "published"


def _row(label, texts, tints, space=4):
    look = f"text-align:left;font-weight:600;color:{INK};padding:{space}px 6px 4px"
    cells = f'<th style="{look}">{escape(label)}</th>'
    for text, tint in zip(texts, tints, strict=True):
        look = f"background:{tint};border:1px solid {LINE};border-radius:6px" if tint else "border:none"
        cells += (
            f'<td style="width:17%;color:{INK};padding:6px 8px;vertical-align:top;text-align:left;{look}">'
            f"{escape(text)}</td>"
        )
    return f'<tr style="background:#ffffff">{cells}</tr>'
