"""Draws attention computed by hand from lists of two numbers, without a model, for lesson 03.

A list is drawn as an arrow. In a plane, the first number of the list is drawn to the right, and the second
upwards. On a dial, the first number is drawn towards 12 o'clock and the second towards 3 o'clock, so angles
grow clockwise.
"""

from math import cos, dist, pi, sin

from course_utils.views.picture import BLUE, INK, QUIET, VERMILLION, Picture, from_figure, style

# One colour for each token, dark enough for letters. The mixture is drawn in VERMILLION.
TOKEN_COLOURS = ["#5f6973", BLUE, "#00785a", "#a1508b"]
SHADES = ["#f1f4f8", "#9cd0e0", BLUE, "#053a4d"]
WIDTH = 4.8  # inches, which are 460 pixels on a laptop, and still readable on a phone


def plane(tokens, names, axes) -> Picture:
    """Draw the two numbers of each token as an arrow.

    tokens : list of lists of two numbers.
    names : list of str, the tokens' names.
    axes : list of str, what the first and the second number measure.
    """
    figure, area = _figure(3.3)
    with style():
        for colour, name, numbers in zip(TOKEN_COLOURS, names, tokens, strict=False):
            _arrow(area, numbers, colour)
            _name(area, numbers, f"{name} {listed(numbers)}", colour, below=not any(numbers))
        _plane_axes(area, axes, max(max(map(abs, numbers)) for numbers in tokens))
    words = ", ".join(f"{name} {listed(numbers)}" for name, numbers in zip(names, tokens, strict=True))
    return from_figure(figure, alt=f"Arrows: {words}. To the right: {axes[0]}; up: {axes[1]}.")


def matches(query, keys, names) -> Picture:
    """Draw how well a query fits each key.

    For each key, the picture has the products of the query's and the key's numbers, and a bar for their sum.

    query : list of two numbers, the last token's query.
    keys : list of lists of two numbers, one key for each of `names`.
    names : list of str, the tokens' names.
    """
    figure, area = _figure(0.75 + 0.5 * len(names))
    with style():
        _draw_matches(area, query, keys, names)
    return from_figure(figure, alt="; ".join(_sums(query, keys, names)))


def shares(parts, names) -> Picture:
    """Draw a bar of 100%, divided into the tokens' shares.

    parts : list of numbers from 0 to 1, which add up to 1, one for each of `names`.
    """
    figure, area = _figure(1.4)
    with style():
        _draw_shares(area, parts, names)
    return from_figure(figure, alt=_in_words(parts, names))


def mixture(parts, values, names, axes) -> Picture:
    """Draw each token's value, and the mixture of all values.

    Each value times its token's share is drawn as an arrow, which begins at the tip of the arrow before. The
    last arrow ends at the mixture.

    parts, values, names : for each token its share from 0 to 1, its list of two numbers and its name.
    axes : list of str, what the first and the second number measure.
    """
    figure, area = _figure(3.5)
    with style():
        result = _draw_mixture(area, parts, values, names, axes)
    return from_figure(
        figure, alt=f"The pieces end at {listed(result)}: that is what {names[-1]} takes home."
    )


def two_steps(query, keys, parts, names) -> Picture:
    """Draw the pictures of `matches` and `shares` in one figure, one below the other."""
    heights = [0.75 + 0.5 * len(names), 1.4]
    figure, (first, second) = _figure(sum(heights), rows=2, heights=heights)
    with style():
        _draw_matches(first, query, keys, names)
        _draw_shares(second, parts, names)
    return from_figure(
        figure, alt=f"{'; '.join(_sums(query, keys, names))}. Shares: {_in_words(parts, names)}"
    )


def three_steps(query, keys, values, parts, names, axes) -> Picture:
    """Draw the pictures of `matches`, `shares` and `mixture` in one figure, one below the other."""
    heights = [0.75 + 0.5 * len(names), 1.4, 3.5]
    figure, (first, second, third) = _figure(sum(heights), rows=3, heights=heights)
    with style():
        _draw_matches(first, query, keys, names)
        _draw_shares(second, parts, names)
        result = _draw_mixture(third, parts, values, names, axes)
    return from_figure(
        figure, alt=f"Shares: {_in_words(parts, names)}. {names[-1]} takes home {listed(result)}"
    )


