"""The lessons as a learner meets them: in a real JupyterLab, in a real browser, with the real models.

With COURSE_SCREENSHOTS set to a folder, outputs are photographed there, at both widths and in both themes.
"""

import os
import re
import time
from pathlib import Path

import nbformat
import pytest
from lab import Notebook, Server, launch_chromium
from playwright.sync_api import expect, sync_playwright

from course_utils import catalog
from course_utils.learning import quiz

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
LESSONS = list(catalog.lessons())
WIDTHS = (1280, 640)

# Everything in an output that hides or scrolls what does not fit, beside code, which may scroll, as may, at
# a phone's width, a table that would have to break its tokens.
TOO_WIDE = """() => [...document.querySelectorAll(".jp-Cell-outputArea .jp-OutputArea-output")]
  .filter(output => !output.querySelector("pre"))
  .flatMap(output => [output, ...output.querySelectorAll("*")])
  .filter(part => part.tagName !== "INPUT" && part.clientWidth > 1 && part.scrollWidth > part.clientWidth + 1
    && (part.matches(".jp-OutputArea-output") || getComputedStyle(part).overflowX !== "visible")
    && !(part.style.overflowX === "auto" && part.clientWidth < 300))
  .map(part => `${part.scrollWidth} in ${part.clientWidth} px: <${part.localName} class="${part.className}"> `
    + part.textContent.slice(0, 80))"""


# The page is looked at here: its fine-tuning reads the examples once, that of test_notebooks.py four times.
SHORTER = {
    "12_fine_tune": ("epochs, size, losses, shown, start = 4", "epochs, size, losses, shown, start = 1")
}


@pytest.fixture(scope="module")
def server(tmp_path_factory, quick_kernels):
    folder = tmp_path_factory.mktemp("notebooks")
    for lesson in LESSONS:
        text = (NOTEBOOKS / f"{lesson}.ipynb").read_text(encoding="utf-8")
        if lesson in SHORTER:
            assert SHORTER[lesson][0] in text
            text = text.replace(*SHORTER[lesson])
        (folder / f"{lesson}.ipynb").write_text(text, encoding="utf-8")
    with Server(folder, tmp_path_factory.mktemp("jupyter")) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        running = launch_chromium(playwright)
        yield running
        running.close()


@pytest.fixture(scope="module", params=LESSONS)
def lesson(request, server, browser):
    """A lesson that has been run from top to bottom; `name` is its name."""
    notebook = Notebook(browser, server, f"{request.param}.ipynb")
    notebook.name = request.param
    notebook.run_all()
    yield notebook
    notebook.close()


def photograph(notebook, name):
    """Keep a picture of every output, if a developer asked for them."""
    folder = os.environ.get("COURSE_SCREENSHOTS")
    if folder:
        for index, source in enumerate(notebook.sources):
            output = notebook.output(index)
            if "course." in source and output.count() and output.inner_text().strip():
                output.screenshot(path=Path(folder) / f"{name}-cell{index:02}.png")


def without_names(snapshot):
    """The lines of a Playwright aria snapshot that have a control without an accessible name."""
    return [
        line
        for line in snapshot.splitlines()
        if re.match(r"\s*- '?(slider|spinbutton|radio|checkbox|combobox|textbox|button)(?! \")", line)
    ]


@pytest.mark.parametrize("name", LESSONS)
def test_a_stored_lesson_shows_its_pictures_before_it_is_run(server, browser, name):
    notebook = Notebook(browser, server, f"{name}.ipynb")
    stored = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells
    assert not notebook.trusted()
    for index, cell in enumerate(stored):
        for output in cell.get("outputs", []):
            if "<figure" in output.get("data", {}).get("text/html", ""):
                expect(notebook.output(index).locator("figure").first).to_be_visible()
        if "course.explorers." in cell.source:
            expect(notebook.output(index).locator("figure").first).to_be_visible()
    expect(notebook.page.locator(".jp-Notebook")).not_to_contain_text(
        re.compile("Error displaying|untrusted|Loading widget")
    )
    notebook.close()


