"""Makes the HTML around the pages that Sphinx does not write: front page, explorables, slides, handouts."""

import hashlib
import json
import shutil
import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "website" / "pictures"
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"][
    "Repository"
]
MARK = """<svg viewBox="0 0 64 64" aria-hidden="true">
<path d="M14 32v24h36V32M14 32 4 20M50 32l10-12M14 32h10M40 32h10" fill="none" stroke="var(--ink)"
stroke-width="6" stroke-linecap="round" stroke-linejoin="round"/>
<circle cx="32" cy="18" r="9" fill="var(--ember)"/></svg>"""
# Loads the fonts early, so that no text is laid out twice. Pages that are opened from a folder (file:) load
# no fonts early, because the browser would report an error.
FONTS = """<script>if (location.protocol !== "file:") for (const name of ["next", "mono"])
  document.head.append(Object.assign(document.createElement("link"), {{ rel: "preload", as: "font",
    type: "font/woff2", crossOrigin: "", href: `{live}/fonts/atkinson-${{name}}.woff2` }}))</script>"""
# Sets the theme that the visitor chose, light or dark, before the page is painted. The pages that Sphinx
# writes store this choice under the same name, "theme".
THEME = """const chosen = (() => { try { return localStorage.getItem("theme") } catch { return null } })();
if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;"""


def website():
    """Return the website's own address, which GitHub Pages derives from the repository's address."""
    owner, name = REPOSITORY.rstrip("/").split("/")[-2:]
    return f"https://{owner}.github.io/{name}/"


def page(title, description, body, address, view=None, name=None):
    """Return a whole page.

    address : the page's path on the website
    view : the explorable that the page shows
    name : what stands beside the course's name at the top
    """
    root = "../" * address.count("/")
    live = f"{root}explorables/live"
    style = f'<link rel="stylesheet" href="{live}/{view}.css">' if view else ""
    beside = f'<span class="name">{escape(name)}</span>' if name else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · Open the Box</title>
<meta name="description" content="{escape(description)}">
{card(title, description, address, view)}
<link rel="icon" href="{live}/mark.svg" type="image/svg+xml">
{FONTS.format(live=live)}
<link rel="stylesheet" href="{live}/identity.css">
<link rel="stylesheet" href="{live}/page.css">
{style}
<script>{THEME}</script>
<script src="{live}/shell.js" data-root="{root}" defer></script>
</head>
<body class="otb">
<div class="page">
<header class="top"><a href="{root}index.html">{MARK}<span>Open the Box</span></a>{beside}
<button id="theme" type="button">Light or dark</button></header>
<main>
{body}
</main>
</div>
<noscript>The pictures of this page need JavaScript. The lessons can be read without.</noscript>
<script type="module" src="{live}/page.js"></script>
</body>
</html>
"""


def sheet(title, body, address, kind):
    """Return a page for a projector or for paper, with the style `kind`.css and the script slides.js."""
    root = "../" * address.count("/")
    live = f"{root}explorables/live"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · Open the Box</title>
<link rel="icon" href="{live}/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="{live}/identity.css">
<link rel="stylesheet" href="{live}/{kind}.css">
<script>{THEME}</script>
<script src="{live}/slides.js" defer></script>
</head>
<body class="otb {kind}">
<main>
{body}
</main>
</body>
</html>
"""


def card(title, description, address, view):
    """Return the <meta> elements from which chats and social networks make the preview of a link."""
    name = view if (PICTURES / f"{view}-card.webp").is_file() else "one_weight"
    picture = f"{website()}explorables/pictures/{name}.jpg"
    facts = {
        "og:type": "website",
        "og:site_name": "Open the Box",
        "og:title": title,
        "og:description": description,
        "og:url": website() + address.removesuffix("index.html"),
        "og:image": picture,
        "og:image:width": "1200",
        "og:image:height": "630",
    }
    named = [f'<meta property="{key}" content="{escape(value)}">' for key, value in facts.items()]
    return "\n".join([*named, '<meta name="twitter:card" content="summary_large_image">'])


def write_pictures(folder):
    """Copy the explorables' miniatures, and write their social cards as JPEG, which every network reads."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for miniature in PICTURES.glob("*.webp"):
        if miniature.stem.endswith("-card"):
            name = miniature.stem.removesuffix("-card")
            Image.open(miniature).convert("RGB").save(folder / f"{name}.jpg", quality=82, optimize=True)
        else:
            shutil.copy(miniature, folder)


def write_worker(folder):
    """Write a built website's service worker. The worker's version is a hash of the files that it keeps."""
    kept = [folder / "index.html", *sorted((folder / "explorables").rglob("*"))]
    kept = [
        path for path in kept if path.suffix in (".html", ".js", ".css", ".json", ".svg", ".webp", ".woff2")
    ]
    kept = [
        path for path in kept if path.name not in ("folder.js", "worker.js") and "models" not in path.parts
    ]
    names = [path.relative_to(folder).as_posix() for path in kept]
    everything = b"".join(path.read_bytes() for path in kept)
    version = hashlib.sha256(everything).hexdigest()[:12]
    script = folder / "explorables" / "live" / "worker.js"
    worker = script.read_text(encoding="utf-8")
    worker = worker.replace('VERSION = ""', f'VERSION = "{version}"')
    worker = worker.replace("FILES = []", f"FILES = {json.dumps(names)}")
    # The worker lies at the top of the website, because a service worker serves only its own folder.
    (folder / "worker.js").write_text(worker, encoding="utf-8")