def two_orders(sentences, shares, values, axes) -> Picture:
    """Draw the mixture of the tokens' values for each sentence.

    The sentences have the same tokens in different orders. Each token's value times its share is drawn as an
    arrow. Each arrow begins at the previous arrow's tip.

    sentences : list of str, each the names of its tokens with spaces between them.
    shares : for each sentence a list of numbers, one for each token.
    values : for each sentence a list with each token's value. A value is two numbers, such as [0.5, 1.0].
    axes : list of str, what the first and the second number measure.
    """
    figure, areas = _figure(2.6, rows=1, columns=len(sentences))
    words = []
    with style():
        colours = {}
        for area, sentence, parts, lists in zip(areas, sentences, shares, values, strict=True):
            here = [0.0, 0.0]
            for part, value, name in zip(parts, lists, sentence.split(), strict=True):
                colour = colours.setdefault(name, TOKEN_COLOURS[len(colours) % len(TOKEN_COLOURS)])
                end = [here[0] + part * value[0], here[1] + part * value[1]]
                area.annotate("", end, here, arrowprops=_look(colour, 3))
                middle = [(here[0] + end[0]) / 2, (here[1] + end[1]) / 2]
                _name(area, middle, name, colour, below=True, size=10)
                here = end
            area.plot(*here, "o", color=VERMILLION, markersize=8, zorder=4)
            area.annotate(
                listed(here), here, xytext=(-4, 8), textcoords="offset points", color=VERMILLION,
                fontsize=10, fontweight="bold", ha="right",
            )  # fmt: skip
            area.set(xlim=(-0.15, 1.75), ylim=(-0.4, 1.05), aspect="equal")
            area.set_title(sentence, fontsize=11)
            area.set_xlabel(f"{axes[0]}  →", color=QUIET, loc="left", fontsize=10)
            area.set_ylabel(f"{axes[1]}  →", color=QUIET, fontsize=10)
            area.tick_params(labelsize=9)
            words.append(f"{sentence}: {listed(here)}")
    return from_figure(figure, alt="; ".join(words))


def nearer(mixture, than, to) -> str:
    """Say towards which of two words a mixture lies, compared with another mixture.

    mixture, than : lists of two numbers, the mixture and another mixture.
    to : dict from the names of two words to their lists of two numbers.

    Returns "at the same point" if the mixtures are equal, "nearer to " and the first name if `mixture` is
    nearer to the first word than `than` is, and otherwise "nearer to " and the second name.
    """
    if dist(mixture, than) < 1e-9:
        return "at the same point"
    first, last = to
    return f"nearer to {first if dist(mixture, to[first]) < dist(than, to[first]) else last}"


def dials(hands, titles) -> Picture:
    """Draw a row of clock faces, each with one hand.

    hands : list of lists of two numbers, one for each face.
    titles : list of str, one above each face.
    """
    figure, _ = _figure(1.6, rows=1, columns=len(hands))
    with style():
        for face, hand, title in zip(figure.axes, hands, titles, strict=True):
            _draw_face(face)
            size = (hand[0] ** 2 + hand[1] ** 2) ** 0.5 or 1
            _arrow(face, [0.95 * hand[1] / size, 0.95 * hand[0] / size], BLUE)
            face.set_title(title, fontsize=11, loc="center", pad=2)
    words = "; ".join(f"{title}: {listed(hand)}" for title, hand in zip(titles, hands, strict=True))
    return from_figure(figure, alt=words)


