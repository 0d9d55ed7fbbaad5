"""Tests lesson 08's pictures, the recorder of cross-attention, and the explorer of a drawing."""

import base64

import numpy
import pytest
from lazy import Lazy
from pages import Page, Pictures
from PIL import Image

from course_utils import CourseError, CrossAttention, opened, views
from course_utils.opened.denoising import Denoising, Drawn, lit_by
from course_utils.views.strips import as_pixels
from course_utils.worlds.pictureworld import world

torch = Lazy("torch")

RED = numpy.zeros((8, 8, 3), numpy.uint8) + numpy.array([255, 0, 0], numpy.uint8)
CORNER = numpy.zeros((4, 4))
CORNER[3, 0] = 0.8
PICTURES = Pictures(
    {
        "picture_strip": lambda: views.picture_strip([RED, RED], ["a", "<b>"], title="Two"),
        "picture_grid": lambda: views.picture_grid(
            {"one": [RED, RED], "other": [RED, RED]},
            ["left", "right"],
            captions={"other": ["3 off", "4 off"]},
        ),
        "denoising_strip": lambda: opened.denoising_strip({"state": [RED] * 3}, {0: 1.0, 5: 0.706, 10: 0.0}),
    }
)


@pytest.mark.parametrize("name", PICTURES)
def test_html_survives_the_sanitiser_and_reads_when_narrow(name):
    page = Page(PICTURES[name].html)
    page.assert_survives_the_sanitiser()
    page.assert_reads_when_narrow(widest=0)
    assert all(image["alt"] for image in page.images)


def test_pictures_say_what_they_show():
    assert PICTURES["picture_strip"].alt == "2 pictures: a; <b>"
    assert PICTURES["picture_grid"].alt == (
        "Pictures in rows (one; other: 3 off, 4 off) and columns (left, right)"
    )
    assert [image["alt"] for image in Page(PICTURES["picture_grid"].html).images] == [
        "one, left",
        "one, right",
        "other, left, 3 off",
        "other, right, 4 off",
    ]
    assert PICTURES["denoising_strip"].alt == (
        "Pictures in rows (state) and columns (start: 100% noise, step 5: 71% noise, step 10: 0% noise)"
    )


def test_a_map_lights_the_places_that_look_at_the_word():
    lit, even = (numpy.asarray(lit_by(RED, weights)) for weights in (CORNER, CORNER * 0 + 0.25))
    assert lit[7, 0].tolist() == [255, 0, 0] and lit[0, 7].tolist() == [27, 31, 36]
    assert (even == RED).all()


def test_any_kind_of_picture_is_taken():
    floats = numpy.zeros((2, 2, 3)) + [1.0, 0.5, 0.0]
    wanted = [255, 128, 0]
    for image in (
        floats,
        torch.tensor(floats),
        Image.fromarray(numpy.uint8([[wanted]])),
        1.7 * floats.clip(0.5),
    ):
        assert as_pixels(image).dtype == numpy.uint8
    assert as_pixels(floats)[0, 0].tolist() == as_pixels(torch.tensor(floats))[0, 0].tolist() == wanted
    assert as_pixels(torch.tensor([[wanted]]))[0, 0].tolist() == wanted
    with pytest.raises(ValueError, match=r"\(height, width, 3\), and this one is \(3, 8, 8\)"):
        as_pixels(numpy.zeros((3, 8, 8)))
    with pytest.raises(ValueError):
        views.picture_strip([RED], ["a", "b"])
    with pytest.raises(ValueError):
        views.picture_grid({"one": [RED]}, ["left", "right"])


def test_the_nearest_person_of_a_trade_is_looked_for_among_those_asked_for():
    average = opened.average_person("guard")
    for gender in ("man", "woman"):
        caption, look = opened.nearest_look(average, "guard", gender=gender)
        assert caption.startswith(f"{gender} guard")
        assert opened.nearest_look(look, "guard")[0] == caption
        assert opened.nearest_person(look, "guard") == (gender, False)
        large = look.repeat(2, 0).repeat(2, 1)
        assert opened.how_different(large, look) < opened.how_different(average, look)
        assert f"nearest {gender}: 0 of 255" in opened.beside_people({"guard": look}, ["guard"]).alt


