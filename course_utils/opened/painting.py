"""Painting: how a picture model draws a prompt, and whether its pictures are copied, combined or skewed.

For lesson 08. The lesson's own cells call the pipeline; this module has the computations and the drawings.
"""

import random
from functools import cache
from html import escape

import numpy
from PIL import Image

from course_utils import catalog
from course_utils.opened.denoising import CrossAttention, Denoising, Drawn, lit_by
from course_utils.views.picture import INK, LINE, QUIET, Picture, array, card, from_figure, style
from course_utils.views.strips import as_pixels, picture_grid
from course_utils.views.tables import table

SIDE = 64  # the width and height of PictureWorld's pictures, in pixels


# Words of the captions


def picture_words() -> Picture:
    """Draw a table of all words of PictureWorld's captions."""
    from course_utils.worlds.pictureworld import world

    groups = {"animal": [], "food": [], "face": [], "thing": []}
    for emoji in world.OBJECTS:
        groups[emoji.group].append(emoji.name)
    rows = [("you can ask for", "for example: “fox on a blue background”, “woman cook with dark skin”")]
    several = {"animal": "animals and plants", "food": "foods", "face": "faces", "thing": "things"}
    rows += [(f"{len(names)} {several[group]}", ", ".join(names)) for group, names in groups.items()]
    rows.append((f"{len(world.TRADES)} trades", ", ".join(world.TRADES)))
    rows.append(("… of a", ", ".join(world.GENDERS)))
    rows.append(("… with … skin", ", ".join(world.TONES[1:])))
    rows.append(("… on a … background", ", ".join(list(world.BACKGROUNDS)[1:])))
    rows.append((f"{len(world.FORMS)} forms", ", ".join(world.FORMS)))
    rows.append((f"… in {len(world.COLOURS)} colours", ", ".join(world.COLOURS)))
    rows.append(("two of them", "a red circle left of a blue square; right of; above; below"))
    return table(rows, title="Every word of its training captions")


def some_names(count, seed=0):
    """Return the names of `count` different objects of PictureWorld, drawn at random."""
    from course_utils.worlds.pictureworld import world

    return random.Random(seed).sample([emoji.name for emoji in world.OBJECTS], count)


def name_unknown_words(prompt):
    """Print the words of a prompt that are in no caption of PictureWorld, and how the model reads them.

    At full size the model is Stable Diffusion, whose captions are not listed. So nothing is printed.
    """
    from course_utils.worlds.pictureworld import world

    if catalog.find("stable-diffusion").size != "tiny":
        return
    for word in world.unknown_words(prompt):
        pieces = " · ".join(piece.removesuffix("</w>") for piece in _tokenizer().tokenize(word))
        print(f"“{word}” was in no caption of the training. The model reads it in pieces: {pieces}")


@cache
def _tokenizer():
    from transformers import CLIPTokenizer

    from course_utils import loading

    return CLIPTokenizer.from_pretrained(loading.folder("stable-diffusion", "tiny"), subfolder="tokenizer")


# From noise to picture


def to_picture(pipeline, latents):
    """Let a pipeline's VAE turn the latents of one picture, (1, channels, height, width), into pixels.

    Returns an array (height, width, 3) from 0 to 1.
    """
    import torch

    with torch.no_grad():
        decoded = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample
    return (decoded / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).float().cpu().numpy()[0]


def to_latents(pipeline, caption):
    """Return the latents of the training picture that has this caption, and the picture itself.

    Returns a tensor (1, channels, height, width), and an array (64, 64, 3) from 0 to 1.
    """
    import torch

    truth = _picture_of(caption)
    pixels = torch.tensor(2 * truth - 1).permute(2, 0, 1)[None].to(pipeline.device, pipeline.dtype)
    with torch.no_grad():
        latents = pipeline.vae.encode(pixels).latent_dist.mean
    return latents * pipeline.vae.config.scaling_factor, truth


