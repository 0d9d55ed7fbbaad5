"""Tests that the website shows what the notebooks store, and that website/check.py finds faults."""

import re
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from lab import PATIENCE, chromium, findings
from playwright.sync_api import expect
from servers import served

from course_utils import catalog
from course_utils.learning import quizzes

ROOT = Path(__file__).parents[2]
LESSON = "notebooks/00_open_the_box"
RANGES = "notebooks/05_how_it_learns"  # a lesson whose guesses have a range
RARELY = pytest.mark.everything(reason="one deck shows at each push that slides and handouts fit")
DECKS = [name[:2] for name in catalog.lessons()]


@pytest.fixture
def check(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "website")
    import check

    return check


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Builds a website of three pages, which takes only seconds. `make website` builds and checks all."""
    folder = tmp_path_factory.mktemp("website")
    command = [sys.executable, "-m", "sphinx", "-q", "-c", ROOT / "website", "-d", folder / "cache"]
    command += ["-D", f"include_patterns=README.md,{LESSON}.ipynb,{RANGES}.ipynb", ROOT, folder / "site"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "site"


def test_a_lesson_becomes_a_page(check, site):
    pages = check.read(site)
    lesson = pages[site / f"{LESSON}.html"]
    found = [*check.faults(pages), *check.missing(site, pages)]
    # This site is built from three sources, so its links to the pages of other sources lead nowhere.
    assert not [sentence for sentence in found if "does not exist" not in sentence]
    assert lesson.pictures and "../README.html" in lesson.links
    assert any(link.startswith("https://colab.research.google.com/") for link in lesson.links)
    assert (site / "index.html").is_file()


def test_a_term_is_explained_where_it_is_first_used(browser, site, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "website")
    import glossary

    assert {lesson for *_, lesson in glossary.entries().values()} <= {name[:2] for name in catalog.lessons()}
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto((site / f"{LESSON}.html").as_uri())
    shown = page.locator(".term .meaning:visible")
    page.locator(".term:has(#term-layer)").hover()
    expect(shown).to_have_text(f"layer: {glossary.entries()['layer'][1]}")
    page.keyboard.press("Escape")
    expect(shown).to_have_count(0)
    page.locator(".term button").last.focus()
    expect(shown).to_have_count(1)


def test_a_page_loads_one_style_sheet_and_looks_as_sphinx_wrote_it(browser, site, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "website")
    import lighten

    html = (site / f"{LESSON}.html").read_text(encoding="utf-8")
    assert html.count('rel="stylesheet"') == 1 and '<script src="../_static' not in html
    styled = '<td style="padding: 9px; border: 3px solid &#x23;123456;">a</td>'
    scrolled = '<p style="overflow-x:auto; padding: 5px">b</p>'
    sheets = "".join(
        f'<link rel="stylesheet" type="text/css" href="_static/{name}.css" />\n' for name in "ab"
    )
    table = f"<table><tr>{3 * styled}</tr></table>{3 * scrolled}"
    code = '<div class="highlight"><span class="n">x</span><span class="o">=</span></div>'
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "a.css").write_text(
        "/* first */ .o { color: rgb(1, 2, 3) }\ntd { padding: 1px }\n"
    )
    (tmp_path / "_static" / "b.css").write_text(
        ".o { color: rgb(4, 5, 6) } .highlight .-Color { color: red }"
    )
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><html><head>{sheets}</head><body>{table}{code}</body></html>")
    looks = """() => [...document.querySelectorAll("td, p, .o, .highlight")].map(one => {
        const {padding, border, color} = getComputedStyle(one);
        return [padding, border, color, one.textContent, one.getBoundingClientRect().width];
    })"""
    tab = browser.new_page()
    tab.goto(page.as_uri())
    before, size = tab.evaluate(looks), len(page.read_text())
    assert before[0][:2] == ["9px", "3px solid rgb(18, 52, 86)"]
    lighten.lighten(tmp_path)
    tab.reload()
    after = page.read_text()
    assert tab.evaluate(looks) == before
    assert after.count("stylesheet") == 1 and 'class="n"' not in after and len(after) < size
    assert after.count(scrolled) == 3  # this style stays in the elements, because a script looks for it


def test_a_page_can_be_read_by_everybody(browser, site):
    """axe-core finds nothing serious on a desktop in the light theme and on a phone in the dark theme."""
    for width, scheme in ((1280, "light"), (360, "dark")):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.set_default_timeout(PATIENCE)
        complaints, elsewhere = [], []
        page.on("pageerror", lambda error, into=complaints: into.append(str(error)))
        page.on("console", lambda said, into=complaints: said.type == "error" and into.append(said.text))
        page.on("request", lambda request, into=elsewhere: into.append(request.url))
        page.goto((site / f"{LESSON}.html").as_uri())
        assert not complaints and all(address.startswith(("file:", "data:")) for address in elsewhere)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert not findings(page, "body")


def test_a_guess_outside_its_range_is_refused_and_printed_lines_wrap(browser, site):
    page = browser.new_page(viewport={"width": 360, "height": 700})
    page.set_default_timeout(PATIENCE)
    page.goto((site / f"{RANGES}.html").as_uri())
    for key, typed, highest in (
        ("05-weight", "75%", "1"),
        ("05-weight", "-1", "1"),
        ("05-copies", "101", "100"),
    ):
        asked = page.locator(f"form.prediction[data-key='{key}']")
        answer = page.locator(f".yours[data-key='{key}']")
        if not asked.is_visible():
            page.get_by_role("button", name="Show all answers").click()
        asked.locator("input").fill(typed)
        asked.get_by_role("button", name="Commit").click()
        expect(asked).to_contain_text(f"Type a number from 0 to {highest}.")
        expect(answer).to_be_empty()
        asked.locator("input").fill(f"0,{highest}")
        asked.get_by_role("button", name="Commit").click()
        expect(answer).to_contain_text(f"You predicted 0,{highest}: ")
        page.evaluate("localStorage.clear()")
        page.reload()
    page.get_by_role("button", name="Show all answers").click()
    wide = (
        "printed => printed.filter(each => each.scrollWidth > each.clientWidth).map(each => each.className)"
    )
    assert set(page.locator(".cell_output pre").evaluate_all(wide)) == {"columns"}  # a table scrolls


def test_a_prediction_comes_before_its_answer(browser, site):
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto((site / f"{LESSON}.html").as_uri())
    number, choice = (
        page.locator("form.prediction", has=page.locator("input")).first,
        page.locator("form.prediction", has=page.locator("button[value]")).first,
    )
    key = number.get_attribute("data-key")
    answer = page.locator(f".yours[data-key='{key}']")
    last = page.locator(f".veil-{key}").last  # of the text, which follows another code cell
    expect(last).to_have_js_property("localName", "p")
    expect(answer).to_be_hidden()
    expect(last).to_be_hidden()
    number.locator("input").fill("many")
    number.get_by_role("button", name="Commit").click()
    expect(number).to_contain_text("This is not a number")
    expect(answer).to_be_hidden()
    number.locator("input").fill("1,000")
    number.get_by_role("button", name="Commit").click()
    expect(answer).to_contain_text("You predicted 1,000: ")
    expect(last).to_be_visible()
    expect(answer.locator("xpath=..")).to_contain_text("Measured: ")
    percent = page.locator("form.prediction[data-key='00-tree']")
    percent.locator("input").fill("0.5")
    percent.get_by_role("button", name="Commit").click()
    expect(page.locator(".yours[data-key='00-tree']")).to_contain_text(" percentage points more.")
    chosen = page.locator(f".yours[data-key='{choice.get_attribute('data-key')}']")
    right = chosen.get_attribute("data-actual")
    choice.locator(f'button[value^="{right}"]').click()
    expect(chosen).to_have_text("Your prediction was right. ")  # the page itself says what it was
    guess = choice.locator(f'button[value]:not([value^="{right}"])').first
    guess.click()
    expect(chosen).to_contain_text("You predicted: ")
    page.reload()  # the browser has stored the answer
    expect(answer).to_contain_text("You predicted 1,000: ")
    expect(guess).to_have_attribute("aria-pressed", "true")
    hidden = page.locator("[class*=veil-]:not(.unveiled)")
    assert hidden.count()
    page.get_by_role("button", name="Show all answers").click()
    expect(hidden).to_have_count(0)
    assert not page.get_by_text("No prediction from you yet").count()
    assert not page.get_by_text("Run this cell to change it").count()
    assert not findings(page, "body")


def test_code_is_folded_and_stays_as_the_reader_left_it(browser, site):
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto((site / f"{LESSON}.html").as_uri())
    code, summaries = page.locator(".cell_input"), page.locator("details.code > summary")
    expect(code.first).to_be_hidden()
    expect(page.get_by_text("already on this machine")).to_be_hidden()
    expect(page.locator(".ran")).to_contain_text("an earlier run")
    summaries.nth(1).click()
    expect(code.nth(1)).to_be_visible()
    page.wait_for_function("localStorage.getItem('open-the-box-code')")
    page.reload()
    expect(code.nth(1)).to_be_visible()
    expect(code.nth(2)).to_be_hidden()
    page.get_by_role("button", name="Show all code").click()
    page.reload()
    expect(code.last).to_be_visible()
    without = browser.new_page(java_script_enabled=False)
    without.goto((site / f"{LESSON}.html").as_uri())
    expect(without.locator(".cell_input").first).to_be_visible()
    expect(without.locator("[class*=veil-]").first).to_be_visible()


def test_folded_code_is_named_by_the_functions_in_it(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "website")
    import lessons

    code = "def one(text):\n    def inside():\n        return 1\n\n\ndef two():\n    return 2"
    assert lessons._label(code) == "Show code: <code>one</code>, <code>two</code>"
    assert lessons._label("print(1)") == "Show code"


def test_the_front_page_says_where_to_continue(browser, site):
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto((site / f"{LESSON}.html").as_uri())
    page.locator("article").press("End")
    page.wait_for_function("Object.values(openTheBox.memory.read('read')).some((read) => read.done)")
    page.goto((site / "index.html").as_uri())
    expect(page.locator("[data-lesson].done")).to_contain_text("Open the box")
    expect(page.locator(".start")).to_have_text("Continue with lesson 01")


def test_a_phones_first_screen_has_the_start_and_the_number_to_drag(browser, site):
    page = browser.new_page(viewport={"width": 360, "height": 800})
    page.set_default_timeout(PATIENCE)
    page.goto((site / "index.html").as_uri())
    expect(page.locator(".ow-core")).to_be_visible()
    boxes = [page.locator(name).bounding_box() for name in (".start", ".ow-core")]
    assert all(box["y"] + box["height"] < 800 for box in boxes), boxes


@pytest.mark.parametrize("number", [DECKS[0], *(pytest.param(number, marks=RARELY) for number in DECKS[1:])])
def test_slides_and_handouts_fit(browser, site, number):
    """Slides fit a projector, slides and handouts fit a phone, and each of them prints on one page."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(PATIENCE)
    page.goto((site / "slides" / f"{number}.html").as_uri())
    slides = page.locator(".slide")
    count = slides.count()
    for part in (".slide", ".slide .body"):
        over = page.locator(part).evaluate_all(
            "all => all.map(one => [one.scrollHeight - one.clientHeight, one.scrollWidth - one.clientWidth])"
        )
        assert max(max(both) for both in over) <= 1, over
    scales = page.locator(".fit").evaluate_all("all => all.map(one => +one.style.getPropertyValue('--fit'))")
    assert all(scale > 0.55 for scale in scales), scales
    page.keyboard.press("End")
    page.wait_for_function("document.querySelector('#verdicts').parentElement.id === location.hash.slice(1)")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    with page.expect_popup() as popup:
        page.keyboard.press("n")
    expect(popup.value.locator("details.notes[open] div").first).to_be_visible()
    assert popup.value.url.endswith("?notes#2")
    expect(page.locator("details.notes").first).to_be_hidden()
    page.keyboard.press("ArrowRight")
    popup.value.wait_for_url("**?notes#3")
    assert page.url.endswith("#3") and not findings(page, "body")
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == count
    page.goto((site / "handouts" / f"{number}.html").as_uri())
    assert page.locator(".sheet").evaluate("one => one.scrollHeight - one.clientHeight") <= 1
    scale = page.locator(".fit").evaluate("one => +one.style.getPropertyValue('--fit')")
    assert scale > 0.6, scale  # smaller letters could not be read on paper
    cut = "all => all.map(one => one.scrollHeight - one.clientHeight)"
    assert all(height <= 1 for height in page.locator(".picture").evaluate_all(cut))
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 1
    for folder in ("slides", "handouts"):
        page.set_viewport_size({"width": 360, "height": 740})
        page.goto((site / folder / f"{number}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert not findings(page, "body")


def test_the_hour_prints_on_one_page(browser, site):
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.set_default_timeout(PATIENCE)
    page.goto((site / "handouts" / "hour.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert not findings(page, "body")
    page.set_viewport_size({"width": 794, "height": 1123})  # A4
    page.emulate_media(media="print")
    assert page.locator(".sheet").evaluate("one => one.scrollHeight - one.clientHeight") <= 1
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 1


def test_the_five_claims_print_on_one_page(browser, site):
    """The paper task of lesson 16 must fit on one page. Other paper tasks may take two."""
    page = browser.new_page(viewport={"width": 794, "height": 1123})  # A4
    page.set_default_timeout(PATIENCE)
    page.goto((site / "handouts" / "paper-16.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == 794
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 1
    page.set_viewport_size({"width": 360, "height": 740})
    page.reload()
    assert page.evaluate("document.documentElement.scrollWidth") == 360 and not findings(page, "body")


@pytest.mark.parametrize(
    "number", ["00", *(pytest.param(number, marks=RARELY) for number in ("10", "11", "12"))]
)
def test_answers_to_paper_tasks_appear_in_the_page(browser, site, number, monkeypatch):
    """Presses the buttons that each task names. Each number of the task's answer must then have appeared."""
    monkeypatch.syspath_prepend(ROOT / "website")
    import handouts

    given = handouts.tasks()[number]
    page = browser.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page.set_default_timeout(PATIENCE)
    pressed = [task for task in given["tasks"] if "press" in task]
    for task in pressed:
        page.goto((site / "explorables" / f"{given['page']}.html").as_uri())
        view = page.locator("#view")
        expect(view).to_contain_text(re.compile(r"\S"))
        seen = view.inner_text()
        for label in task["press"]:
            view.get_by_text(label, exact=True).first.click()
            page.wait_for_timeout(500)
            seen += view.inner_text()
        figures = set(re.findall(r"\d[\d,]*\d|\d", task["answer"]))
        end = time.monotonic() + PATIENCE / 1000
        while not figures <= set(re.findall(r"\d[\d,]*\d|\d", seen)) and time.monotonic() < end:
            page.wait_for_timeout(500)
            seen += view.inner_text()
        assert figures <= set(re.findall(r"\d[\d,]*\d|\d", seen)), task["ask"]
    assert pressed


@pytest.mark.everything(reason="loads two models, and waits for what they write")
def test_the_hour_of_the_timetable_can_be_taught(browser, site, monkeypatch):
    """Presses the buttons that each row of the timetable names. The view must then show the row's numbers."""
    monkeypatch.syspath_prepend(ROOT / "website")
    import shell

    text = (ROOT / "docs" / "timetables.md").read_text(encoding="utf-8").split("\n## One hour")[1]
    text = text.split("\n## ")[0]
    opened = re.findall(r"^\d\. \[.+?\]\((\S+?)\)(.*)$", text, re.M)
    tabs = []
    with served(site) as address:
        for link, more in opened:
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            page.set_default_timeout(PATIENCE)
            page.goto(link.replace(shell.website(), f"{address}/"))
            labels = re.findall(r"\*\*(.+?)\*\*", more)
            for label in labels:
                page.get_by_text(label, exact=True).click()
            if labels:
                expect(page.locator(".wake")).to_contain_text("The model is awake", timeout=PATIENCE)
            tabs.append(page)
        names = dict(zip(("front page", "second tab", "third tab", "fourth tab"), tabs, strict=True))
        page = tabs[0]
        for _, press, _, expected in re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", text, re.M):
            page = next((names[name] for name in names if name in press), page)
            page.bring_to_front()
            view, seen = page.locator("#view"), ""
            for label, end in re.findall(r"\*\*(.+?)\*\*|(left|right) end", press):
                if end:
                    view.locator("input[type=range]").first.press("Home" if end == "left" else "End")
                elif label.isdigit():
                    view.locator("button", has_text=re.compile(rf"^\s*{label}\D")).first.click()
                else:
                    if label == "Draw":
                        view.get_by_placeholder("Or type a prompt").fill("owl on a red background")
                    if label == "■ Stop":
                        page.wait_for_timeout(1500)
                    view.get_by_text(label.removeprefix("✗ "), exact=True).first.click()
                page.wait_for_timeout(300)
                seen += view.inner_text()
            for figure in re.findall(r"\d[\d,]*%|\d+ of \d+", expected):
                if figure not in seen:
                    expect(view).to_contain_text(figure, timeout=PATIENCE)


def test_every_question_of_a_lesson_has_a_form(site):
    """The page has one form for each `course.predict`, and one "yours" element for each `course.reveal`."""
    html = (site / f"{LESSON}.html").read_text(encoding="utf-8")
    notebook = nbformat.read(ROOT / f"{LESSON}.ipynb", as_version=4)
    asked = [cell.source for cell in notebook.cells if "course.predict(" in cell.source]
    assert html.count('<form class="prediction"') == len(asked) > 1
    assert html.count('class="yours"') == sum("course.reveal(" in cell.source for cell in notebook.cells)


def test_the_photograph_of_an_explorable_leads_to_it_and_so_does_a_link_above(site):
    html = (site / f"{LESSON}.html").read_text(encoding="utf-8")
    links = re.findall(r'<p class="live"><a class="reference" href="([^"]+)"', html)
    above = r'<p class="live"><a class="reference" href="([^"]+)">[^<]*</a></p>'
    photograph = r'<figure class="photograph"[^>]*><a href="\1"><img '
    assert links and re.findall(f"{above}.{{0,200}}?{photograph}", html, re.S) == links


def test_search_knows_neither_code_nor_the_answers_of_a_quiz(site):
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    lessons = [nbformat.read(ROOT / f"{name}.ipynb", as_version=4) for name in (LESSON, RANGES)]
    cells = [cell for lesson in lessons for cell in lesson.cells]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    outputs = [
        output.get("text", "") + output.get("data", {}).get("text/html", "")
        for cell in cells
        for output in cell.get("outputs", ())
    ]
    outputs = [html for html in outputs if "Not this one" not in html]
    shown = " ".join([readme, *outputs, *(cell.source for cell in cells if cell.cell_type == "markdown")])
    items = quizzes.load("00") + quizzes.load("05")
    why = " ".join(choice.why for item in items for choice in item.choices)
    # The search index has word stems, so compare the first six letters.
    answers = {word for word in re.findall(r"[a-z]{7,}", why) if word[:6] not in shown.lower()}
    assert len(answers) > 1 and '"magazin"' in index
    assert [word for word in [*answers, "gibberish"] if f'"{word[:6]}' in index] == []


def test_search_finds_a_word_of_a_lesson(browser, site):
    page = browser.new_page()
    page.goto((site / "search.html").as_uri() + "?q=magazine")
    results = page.locator("#search-results a")
    expect(results.first).to_be_visible(timeout=PATIENCE)
    results.first.click()
    assert page.url.partition("?")[0] == (site / f"{LESSON}.html").as_uri()


@pytest.mark.parametrize(
    ("html", "says"),
    [
        ('<a href="gone.html">', "does not exist"),
        ('<a href="other.html#gone">', "not on that page"),
        ('<a href="#gone">', "not on that page"),
        ('<a href="http://example.org/">', "not https"),
        ('<a href="javascript:void(0)">', "not https"),
        ('<img src="gone.png">', "does not exist"),
        ('<img src="https://example.org/a.png">', "another server"),
        ('<script src="//example.org/a.js">', "another server"),
        ('<link rel="stylesheet" href="https://example.org/a.css">', "another server"),
        ('<div style="background: url(https://example.org/a.png)">', "another server"),
    ],
)
def test_each_fault_of_a_page_is_found(check, tmp_path, html, says):
    fine = (
        '<a href="page.html">, <a href="#top">, <a href="other.html#place">, <a href="https://example.org/">'
    )
    (tmp_path / "other.html").write_text('<p id="place">')
    (tmp_path / "page.html").write_text(f'<p id="top"><img src="data:image/png;base64,">{fine}')
    assert not list(check.faults(check.read(tmp_path)))
    (tmp_path / "page.html").write_text(html)
    (sentence,) = check.faults(check.read(tmp_path))
    assert says in sentence


def test_a_style_sheet_with_a_missing_file_is_found(check, tmp_path):
    (tmp_path / "font.woff").touch()
    (tmp_path / "a.css").write_text("a { src: url('font.woff') } b { src: url(data:font/woff;base64,) }")
    assert not list(check.sheets(tmp_path))
    (tmp_path / "a.css").write_text('@import "https://example.org/b.css"; a { src: url("gone.woff") }')
    assert len(list(check.sheets(tmp_path))) == 2


def test_every_source_has_a_page(check, tmp_path):
    """The check reports each lesson, page of docs/ and exercise that an empty site lacks."""
    sentences = "\n".join(check.missing(tmp_path, {}))
    for source in [
        *ROOT.glob("notebooks/*.ipynb"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("exercises/*/*.ipynb"),
    ]:
        assert source.relative_to(ROOT).with_suffix(".html").as_posix() in sentences