def test_runs_without_an_error(lesson):
    last = lesson.page.locator(".jp-CodeCell .jp-InputPrompt").last
    expect(last).to_have_text(re.compile(r"\[\d+\]:"))
    wrong = lesson.page.locator('[data-mime-type$=".stderr"], [data-mime-type$=".error"]')
    assert wrong.all_inner_texts() == []
    assert lesson.complaints == []


@pytest.mark.parametrize("with_choices", [True, False], ids=["choice", "number"])
def test_a_prediction_is_said_back_and_meets_its_measurement(lesson, with_choices):
    asked = next(
        index
        for index, source in enumerate(lesson.sources)
        if "course.predict(" in source and ("choices=" in source) == with_choices
    )
    key = re.search(r'course\.predict\(\s*"([^"]+)"', lesson.sources[asked])[1]
    question = lesson.output(asked)
    if with_choices:
        guess = question.get_by_role("radio").first
        answer = guess.evaluate("radio => radio.closest('label').textContent.trim()")
        guess.check()
    else:
        answer = "1234567"
        question.get_by_role("textbox").fill(answer)
    question.get_by_role("button", name="Commit").click()
    expect(question).to_contain_text(f"You predicted: {answer if with_choices else '1,234,567'}")

    revealed = lesson.find(f'course.reveal("{key}"')
    expect(lesson.output(revealed)).to_contain_text("No prediction from you yet")
    lesson.run(revealed)
    expect(lesson.output(revealed)).to_contain_text("You predicted")
    expect(lesson.output(revealed)).not_to_contain_text("No prediction from you yet")


def test_a_quiz_explains_a_wrong_answer_and_a_right_one(lesson):
    name = lesson.name[:2]
    item = quiz.load(name)[0]
    asked = lesson.output(lesson.find(f'course.quiz("{name}")')).locator(".course-question").first
    for choice in sorted(item.choices, key=lambda choice: choice.right):
        asked.get_by_role("radio", name=choice.text.replace("`", ""), exact=True).check()
        asked.get_by_role("button", name="Check").click()
        expect(asked).to_contain_text(choice.why.replace("`", ""))
        expect(asked).to_contain_text("✓" if choice.right else "✗")


@pytest.mark.parametrize("width", WIDTHS)
def test_outputs_fit_and_say_what_they_are(lesson, width):
    lesson.resize(width)
    for theme in ("Light", "Dark"):
        lesson.set_theme(f"JupyterLab {theme}")
        photograph(lesson, f"{lesson.name[:2]}-{width}-{theme.lower()}")
    assert lesson.page.evaluate(TOO_WIDE) == []
    for image in lesson.page.locator(".jp-Cell-outputArea img").all():
        assert image.get_attribute("alt")
    for output in lesson.page.locator(".jp-Cell-outputArea").all():
        assert without_names(output.aria_snapshot()) == []


@pytest.mark.parametrize("lesson", ["02_tokens_and_llama"], indirect=True)
def test_the_temperature_is_moved_by_keyboard_within_a_second(lesson):
    explorer = lesson.output(lesson.find("course.explorers.Sampling"))
    before = explorer.locator("figure").inner_text()
    temperature = explorer.get_by_role("slider").first
    temperature.focus()
    start = time.perf_counter()
    temperature.press("ArrowRight")
    expect(explorer.locator("figure")).not_to_have_text(before, use_inner_text=True)
    assert time.perf_counter() - start < 1
    expect(explorer.get_by_role("status")).to_contain_text("temperature 1.1")


@pytest.mark.parametrize("lesson", ["00_open_the_box"], indirect=True)
def test_the_weight_at_zero_shows_gibberish(lesson):
    printed = lesson.output(lesson.find("def ask_with_weight")).inner_text()
    gibberish = re.search(r"set to zero: +(.*)", printed)[1]
    explorer = lesson.output(lesson.find("course.explorers.OneWeight"))
    expect(explorer.locator("figure")).not_to_contain_text(gibberish)
    explorer.get_by_role("slider").press("Home")
    expect(explorer.locator("figure")).to_contain_text(gibberish)


