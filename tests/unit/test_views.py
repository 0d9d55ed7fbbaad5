"""Tests pictures: what they show, what they say in words, and that JupyterLab's sanitiser keeps them."""

import re
from types import SimpleNamespace

import numpy
import pytest
from pages import Page, Pictures

from course_utils import views
from course_utils.views.picture import signed

WEIGHTS = numpy.random.default_rng(0).normal(size=(40, 30))
LAYER = SimpleNamespace(hidden_size=64, num_attention_heads=4, num_key_value_heads=1, intermediate_size=1536)
PICTURES = Pictures(
    {
        "tokens": lambda: views.tokens(
            ["The", " cat", "\n", "<b>", " \ufffd"], ids=[1, 22, 333, 4, 5], title="A <caption>"
        ),
        "token_rows": lambda: views.token_rows(
            {"English": ["A", " cat"], "Hindi": ["\ufffd", "त", "ा"]}, words={"English": 2, "Hindi": 1}
        ),
        "compare_next_tokens": lambda: views.compare_next_tokens(
            {"cold": ([" Paris"], [0.9]), "hot": ([" Paris"], [0.3])}
        ),
        "probability_strip": lambda: views.probability_strip(
            ["A", " b", " c", " d"], [0.95, 0.6, 0.2, 0.003]
        ),
        "bars": lambda: views.bars(
            ["a", "b"], [1, 2.5], unit="MB", baseline=1.25, baseline_label="memory", title="Sizes"
        ),
        "lines": lambda: views.lines(
            [1, 2, 3], {"a": [1, 2, 30], "b": [2, 2, 29]}, x_label="step", y_label="loss (nats)", baseline=5
        ),
        "histogram": lambda: views.histogram(WEIGHTS, x_label="value of a weight", marked={"this one": 3.0}),
        "mixture_drawing": lambda: views.mixture_drawing(" nurse", [0.1, 0.5, 0.15, 0.25], title="A way"),
        "layer_drawing": lambda: views.layer_drawing(LAYER),
    }
)


@pytest.mark.parametrize("name", PICTURES)
def test_html_survives_the_sanitiser(name):
    Page(PICTURES[name].html).assert_survives_the_sanitiser()


@pytest.mark.parametrize("name", PICTURES)
def test_reads_on_a_dark_page_and_on_a_narrow_one(name):
    page = Page(PICTURES[name].html)
    assert "background:#ffffff" in page.styles[0]
    assert "color:#1b1f24" in page.styles[0]
    page.assert_reads_when_narrow(widest=360)
    assert all("max-width:100%" in image["style"] for image in page.images)


@pytest.mark.parametrize("name", PICTURES)
def test_bundle_holds_the_picture_and_its_words(name):
    picture = PICTURES[name]
    assert picture._repr_mimebundle_() == {"text/html": picture.html, "text/plain": picture.alt}
    assert picture.alt


def test_tokens_show_what_cannot_be_seen():
    picture = PICTURES["tokens"]
    assert picture.alt == "5 tokens: The | ·cat | ↵ | <b> | ·⟨byte⟩"
    text = Page(picture.html).text
    assert "A <caption>" in text
    assert "333" in text
    assert "· is a space, ↵ is a new line, ⟨byte⟩ is part of a character" in text


def test_a_long_text_is_not_read_out_whole():
    assert views.tokens(["a"] * 100).alt.endswith("| a | and 40 more")


def test_token_rows_give_tokens_per_word():
    assert PICTURES["token_rows"].alt == (
        "English: 2 tokens for 2 words, 1.0 per word; Hindi: 3 tokens for 1 word, 3.0 per word"
    )
    assert views.token_rows({"English": ["A"]}).alt == "English: 1 token"


def test_bars_of_probabilities_are_in_proportion_and_the_rest_is_left_to_the_others():
    picture = views.compare_next_tokens({"": ([" Paris", " a", " the"], [0.7, 0.1, 0.00002])})
    assert "all other tokens20.0%" in Page(picture.html).text
    assert picture.alt.endswith("·Paris 70.0%, ·a 10.0%, ·the <0.1%")
    assert re.findall(r"width:(\d+)%;border-radius", picture.html) == ["70", "10", "0", "20"]


