"""Checks a built website: python website/check.py FOLDER

Every internal link must lead to an existing file, and a link with a # to an existing anchor. External
links must be https, and pages must load nothing from other servers. Every notebook and every page of docs/
must have a page on the website, with all stored pictures.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
from conf import include_patterns
from shell import ROOT


class Page(HTMLParser):
    """Collects an HTML file's `links`, the files that it `loads`, its `anchors` and its `pictures`.

    `pictures` is the number of stored HTML outputs.
    """

    def __init__(self, text):
        super().__init__()
        self.links, self.loads, self.anchors, self.pictures = [], [], set(), 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.anchors |= {attrs[name] for name in ("id", "name") if attrs.get(name)}
        self.pictures += (attrs.get("class") or "").split()[:2] == ["output", "text_html"]
        if "href" in attrs:
            (self.loads if tag == "link" else self.links).append(attrs["href"])
        self.loads += [attrs[name] for name in ("src", "poster", "data") if attrs.get(name)]
        self.loads += re.findall(r"url\(['\"]?([^'\")]+)", attrs.get("style") or "")


def read(folder):
    """Return the pages below a folder, as a dictionary from path to `Page`."""
    return {path: Page(path.read_text(encoding="utf-8")) for path in sorted(folder.resolve().rglob("*.html"))}


def faults(pages):
    """Yield a sentence for each link or loaded file that breaks a rule."""
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
                yield f"{path} links to {link}, which does not exist"
            elif parts.fragment and unquote(parts.fragment) not in getattr(pages.get(target), "anchors", ()):
                yield f"{path} links to {link}, an anchor that is not on that page"


def sheets(folder):
    """Yield a sentence each time a style sheet below a folder loads a file that does not exist."""
    for path in sorted(folder.rglob("*.css")):
        for load in re.findall(r"@import|url\((?!['\"]?data:)[^)]+", path.read_text(encoding="utf-8")):
            named = load.removeprefix("url(").strip("'\"")
            if not (path.parent / named).is_file():
                yield f"{path} loads {named}, which does not exist"


def missing(folder, pages):
    """Yield a sentence for each source without a page, and for each page without all stored pictures."""
    for source in sorted(path for pattern in include_patterns for path in ROOT.glob(pattern)):
        path = folder.resolve() / source.relative_to(ROOT).with_suffix(".html")
        if path not in pages:
            yield f"{path} does not exist"
        elif source.suffix == ".ipynb":
            cells = nbformat.read(source, as_version=4).cells
            outputs = [output for cell in cells for output in cell.get("outputs", [])]
            stored = sum("text/html" in output.get("data", {}) for output in outputs)
            if pages[path].pictures != stored:
                yield f"{path} shows {pages[path].pictures} of {stored} stored pictures"


if __name__ == "__main__":
    built = Path(sys.argv[1])
    found = read(built)
    problems = [*faults(found), *sheets(built), *missing(built, found)]
    links = sum(len(page.links) for page in found.values())
    pictures = sum(page.pictures for page in found.values())
    counts = f"{len(found)} pages, {links:,} links and {pictures} pictures: nothing is missing"
    print("\n".join(problems) or counts)
    sys.exit(bool(problems))