@pytest.mark.parametrize("lesson", ["03_inside_llama"], indirect=True)
def test_attention_is_read_by_pointing_and_by_keyboard(lesson):
    explorer = lesson.output(lesson.find("course.explorers.Attention"))
    readout, status = explorer.locator(".course-readout:visible"), explorer.get_by_role("status")
    expect(readout).to_have_count(0)
    explorer.locator(".course-map td:has(.course-readout)").last.hover()
    expect(readout).to_have_text(re.compile(r"^·\S+ looks at ·\S+: <?[\d.]+%$"))
    layer, head, token = explorer.get_by_role("slider").all()
    head.press("Home")
    expect(status).to_contain_text("head 0: ")
    layer.press("End")
    expect(status).to_contain_text("Layer 29, head 0: ")
    token.press("Home")
    expect(status).to_have_text("Layer 29, head 0: The looks at The 100.0%")
    text = explorer.get_by_role("textbox", name="text, then Enter")
    text.fill("")
    text.press_sequentially("A cat sat")
    text.press("Enter")
    expect(status).to_contain_text("Layer 29, head 0: ·sat looks at ")
    text.fill("")
    text.press("Enter")
    expect(status).to_contain_text("There is no text")
    assert lesson.complaints == []


@pytest.mark.parametrize("lesson", ["03_inside_llama"], indirect=True)
def test_another_country_is_patched_and_one_patch_is_read_by_keyboard(lesson):
    explorer = lesson.output(lesson.find("course.explorers.Patching"))
    status = explorer.get_by_role("status")
    expect(status).to_contain_text("·Rome ahead of ·Paris in 30 of 150 patches")
    source = explorer.get_by_role("textbox", name="numbers from")
    for country, said in {
        "Spain": "·Madrid ahead of ·Paris in ",
        "New Zealand": "a patch needs the same",
    }.items():
        source.fill("")
        source.press_sequentially(f"The capital of {country} is")
        source.press("Enter")
        expect(status).to_contain_text(said)
    source.fill("")
    source.press_sequentially("The capital of Italy is")
    source.press("Enter")
    layer, token = explorer.get_by_role("slider").all()
    layer.press("Home")
    token.press("ArrowLeft")
    expect(status).to_contain_text(
        "After layer 0, ·France got the numbers of ·Italy from the other prompt: ·Rome"
    )


@pytest.mark.parametrize("lesson", ["05_mistral_and_mixtral"], indirect=True)
def test_a_window_is_narrowed_by_keyboard_and_the_word_is_lost(lesson):
    explorer = lesson.output(lesson.find("course.explorers.SlidingWindow"))
    status = explorer.get_by_role("status")
    expect(status).to_contain_text("4 layers that each see 16 tokens: at most 60 back in all.")
    window, layers, distance = explorer.get_by_role("slider").all()
    distance.press("End")
    expect(status).to_contain_text("Nothing of")
    window.press("ArrowRight")
    expect(status).to_contain_text("Falcon with this window gives the right word")
    layers.press("ArrowLeft")
    expect(status).to_contain_text("set the layers to 4")


@pytest.mark.parametrize("lesson", ["05_mistral_and_mixtral"], indirect=True)
def test_a_sentence_is_routed_and_an_unknown_word_is_named(lesson):
    explorer = lesson.output(lesson.find("course.explorers.Router"))
    status = explorer.get_by_role("status")
    explorer.get_by_role("combobox").select_option("sums")
    expect(status).to_contain_text("= ")
    text = explorer.get_by_role("textbox", name="text, then Enter")
    for typed, said in {"The elephant ran.": "no token for “elephant”", "The nurse ran.": "nurse "}.items():
        text.fill("")
        text.press_sequentially(typed)
        text.press("Enter")
        expect(status).to_contain_text(said)
    explorer.get_by_role("slider").press("Home")
    expect(explorer.locator("figure")).to_contain_text("Layer 0: which expert takes which token")
    assert lesson.complaints == []


@pytest.mark.parametrize("lesson", ["04_falcon"], indirect=True)
def test_the_cache_is_shared_less_by_keyboard_and_drawn_for_another_model(lesson):
    explorer = lesson.output(lesson.find("course.explorers.KeyValueCache"))
    status = explorer.get_by_role("status")
    expect(status).to_contain_text("128 query heads on 8 key-value heads (grouped-query, as published)")
    heads, tokens, memory = explorer.get_by_role("slider").all()
    heads.press("End")
    expect(status).to_contain_text("on 128 key-value heads (multi-head). 2,048 tokens: 4.0 GB. 16 GB hold 3 ")
    memory.press("End")
    expect(status).to_contain_text("640 GB hold 158 such texts at once")
    explorer.get_by_role("combobox", name="model").select_option("Falcon 7B")
    expect(status).to_contain_text("71 query heads on 1 key-value head (multi-query, as published)")
    tokens.press("Home")
    expect(status).to_contain_text("1 token: 8.2 kB")


