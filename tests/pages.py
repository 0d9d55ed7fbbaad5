"""Reads a picture's HTML, to test that JupyterLab keeps all of the HTML and that the picture fits a phone."""

import re
from html.parser import HTMLParser

# The style properties that the pictures use and that JupyterLab 4 keeps.
KEPT_PROPERTIES = """
    background border border-bottom border-collapse border-left border-radius border-top bottom box-sizing
    color display flex flex-wrap font-family font-size font-weight gap grid-template-columns height left
    line-height margin margin-bottom margin-top max-width min-width overflow-wrap overflow-x padding
    padding-left padding-top position table-layout text-align text-decoration top vertical-align white-space
    width
"""
KEPT_TAGS = "a b bdi br div figcaption figure i img s span sub table tbody td th tr"
VOID_TAGS = {"br", "img"}


class Page(HTMLParser):
    """Collects the tags, styles, images and text of some HTML. Fails if tags are not closed in order."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.styles, self.images, self.text, self.open = set(), [], [], "", []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.add(tag)
        self.styles.append(attributes.get("style", ""))
        if tag == "img":
            self.images.append(attributes)
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def assert_survives_the_sanitiser(self):
        assert self.tags <= set(KEPT_TAGS.split())
        declarations = [part for style in self.styles for part in style.split(";") if part]
        assert {part.split(":")[0] for part in declarations} <= set(KEPT_PROPERTIES.split())

    def assert_reads_when_narrow(self, widest):
        """Checks that each font size is 13 px or more, and each width and min-width `widest` px or less."""
        declarations = ";".join(self.styles)
        assert min(map(int, re.findall(r"font-size:(\d+)px", declarations))) >= 13
        assert max(map(int, re.findall(r"(?:^|;)(?:min-)?width:(\d+)px", declarations)), default=0) <= widest


class Pictures(dict):
    """Pictures by name. Until a test asks for a picture, its value is the function that draws it."""

    def __getitem__(self, name):
        picture = super().__getitem__(name)
        if callable(picture):
            self[name] = picture = picture()
        return picture