def watch_noise(pipeline, prompts):
    """Return a `Denoising` view, in which two prompts become pictures from the same noise."""

    def watch(prompt, seed, guidance, steps):
        import torch

        plan = schedule(pipeline, steps=steps)
        noise = noise_shares(plan)
        pieces = pipeline.tokenizer.tokenize(prompt)
        words, no_words = _encoded(pipeline, prompt)
        state = _noise(pipeline, seed)
        yield Drawn(state, noise[0], pieces)
        for time, share in zip(plan.timesteps, noise[1:], strict=True):
            with CrossAttention(pipeline.unet) as seen, torch.no_grad():
                both = torch.cat([no_words, words])
                without, with_prompt = pipeline.unet(torch.cat([state, state]), time, both).sample.chunk(2)
            state = plan.step(without + guidance * (with_prompt - without), time, state).prev_sample
            yield Drawn(state, share, pieces, seen.maps()[0, 1, 1:-1])

    def decode(latents):
        return [to_picture(pipeline, latents)]

    ours = catalog.find("stable-diffusion").size == "tiny"
    return Denoising(watch, decode, prompts, seed=6, known=ours)


def schedule(pipeline, *, steps):
    """Return a scheduler that takes the noise out in the given number of steps, by the rule of DDIM."""
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
    scheduler.set_timesteps(steps)
    return scheduler


def noise_shares(scheduler):
    """Return the share of noise, 0 to 1, in each state: before each step of the scheduler, and at the end."""
    return [1 - scheduler.alphas_cumprod[time].item() for time in scheduler.timesteps] + [0.0]


def words_and_noise(pipeline, prompt, *, seed=6):
    """Return the inputs of the UNet: the encoded prompt, and noise in the shape of one picture's latents.

    Returns two tensors, (1, tokens, hidden size) and (1, channels, height, width).
    """
    return _encoded(pipeline, prompt)[0], _noise(pipeline, seed)


def _encoded(pipeline, prompt):
    return pipeline.encode_prompt(
        prompt, device=pipeline.device, num_images_per_prompt=1, do_classifier_free_guidance=True
    )


def _noise(pipeline, seed, count=1):
    import torch

    side = pipeline.unet.config.sample_size
    shape = count, pipeline.unet.config.in_channels, side, side
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return noise.to(pipeline.device, pipeline.dtype)


def pixel_rows(rows) -> Picture:
    """Draw short lists of numbers as rows of grey squares, each with its number. -1 is black, 1 is white.

    rows : dict from a label to its list of numbers.
    """
    html, words = "", []
    for label, numbers in rows.items():
        cells = ""
        for number in numbers:
            grey = round(255 * min(1, max(0, number / 2 + 0.5)))
            ink = "#ffffff" if grey < 128 else INK
            cells += (
                f'<span style="display:inline-block;width:46px;height:34px;line-height:34px;'
                f"text-align:center;background:rgb({grey},{grey},{grey});color:{ink};"
                f'border:1px solid {LINE};font-size:12px">'
                f"{number:.1f}</span>"
            )
        html += f'<div style="margin:8px 0 2px 0;color:{QUIET}">{escape(label)}</div><div>{cells}</div>'
        words.append(f"{label}: {', '.join(f'{number:.1f}' for number in numbers)}")
    return Picture(card(html), "; ".join(words))


def training_figure(pipeline, caption) -> Picture:
    """Draw a training step: a picture and noise, and below them three mixtures of picture and noise.

    Beside each mixture is the noise that the UNet guesses in it, with the mean squared error of the guess.
    The mixtures have as much noise as the scheduler plans for the steps 100, 300 and 500 of its 1,000. Noise,
    mixture and guess are latents, and are shown as the VAE decodes them.
    """
    import torch

    latents, truth = to_latents(pipeline, caption)
    noise = _noise(pipeline, 0)
    words, _ = _encoded(pipeline, caption)
    rows, captions = {"what we mix": [truth, to_picture(pipeline, noise)]}, {}
    for time in (100, 300, 500):
        kept = pipeline.scheduler.alphas_cumprod[time].item()
        mixed = kept**0.5 * latents + (1 - kept) ** 0.5 * noise
        with torch.no_grad():
            guess = pipeline.unet(mixed, time, words).sample
        if pipeline.scheduler.config.prediction_type != "epsilon":
            # This UNet predicts v, a weighted difference of noise and picture. Compute the noise from v.
            guess = kept**0.5 * guess + (1 - kept) ** 0.5 * mixed
        label = f"{1 - kept:.0%} noise: what the UNet is shown, and the noise as it guesses"
        rows[label] = [to_picture(pipeline, mixed), to_picture(pipeline, guess)]
        off = ((guess - noise) ** 2).mean().item()
        captions[label] = ["", f"error {off:.3f}"]
    return picture_grid(rows, ["picture", "noise"], title=f"Training on “{caption}”", captions=captions)


