"""The course's colours, fonts and logo, for self-contained HTML files that people keep or send."""

import base64
import functools
import re
from pathlib import Path

_HERE = Path(__file__).parent


@functools.cache
def identity(fonts: bool = True) -> tuple[str, str]:
    """Return the course's identity as CSS, for a `<body class="otb">`, and its logo as SVG.

    fonts : whether the CSS contains the course's two fonts, which are 70 kB; without them the page has
        fonts of the reader's computer
    """
    css = (_HERE / "identity.css").read_text(encoding="utf-8")
    if fonts:
        for font in _HERE.glob("fonts/*.woff2"):
            data = base64.b64encode(font.read_bytes()).decode()
            css = css.replace(f"fonts/{font.name}", f"data:font/woff2;base64,{data}")
    else:
        css = re.sub(r"@font-face \{.*?\}\n", "", css)
    return css, (_HERE / "mark.svg").read_text(encoding="utf-8")
