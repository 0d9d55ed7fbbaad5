"""Defines what all pictures of the course share: colours, the white card, and the class `Picture`.

JupyterLab removes <script>, <style>, <svg> and aria attributes from a notebook that has not been run yet. So
a picture is plain HTML with inline styles, or one <img> with a description.
"""

import base64
import contextlib
import io
import sys
from dataclasses import dataclass
from html import escape

import numpy

# BLUE and VERMILLION are the colours "against" and "ember" of widgets/identity.css for a light page. GREEN,
# PURPLE and SKY_BLUE are from Okabe and Ito (2008), "Color Universal Design", whose colours can be told apart
# with every kind of colour vision.
BLUE, VERMILLION, ORANGE = "#0a6c8e", "#b93a06", "#e8872b"
BLACK, SKY_BLUE, GREEN, PURPLE = "#000000", "#56B4E9", "#009E73", "#CC79A7"

INK = "#1b1f24"
QUIET = "#57606a"  # the colour of ranks, units and notes; its contrast on white is 6:1
LINE = "#d5d9de"
TRACK = "#eef1f4"
MARK = "#7c87a6"  # the edges of token chips

SANS = "system-ui,sans-serif"
MONO = "ui-monospace,Menlo,Consolas,monospace"
IMAGE_DPI = 150
CSS_PIXELS_PER_INCH = 96


@dataclass(frozen=True)
class Picture:
    """A picture that a notebook shows.

    html : the picture as HTML that JupyterLab's sanitiser leaves unchanged.
    alt : the picture in words, which screen readers, terminals and tests read.
    """

    html: str
    alt: str

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.html, "text/plain": self.alt}

    def __str__(self):
        return self.alt


def bundle(widget, picture):
    """Return a MIME bundle that has three forms of one thing: a live widget, HTML and text.

    A page shows the first of these forms that it supports.

    widget : a widget of ipywidgets.
    picture : a `Picture`, which gives the HTML and the text.
    """
    # ipywidgets 8 could make this entry of the bundle itself. Version 7, which Colab has, can't.
    live = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {"application/vnd.jupyter.widget-view+json": live, **picture._repr_mimebundle_()}


def card(inner, title=None, note=None):
    """Put HTML on the white card that every picture has, so that the HTML can be read in dark themes, too.

    title : plain text that says what the picture shows, placed above the HTML.
    note : plain text that says how to read the marks, placed below the HTML.
    """
    above = below = ""
    if title:
        above = (
            f'<figcaption style="margin:0 0 10px 0;font-weight:600;font-size:15px;color:{INK}">'
            f"{escape(title)}</figcaption>"
        )
    if note:
        below = f'<div style="margin-top:8px;font-size:13px;color:{QUIET}">{escape(note)}</div>'
    return (
        f'<figure style="margin:6px 0;padding:14px 16px;background:#ffffff;color:{INK};'
        f"border:1px solid {LINE};border-radius:8px;box-sizing:border-box;max-width:760px;"
        f'font-family:{SANS};font-size:14px;line-height:1.45;text-align:left">{above}{inner}{below}</figure>'
    )


def table_html(rows, *, width="width:100%;", more=";font-size:14px"):
    """Return an HTML table of rows made by `row_html`. `width` and `more` are added to the table's style."""
    return (
        f'<table style="{width}margin:0;border:none;border-collapse:collapse;table-layout:auto{more}">'
        f"<tbody>{rows}</tbody></table>"
    )


def row_html(cells, more=""):
    """Return a table row. The row's white background replaces the stripes that JupyterLab gives to tables."""
    return f'<tr style="background:#ffffff{more}">{cells}</tr>'


def scrolled(html, look="overflow-x:auto"):
    """Return HTML that can be scrolled sideways, even by keyboard, if the page is narrower than the HTML."""
    return f'<div tabindex="0" style="{look}">{html}</div>'


def legend_html(entries):
    """Return HTML of a legend: its entries (HTML) side by side."""
    return "".join(
        f'<span style="display:inline-block;margin:0 14px 4px 0">{entry}</span> ' for entry in entries
    )


def array(values):
    """Return an array or tensor, of any type and on any device, as a float64 array of the same shape."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().double()  # numpy supports neither bfloat16 nor gradients
    return numpy.asarray(values, dtype=numpy.float64)


def number(value):
    """Format a number for a reader: 884,736 or 5.876 or 0.0042.

    Numbers from 1,000 have no decimals. Smaller numbers have at most four significant digits.
    """
    if float(value).is_integer() or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def signed(value, digits):
    """Format a number with `digits` decimals and a true minus sign, such as −7.3, and never as −0."""
    return f"{round(float(value), digits) + 0:.{digits}f}".replace("-", "−")


@contextlib.contextmanager
def style():
    """Draw the matplotlib figures inside a `with` block in the course's style: `with views.style(): ...`."""
    import matplotlib
    from cycler import cycler

    colours = [BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY_BLUE, BLACK]
    dashes = ["-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1))]
    settings = {
        "figure.figsize": (6.5, 3.6),
        "figure.facecolor": "white",
        "figure.constrained_layout.use": True,
        "savefig.facecolor": "white",
        "font.family": "DejaVu Sans",
        "font.size": 12,
        "axes.titlesize": 13,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 10,
        "axes.facecolor": "white",
        "axes.edgecolor": QUIET,
        "axes.labelcolor": INK,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": cycler(color=colours) + cycler(linestyle=dashes),
        "grid.color": "#e6e9ec",
        "lines.linewidth": 2.2,
        "text.color": INK,
        "xtick.color": QUIET,
        "ytick.color": QUIET,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "legend.frameon": False,
    }
    with matplotlib.rc_context(settings):
        yield


def from_figure(figure, *, alt, title=None) -> Picture:
    """Turn a matplotlib figure, made with any backend, into a picture, and close the figure.

    figure : matplotlib.figure.Figure.
    alt : str, what the figure shows, in words and numbers.
    title : str, written above the picture.

    The picture is one PNG at 150 dots per inch. On the page it has the figure's width in inches. On a page
    that is narrower than this, it is as wide as the page.
    """
    return Picture(card(figure_html(figure, alt), title), alt)


def figure_html(figure, alt):
    """Return a matplotlib figure as the <img> that `from_figure` puts on a card, and close the figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=IMAGE_DPI, metadata={"Software": None})
    # If the lesson used pyplot, the figure would be shown again below the cell unless it is closed here.
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(figure)
    width, height = (round(inches * CSS_PIXELS_PER_INCH) for inches in figure.get_size_inches())
    return (
        f'<img alt="{escape(alt)}" width="{width}" height="{height}" '
        f'style="display:block;max-width:100%;height:auto;margin:0" src="{data_url(buffer.getvalue())}">'
    )


def data_url(content, media_type="image/png"):
    """Return bytes as a data URL, so that the page needs no other file."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def png_url(image):
    """Return a Pillow image as the data URL of a PNG."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return data_url(buffer.getvalue())