def head_map(words, rows, title=None) -> Picture:
    """Draw the attention map of one head. With 8 tokens or more, only shares above 10% are written.

    words : list of str, the tokens.
    rows : for each token, in order, its list of shares: one share for each token up to itself.
    title : str, written above the picture.
    """
    import numpy
    from matplotlib.colors import LinearSegmentedColormap

    count, names = len(words), [word.strip() for word in words]
    with style():
        figure, area = _figure(1.0 + 0.52 * count, width=min(WIDTH, 1.7 + 0.62 * count))
        table = numpy.array([[*row, *[None] * (count - len(row))] for row in rows], dtype=float)
        shades = LinearSegmentedColormap.from_list("share", SHADES).with_extremes(bad="white")
        area.imshow(table, cmap=shades, vmin=0, vmax=1)
        for row in range(count):
            for column in range(row + 1):
                share = rows[row][column]
                text = percent(share) if count < 8 else (percent(share)[:-1] if share > 0.1 else "")
                ink = "white" if share > 0.5 else INK
                area.text(column, row, text, ha="center", va="center", fontsize=10, color=ink)
        area.set_yticks(range(count), names)
        area.set_xticks(range(count), names, rotation=40, ha="left")
        area.xaxis.tick_top()
        area.set_ylabel("who looks", color=QUIET, fontsize=10)
        area.set_xlabel("at which token", color=QUIET, fontsize=10)
        area.xaxis.set_label_position("bottom")
        _bare(area, ticks=True)
    return from_figure(figure, alt=f"{names[-1]} looks at: {_in_words(rows[-1], names)}", title=title)


def percent(share):
    """Return a share as text in whole percent: "47%" for 0.4712."""
    return f"{100 * share:.0f}%"


def listed(numbers):
    """Return a list as text with at most two decimals: "[1.4, 0.47]"."""
    return "[" + ", ".join(plain(number) for number in numbers) + "]"


def plain(value):
    """Return a number as text with at most two decimals, such as "2", "0.5" or "−1.25"."""
    return f"{round(value, 2) + 0:g}".replace("-", "−")


# Parts of the pictures


def _figure(height, rows=1, columns=1, heights=None, width=WIDTH):
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(width, height))
        areas = figure.subplots(rows, columns, height_ratios=heights)
    return figure, areas


def _bare(area, ticks=False):
    area.grid(visible=False)
    area.tick_params(length=0)
    if not ticks:
        area.set_xticks([])
    for side in area.spines.values():
        side.set_visible(False)


def _in_words(parts, names):
    return ", ".join(f"{name} {percent(part)}" for name, part in zip(names, parts, strict=True))


def _sums(query, keys, names):
    words = []
    for name, key in zip(names, keys, strict=True):
        score = query[0] * key[0] + query[1] * key[1]
        first, second = (f"{_factor(left)}×{_factor(right)}" for left, right in zip(query, key, strict=True))
        words.append(f"{name}: {first} + {second} = {plain(score)}")
    return words


def _factor(number):
    return f"({plain(number)})" if number < 0 else plain(number)


def _draw_matches(area, query, keys, names):
    scores = [query[0] * key[0] + query[1] * key[1] for key in keys]
    area.barh(range(len(names)), scores, color=TOKEN_COLOURS[: len(names)], height=0.62)
    span = max(1.0, max(scores) - min(0, min(scores)))
    for row, (score, text) in enumerate(zip(scores, _sums(query, keys, names), strict=True)):
        area.text(max(score, 0) + 0.03 * span, row, text.split(": ")[1], va="center", fontsize=11)
    area.set_yticks(range(len(names)), names)
    area.set_xlim(min(0, min(scores)), max(0, max(scores)) + 0.95 * span)
    area.axvline(0, color=QUIET, linewidth=1)
    area.invert_yaxis()
    area.set_title(f"Match: {names[-1]} asks with {listed(query)}", fontsize=12)
    _bare(area)


def _draw_shares(area, parts, names):
    left, crowded = 0, {"left": 0, "right": 0}
    for index, (part, name) in enumerate(zip(parts, names, strict=True)):
        colour = TOKEN_COLOURS[index % len(TOKEN_COLOURS)]
        area.barh(0, part, left=left, height=0.8, color=colour, edgecolor="white")
        middle = left + part / 2
        if part > 0.16:
            area.text(middle, 0, percent(part), ha="center", va="center", color="white", fontweight="bold")
            area.text(middle, -0.75, name, ha="center", va="center", fontsize=11, color=colour)
        else:
            side = "left" if left < 0.5 else "right"
            spot = left if side == "left" else left + part
            height = -0.75 - 0.6 * crowded[side]
            crowded[side] += 1
            label = f"{name} {percent(part)}"
            area.text(spot, height, label, ha=side, va="center", fontsize=11, color=colour)
        left += part
    area.set(xlim=(0, 1), ylim=(-1.0 - 0.6 * (max(crowded.values()) > 1), 0.5))
    area.set_yticks([])
    area.set_title("Share: 100% to hand out", fontsize=12)
    _bare(area)