def test_the_plan_of_the_noise_ends_without_any():
    from diffusers import DDIMScheduler

    plan = DDIMScheduler()
    plan.set_timesteps(5)
    shares = opened.noise_shares(plan)
    assert len(shares) == 6 and shares == sorted(shares, reverse=True) and shares[-1] == 0


@pytest.fixture(scope="module")
def unet():
    from diffusers import UNet2DConditionModel

    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=12,
        attention_head_dim=2,
        norm_num_groups=4,
    ).eval()


def called(unet, pictures=2, side=8, words=5):
    random = torch.Generator().manual_seed(1)
    latents = torch.randn(pictures, 4, side, side, generator=random)
    text = torch.randn(pictures, words, 12, generator=random)
    with torch.no_grad():
        return unet(latents, 7, text).sample


def test_recording_changes_nothing_and_ends_with_the_block(unet):
    before = called(unet)
    with CrossAttention(unet) as seen:
        during = called(unet)
        called(unet)
    assert torch.equal(before, during) and torch.equal(before, called(unet))
    maps = seen.maps()
    assert maps.shape == (2, 2, 5, 8, 8)
    assert torch.allclose(maps.sum(2), torch.ones(2, 2, 8, 8), atol=1e-5)
    assert torch.equal(maps[0], maps[1])
    layers = torch.stack([seen.maps(layer) for layer in range(4)])
    assert torch.allclose(layers.mean(0), maps, atol=1e-6) and not torch.equal(layers[0], layers[3])
    with pytest.raises(CourseError, match="no layer 4: take one from 0 to 3"):
        seen.maps(4)


def test_recorded_weights_are_those_that_the_layer_uses(unet):
    """The layer's output, computed by hand from the recorded weights, equals the real output."""
    layer = unet.down_blocks[0].attentions[0].transformer_blocks[0].attn2
    places, text = torch.randn(1, 64, 8), torch.randn(1, 5, 12)
    seen = CrossAttention(unet)
    seen._layers = [layer]
    with seen, torch.no_grad():
        seen._begin(unet, (torch.zeros(1, 4, 8, 8),), {})
        output = layer(places, encoder_hidden_states=text)
        # Compute the weights of each head by hand. The recorder keeps their mean over the heads.
        query, key, value = layer.to_q(places), layer.to_k(text), layer.to_v(text)
        heads = [each.unflatten(-1, (layer.heads, -1)).transpose(1, 2) for each in (query, key, value)]
        weights = (heads[0] @ heads[1].transpose(2, 3) * layer.scale).softmax(-1)
        by_hand = layer.to_out[0]((weights @ heads[2]).transpose(1, 2).flatten(2))
    assert torch.allclose(output, by_hand, atol=1e-5)
    recorded = seen.maps()[0, 0].flatten(1)  # (tokens, positions)
    assert torch.allclose(recorded, weights.mean(1)[0].T, atol=1e-5)


def test_coarse_layers_and_other_shapes_are_brought_to_the_latents_size(unet):
    with CrossAttention(unet) as seen, torch.no_grad():
        unet(torch.zeros(1, 4, 8, 12), 7, torch.zeros(1, 5, 12))
    assert seen.maps().shape == (1, 1, 5, 8, 12)


def test_a_recorder_refuses_in_a_sentence(unet):
    from diffusers import UNet2DModel

    plain_blocks = {"down_block_types": ("DownBlock2D",), "up_block_types": ("UpBlock2D",)}
    plain = UNet2DModel(
        sample_size=8, block_out_channels=(8,), norm_num_groups=4, layers_per_block=1, **plain_blocks
    )
    with pytest.raises(CourseError, match="has no cross-attention: take one that reads a prompt"):
        CrossAttention(plain)
    with CrossAttention(unet) as seen:
        pass
    with pytest.raises(CourseError, match="Nothing was recorded: call the pipeline inside"):
        seen.maps()
    with CrossAttention(unet) as seen:
        called(unet, pictures=1)
        called(unet, pictures=2)
    with pytest.raises(CourseError, match="batches had different sizes"):
        seen.maps()


