"""Writes the website's front page."""

import re
from html import escape

import shell
from explorables import cards, explorables, view
from shell import REPOSITORY, ROOT


def front_page():
    """Return the front page's HTML."""
    from course_utils import catalog
    from course_utils.learning.claims import ARTICLE, ARTICLE_ADDRESS, ARTICLE_FROM

    pages = explorables()
    first, *_ = pages
    facts = pages[first]
    lessons = catalog.lessons()
    start = next(iter(lessons))
    notebook = (ROOT / "notebooks" / f"{start}.ipynb").read_text(encoding="utf-8")
    colab = re.search(r"https://colab\.research\.google\.com/[^)]+", notebook)[0]
    others = {name: facts for name, facts in pages.items() if name != first}
    body = f"""<p class="over">A free course<span>: open small AI models in your browser</span>.
Nothing to install.</p>
<h1>{facts["headline"]}</h1>
<p class="lead">{escape(facts["lead"])}</p>
<p class="starts"><a class="start" href="notebooks/{start}.html">Start with lesson {start[:2]}</a>
<a href="{colab}">or run it in Colab</a></p>
{view(first, facts, "explorables/")}
<section class="breath"><h2>Open models, opened</h2>
<p class="lead">A popular article praises open source AI. Is it right? In this free course you open the models
that it names, Llama, Falcon, Mistral, Mixtral, Stable Diffusion and Whisper, and judge
{len(catalog.claims())} of its claims with evidence of your own. The pages ask for nothing but curiosity.
To change the code, it is enough if you can read ten lines of Python. You need no account and no GPU.</p>
<p class="quiet">To read beside the lessons: <a href="{escape(ARTICLE_ADDRESS)}">{escape(ARTICLE)}</a>
({escape(ARTICLE_FROM)}).</p></section>
<section><h2>Which way?</h2>
<ul class="routes">
{_routes(lessons)}</ul>
<p class="quiet">Hours are estimates without exercises, from the minutes that each lesson states; in a school
day it takes 45, in the hour 20. <a href="docs/timetables.html">Timetables for classes</a></p>
</section>
<section><h2>More to take in your hand</h2>
{cards(others, "explorables/")}</section>
<section><h2>{len(lessons)} lessons</h2>
<p class="where" hidden></p>
<div class="map">
{_map(lessons)}</div></section>
<section><h2>On your own machine</h2>
<pre tabindex="0"><code>git clone {escape(REPOSITORY)}
cd open-the-box
make lab</code></pre>
<p><a href="README.html">What it needs</a> · <a href="docs/instructors.html">For teachers</a> ·
<a href="docs/timetables.html#materials">Slides and handouts</a> ·
<a href="translations/de/00_open_the_box.html" hreflang="de" lang="de">Lektion 00 auf Deutsch</a> ·
<a href="{escape(REPOSITORY)}">The repository</a></p></section>
<footer>Code under Apache-2.0, text under CC BY 4.0. {escape(facts["foot"])}
Typeface: Atkinson Hyperlegible (OFL).</footer>"""
    summary = (
        "A free course: open Llama, Falcon, Mistral, Stable Diffusion and Whisper, and judge the claims."
    )
    return shell.page("Open the models that an article praises", summary, body, "index.html", view=first)


def _map(lessons):
    """Return HTML of the lessons by part, with their exercises. shell.js marks the lessons that were read."""
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
            hours, minutes = divmod(lesson.minutes, 60)
            time = f"{hours} h {minutes:02}" if hours else f"{minutes} min"
            rows += (
                f'<li data-lesson="{name}"><b class="num">{name[:2]}</b> <a href="notebooks/{name}.html">'
                f'{escape(lesson.title)}</a> <span class="more">{time}</span> {exercise}</li>\n'
            )
        parts += f"<section><h3>{escape(part)}</h3><ol>\n{rows}</ol></section>\n"
    return parts


def _routes(lessons):
    from course_utils.learning.course_map import ROUTES

    numbered = {name[:2]: name for name in lessons}
    items = ""
    for route in ROUTES:
        links = "all of them"
        if len(route.lessons) < len(lessons):
            links = " ".join(
                f'<a href="notebooks/{name}.html" title="{escape(lessons[name].title)}">{name[:2]}</a>'
                for name in map(numbered.get, route.lessons)
            )
        items += (
            f"<li><h3>{escape(route.title)}</h3><p>{escape(route.words)}</p>"
            f'<p class="num">{route.hours}</p><p class="num way">{links}</p></li>\n'
        )
    return items