def early_copy():
    """Return the course's pipeline as it was after 900 of 7,600 training steps, with the finished VAE."""
    from diffusers import StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel

    from course_utils import loading

    finished = loading.load("stable-diffusion", "tiny")
    folder = loading.folder("stable-diffusion", "tiny") / "early"
    parts = dict(finished.components)
    for part, kind in {"unet": UNet2DConditionModel, "text_encoder": CLIPTextModel}.items():
        parts[part] = kind.from_pretrained(folder, subfolder=part).float().to(finished.device).eval()
    early = StableDiffusionPipeline(**parts, requires_safety_checker=False)
    early.set_progress_bar_config(disable=True)
    return early


def picture_model(pipeline, *, prompt, picture) -> Picture:
    """Draw a picture model: its four parts, and the data that passes between them.

    prompt : str. picture : the picture that the model drew from this prompt in 20 steps.
    """
    from matplotlib.figure import Figure

    channels, side = pipeline.unet.config.in_channels, pipeline.unet.config.sample_size
    text = pipeline.text_encoder.config
    read = f"{text.max_position_embeddings} lists of\n{text.hidden_size} numbers"
    latents = f"{channels} × {side} × {side} numbers"
    noise = to_picture(pipeline, _noise(pipeline, 6))
    wide = as_pixels(picture).shape[0]
    with style():
        figure = Figure(figsize=(7.0, 3.9))
        axes = figure.subplots()
        axes.set(xlim=(0, 14), ylim=(0, 7.6))
        axes.axis("off")
        _part(axes, 0.2, 4.4, "text encoder", "reads the words")
        _part(axes, 5.1, 4.4, "UNet", "guesses the noise")
        _part(axes, 5.1, 1.3, "scheduler", "takes a part of it out")
        _part(axes, 10.4, 4.4, "VAE", "makes pixels of it")
        axes.text(1.8, 7.1, f"“{prompt}”", ha="center", fontsize=9.5)
        _point(axes, 1.8, 6.85, 1.8, 6.15)
        _point(axes, 3.5, 5.2, 5.0, 5.2, read)
        _point(axes, 6.2, 4.3, 6.2, 2.95)
        _point(axes, 7.6, 2.95, 7.6, 4.3)
        axes.text(6.9, 3.62, "20\ntimes", ha="center", va="center", fontsize=10, fontweight="bold")
        _point(axes, 8.45, 2.5, 10.3, 4.7)
        numbers = latents.replace(" numbers", "\nnumbers")
        axes.text(9.7, 3.35, numbers, va="center", fontsize=8.5, color=QUIET)
        _shown(axes, noise, 0.9, 1.1)
        axes.text(1.8, 0.55, "noise", ha="center", fontsize=10, color=QUIET)
        _point(axes, 2.8, 2.5, 5.0, 4.5)
        _shown(axes, as_pixels(picture), 11.1, 1.1)
        axes.text(12.0, 0.55, f"{wide} × {wide} pixels", ha="center", fontsize=10, color=QUIET)
        _point(axes, 12.0, 4.3, 12.0, 3.1)
    alt = (
        f"The text encoder turns “{prompt}” into {text.max_position_embeddings} lists of {text.hidden_size} "
        f"numbers. 20 times the UNet guesses the noise, and the scheduler takes a part of it out, on "
        f"{latents}. The VAE makes {wide} × {wide} pixels of them."
    )
    return from_figure(figure, alt=alt, title="A picture model")