class Pipeline:
    """Stands in for Stable Diffusion: draws grey pictures, lighter at each step, and records its calls."""

    def __init__(self):
        self.asked, self.decoded = [], 0

    def draw(self, prompt, seed, guidance, steps):
        self.asked.append((prompt, seed, guidance, steps))
        words = [f"{word}</w>" for word in prompt.split()]
        for step in range(steps + 1):
            state = numpy.full((1, 4, 4, 3), step / steps)
            yield Drawn(state, 1 - step / steps, words, numpy.stack([CORNER] * len(words)) if step else None)

    def decode(self, states):
        self.decoded += len(states)
        return states


def explorer(pipeline, **starts):
    return Denoising(pipeline.draw, pipeline.decode, ("red bear", "blue bear"), steps=10, **starts)


def want(step, **changes):
    return {"prompt": "red bear", "seed": 0, "guidance": 4.0, "steps": 10, "step": step} | changes


def test_each_state_is_computed_once_and_when_it_is_asked_for():
    pipeline = Pipeline()
    shown = explorer(pipeline)
    assert pipeline.asked == [] and "10 steps, “red bear” and “blue bear”: seed 0, guidance 4" in shown.alt
    start, third = shown.answer(want(0)), shown.answer(want(3))
    assert pipeline.asked == [("red bear", 0, 4.0, 10)] and pipeline.decoded == 4
    assert (start["noise"], start["maps"], start["peaks"]) == (1, "", [])
    assert third["noise"] == pytest.approx(0.7) and third["pieces"] == ["red</w>", "bear</w>"]
    assert base64.b64decode(third["picture"]) == bytes([round(0.3 * 255)] * 48)
    assert third["peaks"] == pytest.approx([0.8, 0.8])
    maps = numpy.frombuffer(base64.b64decode(third["maps"]), numpy.uint8).reshape(2, 16, 16)
    assert maps[0, -1, 0] == 255 and maps[0, 0, -1] == 0
    assert shown.answer(want(1)) == shown.answer(want(1)) and pipeline.decoded == 4
    shown.answer(want(0, seed=7))
    shown.answer(want(0, prompt="a nurse"))
    assert [each[:2] for each in pipeline.asked[1:]] == [("red bear", 7), ("a nurse", 0)]


def test_large_pictures_are_made_smaller_and_unread_words_have_no_map():
    def draw(*settings):
        yield Drawn(numpy.zeros((1, 512, 512, 3)), 1.0, ["bear</w>", "cut</w>"], CORNER[None])

    said = Denoising(draw, list, ("bear", "bear"), steps=1).answer(want(0, steps=1))
    assert len(base64.b64decode(said["picture"])) == 128 * 128 * 3
    assert len(said["pieces"]) == 2 and len(said["peaks"]) == 1


def test_the_view_knows_the_words_of_the_captions_only_of_our_model():
    assert explorer(Pipeline()).widget.data == {"words": None, "kinds": []}
    words = explorer(Pipeline(), known=True).widget.data["words"]
    assert "fox" in words and "nurse" not in words and not world.unknown_words(" ".join(words))


def test_an_empty_prompt_and_a_failing_pipeline_end_in_a_sentence():
    pipeline = Pipeline()
    shown = explorer(pipeline)

    def broken(*settings):
        yield 1 / 0

    shown.draw = broken
    (said,) = shown.replies(want(0))
    assert (
        "`broken`, a function that this notebook gave to the explorer, stopped (ZeroDivision" in said["error"]
    )
    with pytest.raises(CourseError, match="no number of steps 60: choose one from 1 to 50"):
        Denoising(pipeline.draw, pipeline.decode, ("a", "b"), steps=60)
    with pytest.raises(CourseError, match="There is no prompt"):
        Denoising(pipeline.draw, pipeline.decode, ("a", " "))
