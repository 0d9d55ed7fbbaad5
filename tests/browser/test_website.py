"""Tests that the website shows what the notebooks store, and that its check finds faults in a page."""

import subprocess
import sys
from pathlib import Path

import pytest
from lab import PATIENCE, chromium, findings
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
LESSON = "notebooks/00_open_the_box"


@pytest.fixture
def check(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "website")
    import check

    return check


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Builds a site from two sources, which takes seconds. `make website` builds and checks them all."""
    folder = tmp_path_factory.mktemp("website")
    command = [sys.executable, "-m", "sphinx", "-q", "-c", ROOT / "website", "-d", folder / "cache"]
    command += ["-D", f"include_patterns=README.md,{LESSON}.ipynb", ROOT, folder / "site"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "site"


def test_a_lesson_becomes_a_page(check, site):
    pages = check.read(site)
    lesson = pages[site / f"{LESSON}.html"]
    found = [*check.faults(pages), *check.missing(site, pages)]
    assert not [sentence for sentence in found if "does not exist" not in sentence]  # other sources: no page
    assert lesson.pictures and "../README.html" in lesson.links
    assert any(link.startswith("https://colab.research.google.com/") for link in lesson.links)
    assert (site / "index.html").is_file()


def test_a_page_can_be_read_by_everybody(site):
    """axe-core finds nothing serious on a desktop in the light theme and on a phone in the dark theme."""
    with chromium() as browser:
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


def test_search_finds_a_word_of_a_lesson(site):
    with chromium() as browser:
        page = browser.new_page()
        page.goto((site / "search.html").as_uri() + "?q=gibberish")
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
    """The check reports each lesson and each page of docs/ that an empty site lacks."""
    sentences = "\n".join(check.missing(tmp_path, {}))
    for source in [
        *ROOT.glob("notebooks/*.ipynb"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("exercises/*/*.ipynb"),
    ]:
        assert source.relative_to(ROOT).with_suffix(".html").as_posix() in sentences
