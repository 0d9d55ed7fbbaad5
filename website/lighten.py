"""Makes the pages that Sphinx writes load faster: one small style sheet, scripts that wait, and less HTML."""

import hashlib
import re
from collections import Counter
from html import unescape

# Matches the links to two or more style sheets of Sphinx's in a page's <head>.
SHEETS = re.compile(r'(?:<link rel="stylesheet" type="text/css" href="[^"]*_static/[^"]+" />\s*){2,}')
# Matches names, punctuation and spaces in highlighted code. They need no element of their own, because they
# have the colour of the code around them (see `pygments_style` in conf.py).
PLAIN = re.compile(r'<span class="(?:n|nn|nx|p|w)">([^<]*)</span>')
SCRIPT = re.compile(r'<script src="([^"]*_static/)')
# Matches the beginning of an element that has a style attribute and no class.
STYLED = re.compile(r'<(?!\w+[^<>]* class=)(\w+[^<>]*?) style="([^"]+)"')
# Style attributes with these words stay as they are, because style sheets and scripts look for the words
# there.
SOUGHT = ("overflow-x", "ui-monospace")
# Matches the rules for the 256 colours of terminals, which are most of myst-nb's style sheet. They are left
# out if no page needs them.
TERMINAL = re.compile(r"[^{}]*\.-Color[^{}]*\{[^{}]*\}")


def lighten(folder):
    """Change all pages of a website, built in `folder`, that load several of Sphinx's style sheets."""
    texts = {path: path.read_text(encoding="utf-8") for path in folder.rglob("*.html")}
    terminal = any("-Color" in text for text in texts.values())
    made = {}  # {names of the style sheets that a page loads: name of the one sheet that joins them}
    for path, text in texts.items():
        found = SHEETS.search(text)
        if not found:
            continue
        names = tuple(re.findall(r"_static/([^\"?]+)", found[0]))
        if names not in made:
            sheet = "\n".join((folder / "_static" / name).read_text(encoding="utf-8") for name in names)
            sheet = smaller(sheet if terminal else TERMINAL.sub("", sheet))
            name = f"all-{hashlib.sha256(sheet.encode()).hexdigest()[:8]}.css"
            (folder / "_static" / name).write_text(sheet, encoding="utf-8")
            made[names] = name
        root = "../" * (len(path.relative_to(folder).parts) - 1)
        text = text.replace(found[0], f'<link rel="stylesheet" href="{root}_static/{made[names]}">\n')
        text = named(PLAIN.sub(r"\1", text))
        if path.name != "search.html":  # scripts in search.html need the linked scripts at once
            text = SCRIPT.sub(r'<script defer src="\1', text)
        path.write_text(text, encoding="utf-8")


def named(text):
    """Replace each style attribute that many elements of a page share by a class, defined once in <head>.

    A style attribute wins over style sheets. The rules of the class are !important, so that they win, too.
    """
    found = Counter(style for _, style in STYLED.findall(text))
    often = [
        style
        for style, times in found.items()
        if times > 2 and len(style) > 20 and not any(word in style for word in SOUGHT)
    ]
    classes = {style: f"y{number}" for number, style in enumerate(often)}
    rules = "".join(
        f".{name}{{{unescape(style).rstrip('; ').replace(';', ' !important;')} !important}}\n"
        for style, name in classes.items()
    )
    text = STYLED.sub(
        lambda tag: f'<{tag[1]} class="{classes[tag[2]]}"' if tag[2] in classes else tag[0], text
    )
    return text.replace("</head>", f"<style>\n{rules}</style></head>", 1) if rules else text


def smaller(sheet):
    """Return a style sheet without needless spaces and without comments, except those that begin with /*!."""
    sheet = re.sub(r"/\*(?!!).*?\*/", "", sheet, flags=re.S)
    sheet = re.sub(r"\s+", " ", sheet)
    return re.sub(r" ?([{};]) ?", r"\1", sheet).replace(";}", "}").strip() + "\n"