def _part(axes, x, y, name, does):
    from matplotlib.patches import FancyBboxPatch

    look = {"boxstyle": "round,pad=0.0,rounding_size=0.2", "facecolor": "white", "edgecolor": QUIET}
    axes.add_patch(FancyBboxPatch((x, y), 3.25, 1.6, linewidth=1.4, **look))
    axes.text(x + 1.62, y + 1.05, name, ha="center", va="center", fontweight="bold", fontsize=11)
    axes.text(x + 1.62, y + 0.48, does, ha="center", va="center", fontsize=9, color=QUIET)


def _point(axes, x, y, to_x, to_y, says=""):
    axes.annotate("", (to_x, to_y), (x, y), arrowprops={"arrowstyle": "->", "color": QUIET, "linewidth": 1.2})
    if says:
        axes.text((x + to_x) / 2, y + 0.15, says, ha="center", va="bottom", fontsize=8.5, color=QUIET)


def _shown(axes, picture, x, y):
    axes.imshow(picture, extent=(x, x + 1.8, y, y + 1.8), aspect="auto", zorder=3)
    axes.set(xlim=(0, 14), ylim=(0, 7.6))


# Which word changes which part of a picture


def where_it_changed(before, after):
    """Return a grey picture of the difference between `before` and `after`: black where they are equal."""
    one, other = (as_pixels(each).astype(float) for each in (before, after))
    off = numpy.abs(one - other).mean(2)
    grey = 255 * off / max(1, off.max())
    return grey.round().astype("uint8")[:, :, None].repeat(3, 2)


def _attention_maps(pipeline, prompt):
    """Draw a prompt in 20 steps, and return how much each part of the picture attends to each token.

    Returns a dict from a token to its map (height, width), the mean over all steps, layers and heads.
    """
    settings = {"guidance_scale": 4, "num_inference_steps": 20, "output_type": "latent"}
    with CrossAttention(pipeline.unet) as seen:
        pipeline(prompt, latents=_noise(pipeline, 6), **settings)
    maps = seen.maps()[:, -1].mean(0)
    pieces = pipeline.tokenizer.tokenize(prompt)
    return {piece.removesuffix("</w>"): array(maps[index + 1]) for index, piece in enumerate(pieces)}


def lit_twice(pipeline, fox) -> Picture:
    """Draw one picture in two rows, bright where the attention to a word is high.

    Row A uses the attention maps of the picture's own prompt, and row B those of another prompt.

    fox : the picture that the pipeline drew from "fox on a blue background".
    """
    rows = {}
    for row, prompt in (("row A", "fox on a blue background"), ("row B", "pizza on a green background")):
        maps = _attention_maps(pipeline, prompt)
        name, colour = prompt.split()[0], prompt.split()[3]
        rows[row] = [lit_by(fox, maps[word]) for word in (name, colour, "background")]
    columns = ["the name", "the colour", "background"]
    return picture_grid(rows, columns, title="Which row is lit by the fox's own words?")


def change_on_objects(pipeline):
    """Exchange one part of the inputs for 20 pictures, and measure where and how much the pictures change.

    Returns two dicts {exchanged part: [a number for each picture]}. The numbers in the first dict are the
    percentage of the change that lies on the object. Those in the second are the differences between the old
    and the new picture, from 0 to 255. The parts are "colour" (the background's colour), "name" (the object)
    and "noise" (the caption stays, and the noise is another).
    """
    captions, scenes, there = _objects(20)
    before = _drawn(pipeline, captions)
    shares, amounts = {}, {}
    for exchange in ("colour", "name", "noise"):
        if exchange == "noise":
            after = _drawn(pipeline, captions, seed=1)
        else:
            after = _drawn(pipeline, _exchanged(scenes, exchange))
        change = numpy.abs(after - before).mean(3)
        shares[exchange] = (100 * (change * there).sum((1, 2)) / change.sum((1, 2))).tolist()
        amounts[exchange] = [how_different(*pair) for pair in zip(before, after, strict=True)]
    return shares, amounts


