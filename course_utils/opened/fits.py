"""An explorer that shows which published models fit in a memory, and what would make the others fit."""

from html import escape

import ipywidgets

from course_utils import blueprints
from course_utils.units import size
from course_utils.views.picture import BLUE, INK, LINE, ORANGE, QUIET, TRACK, Picture, card
from course_utils.widgets.explorer import Explorer, check_start

MEMORY = (2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 80, 96, 128, 160, 192, 256, 320, 512, 640, 1024, 2048)  # GB
BITS = (32, 16, 8, 4)
CONTEXT = tuple(2**power for power in range(9, 18))  # 512 to 131,072 tokens
BATCH = (1, 2, 4, 8, 16, 32, 64)
_DTYPE_OF_BITS = {bits: dtype for dtype, bits in blueprints.BITS.items()}


class Fits(Explorer):
    """Shows what each published model needs, compared with a memory that the learner can choose.

    Further sliders choose bits, context and batch. The bars show weights and key-value cache; a pass through
    the model needs more memory for its intermediate results.

    Parameters
    ----------
    memory: int, GB (10^9 bytes) at the start; one of MEMORY.
    bits: int, bits per weight at the start; one of BITS.
    context: int, tokens in each sequence at the start; one of CONTEXT.
    batch: int, sequences in a batch at the start; one of BATCH.

    Raises
    ------
    CourseError: if a value is not one of those that its slider has.
    """

    def __init__(self, memory=16, bits=16, context=2048, batch=1):
        starts = {"memory": memory, "bits": bits, "context": context, "batch": batch}
        places = {"memory": MEMORY, "bits": BITS, "context": CONTEXT, "batch": BATCH}
        for name, start in starts.items():
            check_start(name, start, places[name])
        # Counting a blueprint takes up to a second, so all are counted before the first slider moves.
        self.plans = [blueprints.blueprint(name) for name in blueprints.names()]
        descriptions = ("memory (GB)", "bits per weight", "context (tokens)", "batch (texts at once)")
        sliders = [
            ipywidgets.SelectionSlider(
                value=starts[name],
                options=[(f"{place:,}", place) for place in places[name]],
                description=description,
            )
            for name, description in zip(places, descriptions, strict=True)
        ]
        self.memory, self.bits, self.context, self.batch = sliders
        super().__init__(sliders)
        for slider in sliders:
            slider.observe(self.update, "value")

    def render(self):
        import psutil

        here = psutil.virtual_memory().total / 1e9
        return self._draw(
            f"This machine has {here:.0f} GB of memory in all, for every program that runs on it."
        )

    def still(self):
        """Return the picture without this machine's memory, because a reader's machine has another."""
        return self._draw()

    def _draw(self, here=""):
        memory = self.memory.value * 10**9
        rows, said, fitting = "", [], 0
        for plan in self.plans:
            weights, cache, read = self._needs(plan, self.bits.value, self.context.value, self.batch.value)
            fits = weights + cache <= memory
            fitting += fits
            verdict = "fits" if fits else f"does not fit, {self._remedy(plan)}"
            note = f" (at most {read:,} tokens)" if cache and read < self.context.value else ""
            needs = f"{size(weights + cache)}{note}"
            rows += _row(plan.title, weights, cache, memory, fits, needs, verdict)
            said.append(f"{plan.title}: {needs}, {verdict}")
        setting = (
            f"{self.memory.value:,} GB of memory, {self.bits.value} bits, {self.context.value:,} tokens, "
            f"batch {self.batch.value}"
        )
        heading = f"{fitting} of {len(self.plans)} published models fit: {setting}"
        note = (
            "Bar: weights (solid), then key-value cache (striped). Full width: twice the memory; » goes on. "
            "Dashed line: the memory, in GB of 10⁹ bytes: a chip sold as 16 GB holds 17.2 of them. The "
            "working space of a pass comes on top, and other programs need memory too. Real 4- and 8-bit "
            "files are a little larger: they add scales."
        )
        above = f'<div style="margin-bottom:8px">{escape(here)}</div>' if here else ""
        return Picture(
            card(above + rows, heading, note), " ".join(filter(None, [f"{heading}.", here, "; ".join(said)]))
        )

    @staticmethod
    def _needs(plan, bits, context, batch):
        """Return the bytes of weights, the bytes of cache, and how many tokens the model can read."""
        read = min(context, plan.context_length or context)
        row = plan.memory(read, batch)[_DTYPE_OF_BITS[bits]]
        return row["weights"], row["kv_cache"], read

    def _remedy(self, plan):
        """Name the slider whose shortest move makes the model fit, or the memory that it needs at 4 bits."""
        now = {"bits": self.bits.value, "context": self.context.value, "batch": self.batch.value}
        sliders = (
            ("batch", BATCH, "a batch of {:,}"),
            ("context", CONTEXT, "a context of {:,} tokens"),
            ("bits", BITS, "{} bits"),
        )
        ways = []  # (moves of the slider, words)
        for name, places, words in sliders:
            smaller = sorted((place for place in places if place < now[name]), reverse=True)
            for moves, place in enumerate(smaller, 1):
                weights, cache, _ = self._needs(plan, **(now | {name: place}))
                if weights + cache <= self.memory.value * 10**9:
                    ways.append((moves, words.format(place)))
                    break
        if ways:
            shortest = min(ways, key=lambda way: way[0])[1]  # the first of several that are equally short
            return f"but at {shortest} it would"
        weights, cache, _ = self._needs(plan, **(now | {"bits": BITS[-1]}))
        return f"and at {BITS[-1]} bits needs {size(weights + cache)}"


def _row(title, weights, cache, memory, fits, needs, verdict):
    """Return HTML of one model: its name and verdict, and below them its bar."""
    solid, striped = (100 * part / (2 * memory) for part in (weights, cache))
    beyond = solid + striped > 100
    solid = min(solid, 100)
    striped = min(striped, 100 - solid)
    stripes = f"repeating-linear-gradient(45deg,{ORANGE} 0 3px,#ffffff 3px 6px)"
    place = "position:absolute;top:0;height:12px"
    bar = (
        f'<div style="{place};left:0;min-width:2px;width:{solid:.1f}%;background:{BLUE}"></div>'
        f'<div style="{place};left:{solid:.1f}%;width:{striped:.1f}%;background:{stripes}"></div>'
    )
    if beyond:
        bar += f'<div style="{place};right:3px;line-height:10px;color:#ffffff;font-weight:700">»</div>'
    verdict = f"<b>✓ {escape(verdict)}</b>" if fits else f"✗ {escape(verdict)}"
    return (
        f'<div style="padding:5px 0;border-top:1px solid {LINE}">'
        '<div style="display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 14px">'
        f'<div><b>{escape(title)}</b> <span style="color:{QUIET}">{escape(needs)}</span></div>'
        f"<div>{verdict}</div></div>"
        f'<div style="position:relative;height:12px;background:{TRACK};margin-top:3px">{bar}'
        '<div style="position:absolute;left:50%;top:-3px;bottom:-3px;width:0;'
        f'border-left:2px dashed {INK}"></div></div></div>'
    )