@pytest.mark.parametrize("lesson", ["08_open_v_closed"], indirect=True)
def test_a_vote_is_given_by_keyboard_and_named_afterwards(lesson):
    explorer = lesson.output(lesson.find("course.explorers.Vote"))
    status = explorer.get_by_role("status")
    expect(status).to_contain_text("Which goes on better? Eden put the plate in the silver barrel.")
    left, level, right = explorer.get_by_role("button").all()
    left.focus()
    left.press("Tab")
    expect(level).to_be_focused()
    level.press("Tab")
    right.press("Enter")
    expect(status).to_contain_text(re.compile(r"Vote 1: left was \w+, right was (\w+); you took \1\."))
    right.press("Enter")  # the focus has stayed
    expect(status).to_contain_text("Vote 2: ")
    expect(explorer.locator("figure")).to_have_count(2)
    photograph(lesson, "08-voted")


@pytest.mark.parametrize("lesson", ["09_bias_audit"], indirect=True)
def test_a_trade_is_chosen_and_cooled_to_greedy_by_keyboard(lesson):
    explorer = lesson.output(lesson.find("course.explorers.Audit"))
    status = explorer.get_by_role("status")
    expect(status).to_contain_text("teacher, in all sentences, temperature 1.0")
    explorer.get_by_role("combobox", name="trade").select_option("nurse")
    expect(status).to_contain_text("nurse, in all sentences, temperature 1.0")
    temperature = explorer.get_by_role("slider")
    temperature.focus()
    temperature.press("Home")
    expect(status).to_contain_text("greedy")
    expect(status).to_contain_text("as planted: 100 (100 to 100), planted 90")
    explorer.get_by_role("combobox", name="sentence").select_option(label="The … liked")
    expect(status).to_contain_text("Not measured with this sentence: SmolLM2.")
    photograph(lesson, "09-greedy")


@pytest.mark.parametrize("lesson", ["07_whisper"], indirect=True)
def test_a_word_shows_its_attention_and_noise_is_added_by_keyboard(lesson):
    explorer = lesson.output(lesson.find("course.explorers.Speech"))
    status = explorer.get_by_role("status").filter(has_text="mean probability")
    expect(status).to_contain_text("young man, no noise: 7 words")
    attended = explorer.locator(".course-attended img:visible")
    expect(attended).to_have_attribute("alt", re.compile("Attention of “old-sposed”, said at 1.4 s"))
    explorer.locator("bdi", has_text="young").hover()
    expect(attended).to_have_attribute("alt", re.compile("Attention of “young”"))
    photograph(lesson, "07-young")
    explorer.locator(".course-word").first.focus()
    explorer.get_by_role("slider").hover()
    expect(attended).to_have_attribute("alt", re.compile("Attention of “He”"))
    explorer.get_by_role("slider").press("End")
    expect(status).to_contain_text("young man, white noise at −5 dB", timeout=60_000)
    expect(explorer.locator("figure")).to_contain_text("Above: without noise")
    photograph(lesson, "07-noise")
    assert explorer.locator("audio").evaluate("sound => sound.duration") == pytest.approx(2.99, abs=0.1)
    assert lesson.complaints == []


@pytest.mark.parametrize("lesson", ["07_whisper"], indirect=True)
def test_the_browser_takes_the_captions(lesson):
    video = lesson.output(lesson.find("course.speech.captions(")).locator("video")
    shown = video.evaluate(
        """async video => {
          video.muted = true;
          video.currentTime = 4;
          await video.play();
          const track = video.textTracks[0];
          while (!track.activeCues.length) await new Promise(done => setTimeout(done, 50));
          video.pause();
          return [track.cues.length, track.activeCues[0].text];
        }"""
    )
    assert shown == [3, "consider how much there might be prudently"]