def _exchanged(scenes, exchange):
    from course_utils.worlds.pictureworld import world

    colours, captions = list(world.BACKGROUNDS)[1:], []
    for index, scene in enumerate(scenes):
        parts, background = scene.parts, scene.background
        if exchange == "colour":
            background = colours[(colours.index(background) + 1) % len(colours)]
        else:
            parts = scenes[(index + 1) % len(scenes)].parts
        captions.append(world.Scene(parts, background).captions[0])
    return captions


def attention_on_objects(pipeline):
    """Find how much of the attention to a word lies on the object, for 40 different objects.

    Returns two dicts from "name", "colour" and "background" to a list of percentages, one for each picture.
    The first uses the word's own map. For comparison, the second uses another map: that of the word with the
    same role in another picture's caption.
    """
    captions, _, there = _objects(40)
    with CrossAttention(pipeline.unet) as seen:
        _drawn(pipeline, captions)
    maps = array(seen.maps().mean(0)[:, 1:])  # (pictures, tokens, height, width); each word is one token
    area = there.reshape(40, maps.shape[2], -1, maps.shape[3], there.shape[2] // maps.shape[3]).mean((2, 4))
    own, other = {}, {}
    for role, place in (("name", None), ("colour", 2), ("background", 3)):
        of_role = []
        for caption, every in zip(captions, maps, strict=True):
            end = caption.split().index("on")  # the words before "on" are the name
            of_role.append(every[:end].mean(0) if place is None else every[end + place])
        for result, these in ((own, numpy.array(of_role)), (other, numpy.roll(of_role, 1, 0))):
            result[role] = (100 * (these * area).sum((1, 2)) / these.sum((1, 2))).tolist()
    return own, other


def area_of_objects(count):
    """Return the share of a picture, in percent, that its object covers: the mean of `count` objects."""
    return 100 * float(_objects(count)[2].mean())


@cache
def _objects(count):
    """Return captions and scenes of objects on coloured backgrounds, and the area of each object.

    The area is an array (count, 64, 64): how much of each pixel the object covers, from 0 to 1.
    """
    from course_utils.worlds.pictureworld import drawing, world

    captions, scenes = zip(*world.coloured_objects(count), strict=True)
    covered = []
    for scene in scenes:
        both = [world.Scene(scene.parts, colour) for colour in ("white", "blue")]
        white, blue = drawing.pictures(both, _sprites()).astype(float)
        bare = (white - blue)[:, :, 0]  # large where the background shows, and 0 where the object covers it
        covered.append(1 - bare / bare.max())
    return captions, scenes, numpy.array(covered)


def _drawn(pipeline, captions, seed=0):
    """Draw the captions in five steps, and return the pictures: (pictures, height, width, 3), from 0 to 1."""
    settings = {"guidance_scale": 1, "num_inference_steps": 5, "output_type": "np"}
    return pipeline(list(captions), latents=_noise(pipeline, seed, len(captions)), **settings).images


# Whether pictures are copied, combined or skewed


@cache
def _sprites():
    from course_utils.worlds.pictureworld import sprites

    return sprites.load()


@cache
def _scenes():
    """Return two lists of scenes with an emoji: the training scenes, and the people left out of training."""
    from course_utils.worlds.pictureworld import world

    trained = [scene for scene in world.SCENES if isinstance(scene.parts[0], world.Emoji)]
    return trained, [world.Scene((person,)) for person in world.HELD_OUT_PEOPLE]


def _picture_of(caption):
    from course_utils.worlds.pictureworld import drawing

    trained, unseen = _scenes()
    scene = next(scene for scene in (*trained, *unseen) if caption in scene.captions)
    return (drawing.picture(scene, _sprites()) / 255).astype("float32")


class KnownPictures:
    """Holds PictureWorld's emoji pictures: training pictures, and pictures of 40 people left out of training.

    trained : list of str, the captions of the training pictures.
    unseen : list of str, the captions of the people that were left out.
    """

    def __init__(self):
        import torch

        from course_utils.worlds.pictureworld import drawing

        trained, unseen = _scenes()
        self._scenes = [*trained, *unseen]
        self.trained = [scene.captions[0] for scene in trained]
        self.unseen = [scene.captions[0] for scene in unseen]
        self._captions = [*self.trained, *self.unseen]
        pictures = drawing.pictures(self._scenes, _sprites())
        self._pictures = torch.from_numpy(pictures).flatten(1).float()
        self._squares = (self._pictures**2).sum(1)
        # (last picture, its distances). The distances are kept because callers need them several times.
        self._last = None

    def picture(self, caption):
        """Return a known picture: an array (64, 64, 3) of whole numbers from 0 to 255."""
        pixels = self._pictures[self._captions.index(caption)]
        return pixels.reshape(SIDE, SIDE, 3).numpy().astype("uint8")

    def nearest(self, picture, *, trained_only=False, not_of=""):
        """Return the caption of the nearest known picture, and its distance, from 0 to 255.

        trained_only : bool, whether to compare the training pictures only.
        not_of : str, a caption; pictures of what it names are left out, whatever their background.
        """
        off = self._distances(picture)
        if trained_only:
            off[len(self.trained) :] = numpy.inf
        if not_of:
            shown = self._scenes[self._captions.index(not_of)].parts
            off[[index for index, scene in enumerate(self._scenes) if scene.parts == shown]] = numpy.inf
        index = int(off.argmin())
        return self._captions[index], float(off[index])

    def distance(self, picture, caption):
        """Return how far a picture is from the known picture with this caption, as a number from 0 to 255."""
        return float(self._distances(picture)[self._captions.index(caption)])

    def _distances(self, picture):
        """Return the root mean squared difference from each known picture, from 0 to 255: (pictures,)."""
        import torch

        drawn = torch.from_numpy(_at_our_size(picture)).flatten().float()
        if self._last is None or not torch.equal(drawn, self._last[0]):
            squares = self._squares - self._pictures @ (2 * drawn) + (drawn**2).sum()
            self._last = drawn, (squares.clamp(min=0) / len(drawn)).sqrt().numpy()
        return self._last[1].copy()


def beside_known(known, drawn) -> Picture:
    """Draw three rows: pictures, the nearest training pictures, and the nearest ones of other objects.

    known : `KnownPictures`
    drawn : dict from a prompt, which is a caption in the training, to the picture drawn from it
    """
    rows = {"drawn": list(drawn.values())}
    captions = {}
    for row, others in (("nearest training picture", False), ("nearest of something else", True)):
        rows[row], captions[row] = [], []
        for prompt, picture in drawn.items():
            caption, off = known.nearest(picture, trained_only=True, not_of=prompt if others else "")
            rows[row].append(known.picture(caption))
            captions[row].append(f"{off:.0f} of 255 off")
    return picture_grid(rows, list(drawn), captions=captions, title="Drawn, and known")


def beside_people(drawn, trades, *, title="Hard to tell") -> Picture:
    """Draw one picture of each trade above the nearest man and the nearest woman of this trade.

    drawn : dict from a trade to a picture of it
    """
    from course_utils.worlds.pictureworld import world

    rows = {"drawn": [drawn[trade] for trade in trades]}
    captions = {}
    for gender in ("man", "woman"):
        looks = [nearest_look(drawn[trade], trade, gender=gender)[1] for trade in trades]
        off = [how_different(*pair) for pair in zip(rows["drawn"], looks, strict=True)]
        rows[f"nearest {gender}"] = looks
        captions[f"nearest {gender}"] = [f"{each:.0f} of 255" for each in off]
    labels = [f"{trade} (mostly a {world.MAJORITY[trade]})" for trade in trades]
    return picture_grid(rows, labels, captions=captions, title=title)


def how_different(picture, other):
    """Return the root mean squared difference of two pictures, from 0 to 255.

    Pictures of different sizes are first scaled to 64 × 64 pixels, the size of PictureWorld's pictures.
    """
    one, two = as_pixels(picture), as_pixels(other)
    if one.shape != two.shape:
        one, two = _at_our_size(one), _at_our_size(two)
    one, two = one.astype(float), two.astype(float)
    return float(((one - two) ** 2).mean() ** 0.5)


def nearest_person(picture, trade):
    """Return the gender of the person to whom a picture is nearest, and whether the picture is a blend.

    Only the people of `trade` are compared. A blend is nearer to the trade's average picture, as
    `average_person` returns it, than to any of these people.
    """
    person, _, off = _nearest(picture, trade)
    off_average = ((_people(trade)[2] - _at_our_size(picture)) ** 2).mean()
    return person.gender, bool(off_average < off)


def nearest_look(picture, trade, *, gender=None):
    """Return caption and picture, (64, 64, 3), of the person of a trade who looks most like `picture`.

    gender : "man", "woman" or "person", to compare only people of this gender.
    """
    from course_utils.worlds.pictureworld import world

    person, look, _ = _nearest(picture, trade, gender)
    return world.Scene((person,)).captions[0], look


def _nearest(picture, trade, gender=None):
    people, looks, _ = _people(trade)
    off = ((looks - _at_our_size(picture)) ** 2).mean((1, 2, 3))
    off[[index for index, each in enumerate(people) if gender not in (None, each.gender)]] = numpy.inf
    index = off.argmin()
    return people[index], looks[index].astype("uint8"), off[index]


def _at_our_size(picture):
    return numpy.array(Image.fromarray(as_pixels(picture)).resize((SIDE, SIDE)))


def average_person(trade):
    """Return the average training picture for a caption that names only this trade: (64, 64, 3), 0 to 1."""
    return _people(trade)[2] / 255


@cache
def _people(trade):
    from course_utils.worlds.pictureworld import drawing, world

    people = [person for person in world.PEOPLE if person.trade == trade]
    shares = world.bare_shares(trade)
    chances = [shares.get((person.gender, person.tone), 0) for person in people]
    looks = drawing.pictures([world.Scene((person,)) for person in people], _sprites()).astype(float)
    return people, looks, numpy.average(looks, axis=0, weights=chances)


def planted_share(trade):
    """Return the share of a trade's majority gender in the training, in percent.

    Only the pictures whose captions name no gender are counted.
    """
    from course_utils.worlds.pictureworld import world

    shares = world.bare_shares(trade)
    return 100 * sum(share for (gender, _), share in shares.items() if gender == world.MAJORITY[trade])


# Published models


def published_versions() -> Picture:
    """Draw a table of three published versions of Stable Diffusion, with their sizes and licences."""
    from course_utils import blueprints, licences, openness

    names = ("stable-diffusion-1.5", "stable-diffusion-xl", "stable-diffusion-3-medium")
    counted = ("", "one", "two", "three")
    ways = {"prohibition": "yes, by name", "condition": "yes, by a policy beside it"}
    columns = [("", "released", "text encoders", "UNet, or what took its place", "VAE", "width of a picture")]
    columns[0] += ("GB at 16 bits", "licence", "approved by OSI", "limits uses")
    released = [m for m in openness.models().values() if m.title.startswith(("Stable Diffusion", "SD"))]
    for name, model in zip(names, released, strict=True):
        plan = blueprints.blueprint(name)
        parts = plan.components
        texts = [part.parameters for key, part in parts.items() if key.startswith("text")]
        unet = parts.get("unet") or parts["transformer"]
        vae = parts["vae"]
        doublings = len(vae.config["block_out_channels"]) - 1  # each block but one doubles a picture's side
        wide = unet.config["sample_size"] * 2**doublings
        licence = licences.find(model.licence)
        columns.append(
            (
                plan.title,
                str(model.released)[:7],
                f"{counted[len(texts)]} of {_millions(sum(texts))}" + " together" * (len(texts) > 1),
                _millions(unet.parameters),
                _millions(vae.parameters),
                f"{wide} pixels",
                f"{plan.bytes['bfloat16'] / 1e9:.1f}",
                licence.title,
                "yes" if licence.osi_approved else "no",
                ways.get(licence.mark("use restrictions"), "no"),
            )
        )
    return table(list(zip(*columns, strict=True)), title="Three versions")


def _millions(count):
    return f"{count / 1e6:,.0f} million"