def test_compare_names_each_column():
    assert PICTURES["compare_next_tokens"].alt == "Next token. cold: ·Paris 90.0%; hot: ·Paris 30.0%"


def test_probability_strip_draws_a_different_line_for_each_band():
    picture = PICTURES["probability_strip"]
    assert picture.alt == "4 tokens: A 95% | ·b 60% | ·c 20% | ·d <1%"
    # Each line style appears twice: under the token and in the legend.
    kinds = re.findall(r"border-bottom:(\dpx \w+)", picture.html)
    assert sorted(kinds) == sorted(["1px solid", "3px solid", "3px dashed", "5px double"] * 2)
    assert "when it wrote it:" in picture.html
    assert "If you know:" in views.probability_strip(["A"], [0.5], meaning="If you know:").html
    # 89.6% is written as 90%, so it is drawn as "90% or more".
    almost = views.probability_strip(["A"], [0.896])
    assert almost.html.count("border-bottom:1px solid") == 2


def test_bars_scale_to_the_longest_and_draw_the_baseline():
    picture = PICTURES["bars"]
    assert picture.alt == "a: 1 MB; b: 2.5 MB; memory, 1.25 MB"
    # The widths of a cell, the bar in it, the other cell, and the bar in that.
    assert re.findall(r";width:(\d+)%\">", picture.html) == ["60", "40", "60", "100"]
    assert picture.html.count("left:50%") == 2
    assert "Dashed line: memory, 1.25 MB." in Page(picture.html).text


def test_bars_take_a_baseline_for_each():
    picture = views.bars(
        ["a", "b", "c"], [30, 10, 5], unit="tokens/s", baseline=[40, 20, None], baseline_label="limit"
    )
    assert [f"left:{place}%" in picture.html for place in (100, 50)] == [True, True]
    assert picture.html.count("dashed") == 2
    assert picture.alt == "a: 30 tokens/s (limit: 40); b: 10 tokens/s (limit: 20); c: 5 tokens/s"
    assert "Dashed lines: limit. The bars start at 0; full width is 40 tokens/s." in picture.html


def test_bars_of_a_group_have_one_colour_and_a_legend():
    picture = views.bars(["a", "b", "c"], [1, 2, 3], unit="MB", groups=["old", "new", "old"])
    blue, orange = (picture.html.count(f"background:{colour}") for colour in ("#0a6c8e", "#e8872b"))
    assert (blue, orange) == (3, 2)  # two blue bars, one orange bar, and a sample of each in the legend
    assert "</span>old" in picture.html and "</span>new" in picture.html
    assert "</span>" not in views.bars(["a"], [1], unit="MB").html


def test_a_folded_table_shows_its_title_only():
    rows = [("name", "size"), ("a", "1")]
    picture = views.table(rows, title="Sizes", note="in MB", folded=True)
    before, inside = picture.html.split("<details><summary>Sizes</summary>")
    assert "Sizes" not in before and "in MB</details>" in inside
    assert picture.alt == views.table(rows, title="Sizes", note="in MB").alt


def test_bars_refuse_values_below_zero():
    with pytest.raises(ValueError, match="zero"):
        views.bars(["a"], [-1], unit="MB")


def test_lines_say_both_ends():
    assert PICTURES["lines"].alt == "loss (nats) by step. a: 1 at 1, 30 at 3; b: 2 at 1, 29 at 3; baseline: 5"


@pytest.mark.parametrize(
    ("values", "side"),
    [
        ([5.2, 1, 1], "right"),
        ([9, 1, 5.2], "left"),
        ([5.2, 1, 5.2], "center"),
        ([5.2, 5.3, 5.2], "left"),
        ([9, 1, 1], "left"),
    ],
)
def test_a_baseline_s_label_avoids_points(values, side):
    from course_utils.views.charts import _uncrowded

    assert _uncrowded([1, 5, 9], {"a": values}, 5) == side


def test_histogram_says_range_and_marks():
    alt = PICTURES["histogram"].alt
    assert alt.startswith(f"value of a weight: 1,200 values from {WEIGHTS.min():.4g} to {WEIGHTS.max():.4g}")
    assert alt.endswith("; this one: 3")
    assert views.histogram([1.0, 9.0], x_label="share", named={"23.4": 9.0}).alt.endswith("; 23.4: 9")


