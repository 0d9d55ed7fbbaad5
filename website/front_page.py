"""Writes the website's front page."""

import re
from html import escape

import shell
from explorables import cards, explorables, view
from shell import REPOSITORY, ROOT

# Lessons by name, without their number. A lesson that is not in the catalogue is left out.
ROUTES = {
    "The whole course": ("all", "Every lesson, in order."),
    "One hour, nothing to install": (
        ("open_the_box", "tokens_and_llama", "stable_diffusion"),
        "Here in the page: predict, touch, look.",
    ),
    "A school day": (
        (
            "open_the_box",
            "tokens_and_llama",
            "what_open_means",
            "whisper",
            "bias_audit",
            "capstone",
        ),
        'In class, with votes: <a href="docs/instructors.html#timetables">the timetable</a>.',
    ),
    "Policy and press, without code": (
        (
            "open_the_box",
            "what_open_means",
            "open_v_closed",
            "bias_audit",
            "misuse_and_safety",
            "cost_and_hardware",
            "community",
            "capstone",
        ),
        "Explorables and findings; the code stays folded.",
    ),
    "Developers": (
        (
            "tokens_and_llama",
            "attention_by_hand",
            "inside_llama",
            "how_it_learns",
            "falcon",
            "mistral_and_mixtral",
            "cost_and_hardware",
            "fine_tune",
        ),
        "How it works, what it costs, how to change it.",
    ),
}
IN_CLASS = 45  # minutes that a lesson takes in class, as docs/instructors.md plans them


def front_page():
    """Return the front page's HTML."""
    from course_utils import catalog

    pages = explorables()
    first, *_ = pages
    facts = pages[first]
    lessons = catalog.lessons()
    start = next(iter(lessons))
    notebook = (ROOT / "notebooks" / f"{start}.ipynb").read_text(encoding="utf-8")
    colab = re.search(r"https://colab\.research\.google\.com/[^)]+", notebook)[0]
    others = {name: facts for name, facts in pages.items() if name != first}
    body = f"""<h1>{facts["headline"]}</h1>
<p class="lead">{escape(facts["lead"])}</p>
{view(first, facts, "explorables/")}
<p class="starts"><a class="start" href="notebooks/{start}.html">Start with lesson {start[:2]}</a>
<a href="{colab}">Open it in Colab</a></p>
<section class="breath"><h2>Open models, opened</h2>
<p class="lead">A popular article praises open source AI. Is it right? In this free course you open the models
that it names, Llama, Falcon, Mistral, Mixtral, Stable Diffusion and Whisper, and judge
{len(catalog.claims())} of its claims with evidence of your own. You need to read ten lines of Python.
You need no account and no GPU.</p></section>
<section><h2>More to take in your hand</h2>
{cards(others, "explorables/")}</section>
<section><h2>{len(lessons)} lessons</h2>
<p class="where" hidden></p>
<div class="map">
{_map(lessons)}</div></section>
<section><h2>Which way?</h2>
<ul class="routes">
{_routes(lessons)}</ul>
<p class="quiet">Hours are estimates without exercises, from the minutes that each lesson states; in a school
day it takes {IN_CLASS}.</p>
</section>
<section><h2>On your own machine</h2>
<pre tabindex="0"><code>git clone {escape(REPOSITORY)}
cd open-the-box
make lab</code></pre>
<p><a href="README.html">What it needs</a> · <a href="docs/instructors.html">For teachers</a> ·
<a href="{escape(REPOSITORY)}">The repository</a></p></section>
<footer>Code under Apache-2.0, text under CC BY 4.0. {escape(facts["foot"])}
Typeface: Atkinson Hyperlegible (OFL).</footer>"""
    summary = (
        "A free course: open Llama, Falcon, Mistral, Stable Diffusion and Whisper, and judge the claims."
    )
    return shell.page("Open the models that an article praises", summary, body, "index.html", view=first)


def _map(lessons):
    """Return the lessons by part, each with its exercise. shell.js adds what a visitor has read."""
    from course_utils.learning.course_map import PARTS

    numbered = {name[:2]: name for name in lessons}
    parts = ""
    for part, numbers in PARTS.items():
        rows = ""
        for name in filter(None, map(numbered.get, numbers)):
            lesson = lessons[name]
            exercise = ""
            if (ROOT / "exercises" / name).is_dir():
                words = f'exercise<span class="unseen"> of lesson {name[:2]}</span>'
                exercise = f'<a class="more" href="exercises/{name}/{name}.html">{words}</a>'
            time = lesson.duration.removesuffix("utes")  # "30 min"
            rows += (
                f'<li data-lesson="{name}"><b class="num">{name[:2]}</b> <a href="notebooks/{name}.html">'
                f'{escape(lesson.title)}</a> <span class="more">{time}</span> {exercise}</li>\n'
            )
        parts += f"<section><h3>{escape(part)}</h3><ol>\n{rows}</ol></section>\n"
    return parts


def _routes(lessons):
    names = {name[3:]: name for name in lessons}
    items = ""
    for title, (wanted, words) in ROUTES.items():
        chosen = [names[name] for name in (names if wanted == "all" else wanted) if name in names]
        minutes = sum(IN_CLASS if "day" in title else lessons[name].minutes for name in chosen)
        links = (
            "all of them"
            if wanted == "all"
            else " ".join(
                f'<a href="notebooks/{name}.html" title="{escape(lessons[name].title)}">{name[:2]}</a>'
                for name in chosen
            )
        )
        items += (
            f"<li><h3>{escape(title)}</h3><p>{words}</p>"
            f'<p class="num">{_hours(minutes)}</p><p class="num way">{links}</p></li>\n'
        )
    return items


def _hours(minutes):
    """Return minutes as hours, to the half: "about 5½ hours"."""
    whole, half = divmod(round(minutes / 30), 2)
    number = f"{whole or ''}{'½' if half else ''}"
    return f"about {number} hour{'s' if whole > 1 or (whole and half) else ''}"
