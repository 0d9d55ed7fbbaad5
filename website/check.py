"""Checks a website that was built: python website/check.py FOLDER

Every internal link must lead to an existing file and, with a #, to an existing anchor in it. External links
must be https, and pages must load nothing from other servers. Every notebook and every page of docs/ must be
there, with all stored pictures.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
from conf import ROOT, include_patterns


class Page(HTMLParser):
    """Collects an HTML file's `links`, the files that it `loads`, its anchors (`places`) and its `pictures`.

    `pictures` is the number of stored HTML outputs.
    """

    def __init__(self, text):
        super().__init__()
        self.links, self.loads, self.places, self.pictures = [], [], set(), 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.places |= {attrs[name] for name in ("id", "name") if attrs.get(name)}
        self.pictures += (attrs.get("class") or "").split()[:2] == ["output", "text_html"]
        if "href" in attrs:
            (self.loads if tag == "link" else self.links).append(attrs["href"])
        self.loads += [attrs[name] for name in ("src", "poster", "data") if attrs.get(name)]
        self.loads += re.findall(r"url\(['\"]?([^'\")]+)", attrs.get("style") or "")


def read(folder):
    """Reads the pages below a folder into a dictionary from path to `Page`."""
    return {path: Page(path.read_text(encoding="utf-8")) for path in sorted(folder.resolve().rglob("*.html"))}


def faults(pages):
    """Yields a sentence for each link or loaded file that breaks a rule."""
    for path, page in pages.items():
        for link in page.links + page.loads:
            parts = urlsplit(link)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if parts.scheme == "data":
                continue
            if parts.scheme or parts.netloc:
                if link in page.loads:
                    yield f"{path} loads {link} from another server"
                elif parts.scheme != "https" or not parts.netloc:
                    yield f"{path} links to {link}, which is not https"
            elif not target.is_file():
                yield f"{path} links to {link}, which is not there"
            elif parts.fragment and unquote(parts.fragment) not in getattr(pages.get(target), "places", ()):
                yield f"{path} links to {link}, a place that is not on that page"


def sheets(folder):
    """Yields a sentence each time a style sheet below a folder loads a file that does not exist there."""
    for path in sorted(folder.rglob("*.css")):
        for load in re.findall(r"@import|url\((?!['\"]?data:)[^)]+", path.read_text(encoding="utf-8")):
            named = load.removeprefix("url(").strip("'\"")
            if not (path.parent / named).is_file():
                yield f"{path} loads {named}, which is not there"


def missing(folder, pages):
    """Yields a sentence for each source without a page, or whose page lacks stored pictures."""
    for source in sorted(path for pattern in include_patterns for path in ROOT.glob(pattern)):
        path = folder.resolve() / source.relative_to(ROOT).with_suffix(".html")
        if path not in pages:
            yield f"{path} is not there"
        elif source.suffix == ".ipynb":
            cells = nbformat.read(source, as_version=4).cells
            outputs = [output for cell in cells for output in cell.get("outputs", [])]
            stored = sum("text/html" in output.get("data", {}) for output in outputs)
            if pages[path].pictures != stored:
                yield f"{path} shows {pages[path].pictures} of {stored} stored pictures"


if __name__ == "__main__":
    built = Path(sys.argv[1])
    found = read(built)
    wrong = [*faults(found), *sheets(built), *missing(built, found)]
    links = sum(len(page.links) for page in found.values())
    pictures = sum(page.pictures for page in found.values())
    print("\n".join(wrong) or f"{len(found)} pages, {links:,} links, {pictures} pictures: nothing is missing")
    sys.exit(bool(wrong))