def test_lines_begin_where_they_are_told_to(monkeypatch):
    monkeypatch.setattr("course_utils.views.charts.from_figure", lambda figure, **_: figure)
    words = {"x_label": "steps", "y_label": "right (of 200)"}
    bottoms = [
        views.lines([0, 1], {"a": [15, 200]}, bottom=at, **words).axes[0].get_ylim()[0] for at in (0, None)
    ]
    assert bottoms[0] == 0 < bottoms[1] < 15


def test_histogram_takes_the_weights_of_a_model():
    import torch

    weights = torch.tensor([[1.0, -2.0]], dtype=torch.bfloat16, requires_grad=True)
    assert views.histogram(weights, x_label="weight").alt.startswith("weight: 2 values from -2 to 1")


def test_numbers_have_no_negative_zero():
    assert signed(-0.001, 2) == "0.00"
    assert signed(-7.34, 1) == "−7.3"


def test_from_figure_closes_it_and_leaves_the_backend_alone():
    import matplotlib
    import matplotlib.pyplot as plt

    before = matplotlib.get_backend()
    with views.style():
        figure, axes = plt.subplots(figsize=(4, 2))
        axes.plot([1, 2])
    picture = views.from_figure(figure, alt='A "line"', title="Caption")
    (image,) = Page(picture.html).images
    assert (image["alt"], image["width"], image["height"]) == ('A "line"', "384", "192")
    assert image["src"].startswith("data:image/png;base64,iVBOR")
    assert not plt.fignum_exists(figure.number)
    assert matplotlib.get_backend() == before


def test_style_ends_with_its_context():
    import matplotlib

    before = dict(matplotlib.rcParams)
    with views.style():
        assert matplotlib.rcParams["font.size"] >= 11
    assert dict(matplotlib.rcParams) == before


def test_the_drawing_of_a_model_names_its_tokens_and_the_part_that_is_lit():
    picture = views.model_drawing(["The", " sky"], layers=4, lit="attention")
    assert "(The, sky)" in picture.alt and "4 layers" in picture.alt
    assert picture.alt.endswith("Highlighted: attention: the tokens meet.")
    written = views.model_drawing(["6", "+", "7", "=", "1", "3"], layers=4, written=2)
    assert written.alt.endswith("the place of the next one.") and "(1, 3)" in written.alt
    assert written.html != views.model_drawing(["6", "+", "7", "=", "1", "3"], layers=4).html
    with pytest.raises(ValueError, match="choose one of tokens, lists"):
        views.model_drawing(["The"], layers=4, lit="heads")


def test_a_layers_drawing_counts_what_the_matrices_make():
    picture = views.layer_drawing(LAYER, lit="down_proj")
    assert "make 4 queries, 1 key, 1 value; 4 heads" in picture.alt and "gives 1,536 numbers" in picture.alt
    assert picture.alt.endswith("Highlighted: down_proj, which ends the feed-forward part.")
    assert picture.html != views.layer_drawing(LAYER).html
    with pytest.raises(ValueError, match="lit='mlp'"):
        views.layer_drawing(LAYER, lit="mlp")


def test_the_drawing_of_a_speech_model_shows_the_sound_and_names_its_tokens():
    sound, picture = numpy.sin(numpy.arange(4000) / 9), numpy.ones((80, 25))
    drawing = views.speech_drawing(sound, picture, ["He", " was"], lit="decoder")
    assert "(He, was)" in drawing.alt and drawing.alt.endswith("which writes one token after another.")
    other = views.speech_drawing(sound * numpy.linspace(0, 1, 4000), picture, ["He", " was"], lit="decoder")
    assert other.html != drawing.html
    with pytest.raises(ValueError, match="choose one of sound, picture"):
        views.speech_drawing(sound, picture, ["He"], lit="attention")


def test_the_drawing_of_a_mixture_names_the_experts_that_take_the_token():
    picture = views.mixture_drawing(" nurse", [0.1, 0.5, 0.15, 0.25])
    assert "for “nurse”: expert 0 10%, expert 1 50%" in picture.alt
    assert picture.alt.endswith("It takes expert 1 times 0.67 and expert 3 times 0.33, and adds them up.")
