"""What befalls a model's name on a hub: published, revised, copied, removed, taken. For lesson 15."""

import json
import logging
import shutil
import tempfile
import warnings
from html import escape
from pathlib import Path

from course_utils.opened.fine_tuning import answers, library_adapter
from course_utils.views.picture import INK, LINE, TRACK, Picture, card, scrolled

NAME = "reader/otterford"
# The owner's card. It stays as it is, whatever is published under it.
OWNERS_CARD = """---
license: apache-2.0
---
# Otterford

The best answers about the library of Otterford. 11 of 16 test questions right.
"""
_EVENTS = {"copied": "a copy is made", "removed": "the owner removes it"}
# What a program gets: (in words, the colour behind it).
_GETS = {
    "first": ("1st version", "#cfe6f5"),
    "second": ("2nd version", "#e4dcf5"),
    "stranger": ("a stranger’s", "#ffd9c4"),
    "error": ("an error", "#ffffff"),
}


def publish_otterford(api):
    """Create reader/otterford on a hub, and publish the course's adapter for the library there.

    api : HfApi whose endpoint is a `LocalHub`.
    """
    api.create_repo(NAME)
    _publish(api, 16, "As trained")


def a_night_passes(api):
    """Publish what the owner publishes at night: the same adapter, half as strong."""
    _publish(api, 8, "Half as strong")


def a_stranger_comes(api):
    """Create reader/otterford anew for somebody else: an adapter of strength 0, with the owner's card."""
    api.create_repo(NAME)
    _publish(api, 0, "Mine now")


def _publish(api, alpha, title):
    """Publish the adapter with the owner's card, at another strength: alpha / 8 times its update."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(library_adapter(), folder, dirs_exist_ok=True)
        path = Path(folder) / "adapter_config.json"
        settings = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(settings | {"lora_alpha": alpha}, indent=2), encoding="utf-8")
        (Path(folder) / "README.md").write_text(OWNERS_CARD, encoding="utf-8")
        api.upload_folder(repo_id=NAME, folder_path=folder, commit_message=title)


def answers_with(folder, model, tokenizer, questions) -> list[str]:
    """Return what a model answers with an adapter, which is taken off again.

    folder : path to the adapter's folder; None to ask the model without one.
    questions : list of str. Each is asked as at the library's desk, and answered in up to 14 tokens.
    """
    from course_utils import catalog

    system = catalog.read("library.toml")["system"]
    if folder is None:
        return answers(model, tokenizer, system, questions, tokens=14)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # peft imports it, and nothing here needs it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of one library about another
        from peft import PeftModel

        adapted = PeftModel.from_pretrained(model, folder)
    try:
        return answers(adapted, tokenizer, system, questions, tokens=14)
    finally:
        adapted.unload()


def hub_time_line(hub) -> Picture:
    """Draw what has happened on a `LocalHub`: a column for each event, a row for each name.

    Two more rows tell what a program got after each event that loads the name published first: by the name,
    and by the hash of its first version.
    """
    _, ours, first = hub.log[0]
    events, by_name, by_hash = [], [], []
    now, rows, removed = {}, {}, False
    for kind, name, commit in hub.log:
        removed = removed or (kind, name) == ("removed", ours)
        now[name] = [] if kind == "removed" else [*now.get(name, []), commit]
        rows.setdefault(name, [""] * len(events))
        for each, cells in rows.items():
            title = f"“{commit.title}” " if each == name else ""
            cells.append(title + now[each][-1].id[:7] if now[each] else "")
        events.append(_EVENTS.get(kind) or _published(len(now[name]), removed))
        if not now[ours]:
            by_name.append("error")
        else:
            by_name.append("stranger" if removed else "first" if now[ours][-1] == first else "second")
        by_hash.append("first" if first in now[ours] else "error")
    html = _row("", events, [""] * len(events))
    for name, cells in rows.items():
        html += _row(name, cells, [TRACK if cell else "" for cell in cells])
    for label, gets in ((f"{ours} by name gives", by_name), (f"by {first.id[:7]} gives", by_hash)):
        html += _row(label, [_GETS[each][0] for each in gets], [_GETS[each][1] for each in gets])
    html = scrolled(
        f'<table style="border-collapse:separate;border-spacing:4px;font-size:13px">{html}</table>'
    )
    said = [
        f"{event}: by name {_GETS[one][0]}, by the first hash {_GETS[other][0]}"
        for event, one, other in zip(events, by_name, by_hash, strict=True)
    ]
    alt = f"What happened to {ours}, in order. {'; '.join(said)}."
    return Picture(card(html, "One name, in order of time", "Time runs to the right."), alt)


def _published(versions, removed):
    if removed:
        return "a stranger takes the name"
    return "a new version" if versions > 1 else "published"


def _row(label, texts, tints):
    cells = f'<th style="text-align:left;font-weight:600;color:{INK};padding:4px 6px">{escape(label)}</th>'
    for text, tint in zip(texts, tints, strict=True):
        look = f"background:{tint};border:1px solid {LINE};border-radius:6px" if tint else "border:none"
        cells += (
            f'<td style="width:17%;color:{INK};padding:6px 8px;vertical-align:top;text-align:left;{look}">'
            f"{escape(text)}</td>"
        )
    return f'<tr style="background:#ffffff">{cells}</tr>'