def _draw_mixture(area, parts, values, names, axes):
    here = [0.0, 0.0]
    reach = max(max(map(abs, value)) for value in values)
    for index, (part, value) in enumerate(zip(parts, values, strict=True)):
        colour = TOKEN_COLOURS[index % len(TOKEN_COLOURS)]
        end = [here[0] + part * value[0], here[1] + part * value[1]]
        area.plot([0, value[0]], [0, value[1]], color=colour, linewidth=1.2, linestyle=(0, (2, 3)))
        area.plot(*value, "o", color=colour, markersize=6)
        piece = {"color": colour, "linewidth": 7, "linestyle": "-", "solid_capstyle": "butt", "alpha": 0.55}
        area.plot([here[0], end[0]], [here[1], end[1]], **piece)
        if any(value):
            _name(area, value, names[index], colour)
        here = end
    _arrow(area, here, VERMILLION)
    near = [value for value in values if any(value)]
    crowded = any(abs(here[0] - x) + abs(here[1] - y) < 0.45 * reach for x, y in near)
    _name(area, here, f"the mixture {listed(here)}", VERMILLION, below=crowded)
    _plane_axes(area, axes, reach)
    area.set_title("Mix: the pieces, tip to tail", fontsize=12)
    return here


def _look(colour, width=2.6):
    return {"arrowstyle": "-|>", "color": colour, "linewidth": width, "shrinkA": 0, "shrinkB": 0,
            "mutation_scale": 16}  # fmt: skip


def _arrow(area, numbers, colour):
    if any(numbers):
        area.annotate("", numbers, (0, 0), arrowprops=_look(colour))
    else:
        area.plot(0, 0, "o", color=colour, markersize=9, zorder=3)


def _name(area, numbers, text, colour, below=False, size=11):
    shift = (9, -9) if below else (8, 3)
    area.annotate(
        text, numbers, xytext=shift, textcoords="offset points", color=colour, fontweight="bold",
        fontsize=size, va="top" if below else "bottom",
    )  # fmt: skip


def _plane_axes(area, axes, reach):
    from matplotlib.ticker import MultipleLocator

    reach = max(1.0, reach)
    bottom, top = min(0.0, area.dataLim.y0) - 0.32 * reach, max(1.0, area.dataLim.y1) + 0.35 * reach
    left = min(0.0, area.dataLim.x0) - 0.12 * reach
    area.set(xlim=(left, left + 1.75 * (top - bottom)), ylim=(bottom, top), anchor="W")
    area.set_xlabel(f"{axes[0]}  →", color=QUIET, loc="left")
    area.set_ylabel(f"{axes[1]}  →", color=QUIET)
    area.set_aspect("equal")
    area.xaxis.set_major_locator(MultipleLocator(1))
    area.yaxis.set_major_locator(MultipleLocator(1))
    area.tick_params(labelsize=10)


def _draw_face(area):
    area.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal")
    area.axis("off")
    line = {"color": QUIET, "linestyle": "-"}
    around = [2 * pi * step / 60 for step in range(61)]
    area.plot([sin(angle) for angle in around], [cos(angle) for angle in around], linewidth=1.4, **line)
    for hour in range(1, 13):
        x, y = sin(2 * pi * hour / 12), cos(2 * pi * hour / 12)
        area.plot([0.9 * x, x], [0.9 * y, y], linewidth=1, **line)
        if hour % 3 == 0:
            area.text(1.24 * x, 1.24 * y, hour, ha="center", va="center", fontsize=9, color=QUIET)
