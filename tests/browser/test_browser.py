"""Tests the lessons as a learner sees them: in a real JupyterLab, in a real browser, with the real models.

If COURSE_SCREENSHOTS names a folder, pictures of the outputs are saved there, at both widths and in both
themes. `make test` opens two lessons as they are stored, and runs one. `make everything` opens and runs all
lessons, opens them in Notebook 7 too, and reads each as exported HTML.
"""

import itertools
import os
import re
from pathlib import Path

import pytest
from lab import PATIENCE, Notebook, Server, chromium, findings
from lazy import Lazy
from playwright.sync_api import expect

from course_utils import catalog
from course_utils.learning import quizzes
from course_utils.learning.question import without_marks

nbformat = Lazy("nbformat")

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
LESSONS = list(catalog.lessons())
LOOKS = [(1280, "Light"), (360, "Dark")]
if os.environ.get("COURSE_SCREENSHOTS"):
    LOOKS = list(itertools.product((1280, 360), ("Light", "Dark")))

# Stored lessons that together have each kind of output: drawn pictures, charts, photographs of views, sounds
# and tables.
VARIED = ("08_stable_diffusion", "09_whisper")
RARELY = pytest.mark.everything(reason="one lesson shows at each push that this kind of page works")

expect.set_options(timeout=PATIENCE)

# Finds all elements of outputs that hide or scroll what does not fit. This leaves out what may scroll (code,
# input fields, tables that are narrower than 300 pixels, the row of lessons on the wall of claims), what is
# folded away, and a router's blocks, on which a long word ends in an ellipsis.
TOO_WIDE = """() => [...document.querySelectorAll(".jp-Cell-outputArea .jp-OutputArea-output")]
  .filter(output => !output.querySelector("pre"))
  .flatMap(output => [output, ...output.querySelectorAll("*")])
  .filter(part => part.tagName !== "INPUT" && part.clientWidth > 1 && part.scrollWidth > part.clientWidth + 1
    && (part.matches(".jp-OutputArea-output") || getComputedStyle(part).overflowX !== "visible")
    && !(part.style.overflowX === "auto" && part.clientWidth < 300)
    && !part.matches(".cw-filter, .rt-block span") && !part.closest("details:not([open]) > :not(summary)"))
  .map(part => `${part.scrollWidth} in ${part.clientWidth} px: <${part.localName} class="${part.className}"> `
    + part.textContent.slice(0, 80))"""


@pytest.fixture(scope="module")
def server(tmp_path_factory, quick_kernels):
    folder = tmp_path_factory.mktemp("notebooks")
    for lesson in ["index", *LESSONS]:
        text = (NOTEBOOKS / f"{lesson}.ipynb").read_text(encoding="utf-8")
        for place in (folder, folder / "notebook7"):  # a notebook in another folder gets another kernel
            place.mkdir(exist_ok=True)
            (place / f"{lesson}.ipynb").write_text(text, encoding="utf-8")
    with Server(folder, tmp_path_factory.mktemp("jupyter")) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module", params=LESSONS)
def lesson(request, server, browser):
    """Yields a lesson that has been run from top to bottom; `name` is its name."""
    notebook = Notebook(browser, server, f"{request.param}.ipynb")
    notebook.name = request.param
    notebook.run_all()
    yield notebook
    notebook.close()


def missing_pictures(notebook, name):
    """Returns a list: the code of the first cell whose picture is missing, and the page's error messages."""
    missing = []
    for index, cell in enumerate(nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells):
        html = "".join(output.get("data", {}).get("text/html", "") for output in cell.get("outputs", []))
        if "<figure" in html:
            try:
                expect(notebook.output(index).locator("figure").first).to_be_visible()
            except AssertionError:
                missing.append(cell.source)
                break  # waiting for the pictures of further cells would take as long again
    shown = notebook.page.locator(".jp-Notebook").inner_text()
    return missing + re.findall("Error displaying|untrusted|Loading widget", shown)


def enter(field, words):
    """Replaces the text of a field, key by key, and presses Enter."""
    field.fill("")
    field.press_sequentially(words)
    field.press("Enter")


def photograph(notebook, name):
    """If COURSE_SCREENSHOTS is set, saves a picture of each output of a cell that uses `course`."""
    folder = os.environ.get("COURSE_SCREENSHOTS")
    if folder:
        for index, source in enumerate(notebook.sources):
            output = notebook.output(index)
            if "course." in source and output.count() and output.inner_text().strip():
                output.screenshot(path=Path(folder) / f"{name}-cell{index:02}.png")


def explorers(lesson):
    """Returns the indices of the cells that show an explorable."""
    made = re.compile(r"course\.(opened\.|capstone\()|^view\b", re.MULTILINE)  # `view`: another cell made it
    shown = [index for index, source in enumerate(lesson.sources) if made.search(source)]
    return [index for index in shown if lesson.output(index).locator(".otb").count()]


@pytest.fixture(scope="module")
def window(server, browser):
    """Yields a window of JupyterLab in which one stored lesson after the other is opened."""
    notebook = Notebook(browser, server, "index.ipynb")
    yield notebook
    notebook.close()


@pytest.mark.parametrize(
    "name", [name if name in VARIED else pytest.param(name, marks=RARELY) for name in LESSONS]
)
def test_a_stored_lesson_shows_its_pictures_before_it_is_run(window, name):
    window.turn_to(f"{name}.ipynb")
    assert not window.trusted()
    assert missing_pictures(window, name) == [] == window.complaints
    for width, theme in LOOKS:
        window.resize(width)
        window.set_theme(f"JupyterLab {theme}")
        assert window.page.evaluate(TOO_WIDE) == []


def test_runs_without_an_error(lesson):
    last = lesson.page.locator(".jp-CodeCell .jp-InputPrompt").last
    expect(last).to_have_text(re.compile(r"\[\d+\]:"))
    wrong = lesson.page.locator('[data-mime-type$=".stderr"], [data-mime-type$=".error"]')
    assert wrong.all_inner_texts() == []
    assert lesson.complaints == []
    assert lesson.page.locator(".Toastify__toast").all_inner_texts() == []  # no pop-up messages


def test_a_guess_is_said_back_and_meets_its_measurement(lesson):
    asked = {}  # {whether it offers choices: the index of the lesson's first such question}
    for index, source in enumerate(lesson.sources):
        if "course.predict(" in source:
            asked.setdefault("choices=" in source, index)
    assert asked or lesson.name == "index", "each lesson asks for a guess"
    for with_choices, index in asked.items():
        key = re.search(r'course\.predict\(\s*"([^"]+)"', lesson.sources[index])[1]
        question = lesson.output(index)
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
    item = quizzes.load(name)[0]
    asked = lesson.output(lesson.find(f'course.quiz("{name}")')).locator(".course-question").first
    for choice in sorted(item.choices, key=lambda choice: choice.right):
        asked.get_by_role("radio", name=without_marks(choice.text), exact=True).check()
        asked.get_by_role("button", name="Check").click()
        expect(asked).to_contain_text(without_marks(choice.why))
        expect(asked).to_contain_text("✓" if choice.right else "✗")
    assert asked.evaluate("card => card.scrollHeight - card.clientHeight") <= 0  # no scrollbar


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_outputs_fit_and_can_be_read_by_everyone(lesson, width, theme):
    lesson.resize(width)
    lesson.set_theme(f"JupyterLab {theme}")
    photograph(lesson, f"{lesson.name[:2]}-{width}-{theme.lower()}")
    assert lesson.page.evaluate(TOO_WIDE) == []
    assert lesson.findings() == []


@pytest.mark.parametrize("lesson", ["02_tokens_and_llama"], indirect=True)
def test_the_temperature_is_moved_by_keyboard(lesson):
    explorer = lesson.output(lesson.find("course.opened.Sampling"))
    share = explorer.locator(".sp-row .sp-share").first
    expect(share).to_have_text("77%")
    temperature = explorer.get_by_role("slider", name="Temperature, by the longest bar")
    temperature.press("ArrowRight")
    expect(share).not_to_have_text("77%")
    expect(temperature).to_have_attribute("aria-valuetext", re.compile(r"temperature 0\.93, Paris 8\d%"))
    explorer.get_by_role("slider", name="How many tokens can be drawn").press("Home")
    expect(explorer.locator(".unseen")).to_contain_text("20 draws, and always “Paris”")
    assert lesson.complaints == []


@pytest.mark.parametrize("lesson", ["00_open_the_box"], indirect=True)
def test_the_weight_at_zero_shows_gibberish(lesson):
    printed = lesson.output(lesson.find("def ask_with_weight")).inner_text()
    gibberish = re.search(r"set to zero: +(.*)", printed)[1]
    explorer = lesson.output(lesson.find("answer=ask_with_weight"))
    answer, gibberish = explorer.locator(".ow-answer"), re.sub(r"\s", "", gibberish)
    expect(answer).not_to_contain_text(gibberish)
    explorer.get_by_role("slider").press("Home")
    expect(answer).to_contain_text(gibberish)
    explorer.get_by_label("Your own question").fill("Is it?")
    explorer.get_by_label("Your own question").press("Enter")
    expect(explorer.locator(".ow-verdict")).to_have_text("A different answer.")


@pytest.mark.parametrize("lesson", ["03_attention_by_hand"], indirect=True)
def test_a_head_is_opened_and_an_own_sentence_read(lesson):
    explorer = lesson.output(lesson.find("course.opened.Attention"))
    where, note = explorer.locator(".hd-where"), explorer.get_by_role("status")
    expect(where).to_contain_text("Layer 16, head 0")
    explorer.locator('.hd-grid button[aria-pressed="true"]').press("End")
    expect(where).to_contain_text("Layer 29, head 0")
    sentence = explorer.get_by_label("Your own sentence")
    sentence.fill("A cat sat")
    sentence.press("Enter")
    expect(explorer.get_by_role("radiogroup", name="Token that looks").get_by_role("radio")).to_have_text(
        ["A", "cat", "sat"]
    )
    expect(explorer.locator(".hd-legend")).to_contain_text("sat → ")
    sentence.fill("w " * 25)
    sentence.press("Enter")
    expect(note).to_contain_text("are too many for one map: shorten it to 24.")
    assert lesson.complaints == []


@pytest.mark.parametrize("lesson", ["03_attention_by_hand"], indirect=True)
def test_a_dial_turns_by_keyboard_and_keeps_the_match_at_the_same_distance(lesson):
    dial = lesson.output(lesson.find("course.opened.Dial"))
    head, take = dial.locator(".dl-head"), dial.locator(".dl-take")
    expect(head).to_have_text("0.5 is how well they match, 2 positions apart")
    dial.get_by_role("slider", name="Position of the query").press("ArrowRight")
    expect(head).to_have_text("0 is how well they match, 3 positions apart")
    expect(take).to_have_text("The query moved, and with it the angle: from 0.5 to 0. Now turn the rim.")
    dial.get_by_role("button", name="100 on").press("Enter")
    expect(take).to_have_text("Both hands moved, the angle between them did not: still 0.")
    dial.get_by_role("button", name="13 positions apart").click()
    expect(head).to_contain_text("0.87 is how well they match")
    expect(take).to_contain_text("13 apart looks like 1.")
    assert lesson.complaints == []


@pytest.mark.parametrize("lesson", ["04_inside_llama"], indirect=True)
def test_another_country_is_patched_and_one_patch_is_read_by_keyboard(lesson):
    explorer = lesson.output(lesson.find("course.opened.Patching"))
    answer, grid = explorer.locator(".pt-receiver .pt-answer"), explorer.get_by_role("grid")
    expect(answer).to_have_text("Rome")
    expect(explorer.locator(".pt-receiver .pt-factor")).to_have_text("610 times as likely as Paris")
    source = explorer.get_by_role("textbox", name="Left sentence")
    enter(source, "The capital of New Zealand is")
    expect(explorer.locator(".pt-moral")).to_contain_text("a patch needs the same")
    enter(source, "The capital of Spain is")
    expect(answer).to_have_text("Paris")  # no vector is exchanged yet
    grid.press("ArrowDown")
    expect(answer).to_have_text("Madrid")
    grid.press("ArrowDown")
    cell = explorer.get_by_role("gridcell", selected=True)
    expect(cell).to_have_attribute("aria-label", re.compile("^France, layer 1: Madrid"))


@pytest.mark.parametrize("lesson", ["16_capstone"], indirect=True)
def test_a_claim_is_decided_once_its_evidence_is_seen(lesson):
    wall = lesson.output(lesson.find("course.capstone()"))
    wall.locator(".cw-tile").nth(15).click()
    expect(wall.locator(".cw-quote")).to_have_text("“Apache 2.0”")
    wall.get_by_role("button", name="Show evidence").click()
    expect(wall.locator(".cw-evidence")).to_contain_text("Falcon")
    expect(wall.get_by_role("button", name="Decide")).to_be_disabled()
    wall.get_by_role("button", name="It fails").click()
    wall.get_by_role("radio", name="outdated").press("ArrowUp")
    wall.get_by_role("radio", name="false").click()
    wall.get_by_role("radio", name="90%").click()
    wall.get_by_role("button", name="Decide").click()
    expect(wall.locator(".cw-result")).to_have_text("falseas you said")
    expect(wall.locator(".cw-head")).to_contain_text("of ")
    expect(wall.locator(".cw-take")).to_contain_text("Brier score")
    assert lesson.complaints == []


@pytest.mark.parametrize("lesson", ["07_mistral_and_mixtral"], indirect=True)
def test_a_window_is_opened_by_keyboard_and_the_word_is_found(lesson):
    explorer = lesson.output(lesson.find("course.opened.window_over_stories"))
    take, head, edge = (
        explorer.locator(".wd-take"),
        explorer.locator(".wd-head"),
        explorer.get_by_role("slider"),
    )
    expect(take).to_have_text("Each layer sees 16 tokens: “pink” is out of sight.")
    expect(head).to_contain_text("91% “red”, which the text never says")
    edge.press("Home")
    expect(take).to_contain_text("“pink” is in sight")
    expect(head).to_contain_text(re.compile("(99|100)% “pink”"))
    explorer.get_by_role("button", name="84", exact=True).click()  # the kernel computes the answer
    edge.press("End")
    explorer.get_by_role("button", name="Pass it on").click()
    for layer in (1, 2, 3, 4):
        explorer.get_by_role("button", name=f"with layer {layer} of 4").click()
    expect(take).to_contain_text("out of reach: 4 layers carried it 4 tokens of 84")
    edge.press("ArrowLeft")  # now the edge is not at its end, so that "End" moves it in later tests, too


@pytest.mark.parametrize("lesson", ["07_mistral_and_mixtral"], indirect=True)
def test_a_sentence_is_routed_and_an_unknown_word_is_named(lesson):
    explorer = lesson.output(lesson.find("course.opened.Router"))
    tokens, take = explorer.locator(".rt-sentence .chip"), explorer.locator(".rt-take")
    explorer.get_by_text("Another text").click()
    explorer.get_by_role("button", name="sums", exact=True).click()
    expect(tokens.filter(has_text="=").first).to_be_visible()
    text = explorer.get_by_label("Your own sentence")
    enter(text, "The elephant ran.")
    expect(take).to_contain_text("no token for “elephant”")
    enter(text, "The nurse ran.")
    expect(tokens).to_have_count(4)
    explorer.get_by_role("radio", name="layer 0").click()
    expect(take).to_contain_text("No word stands here twice")
    assert lesson.complaints == []


@pytest.mark.parametrize("lesson", ["06_falcon"], indirect=True)
def test_the_cache_is_drawn_for_another_model_and_another_length(lesson):
    explorer = lesson.output(lesson.find("course.opened.KeyValueCache"))
    results = explorer.locator(".ca-result b")
    expect(results).to_have_text(["63", "3", "508"])
    explorer.get_by_text("Another model").click()
    explorer.get_by_role("radio", name="Falcon 7B").click()
    expect(results).to_have_text(["953", "13"])
    slider = explorer.get_by_role("slider", name="Tokens in the text")
    slider.press("ArrowRight")
    expect(results.first).to_have_text("476")
    slider.press("Home")
    expect(explorer.locator(".ca-design.published")).to_contain_text("8.19 kB")
    photograph(lesson, "06-grown")


@pytest.mark.parametrize("lesson", ["10_open_v_closed"], indirect=True)
def test_a_vote_is_given_by_keyboard_and_named_afterwards(lesson):
    explorer = lesson.output(lesson.find("course.opened.Vote"))
    said = explorer.locator(".vt-said:not(:empty)")
    expect(explorer.locator(".vt-asked")).to_contain_text("Eden put the plate in the silver barrel.")
    expect(said).to_have_count(0)
    explorer.get_by_role("button", name="Right: ").press("Enter")
    expect(said).to_have_text(["white barrel.", "silver barrel."])
    # The kernel has computed the rating 1,290.
    expect(explorer.locator(".vt-lane", has_text="Mixtral")).to_contain_text("1,290")
    explorer.get_by_role("button", name="Right: ").press("ArrowLeft")
    expect(explorer.locator(".vt-head")).to_contain_text("after your 2 votes")
    photograph(lesson, "10-voted")


@pytest.mark.parametrize("lesson", ["11_bias_audit"], indirect=True)
def test_a_trade_is_chosen_and_cooled_to_greedy_by_keyboard(lesson):
    explorer = lesson.output(lesson.find("course.opened.Audit"))
    chosen = explorer.get_by_label("The chosen word")
    expect(chosen).to_contain_text("nurse")
    trade = explorer.get_by_role("slider", name="Trade")
    trade.press("Home")
    expect(chosen).to_contain_text("barber")
    expect(chosen).to_contain_text("Leans to “he”.")
    explorer.get_by_role("slider", name="temperature").press("Home")
    expect(explorer.locator(".au-heat")).to_contain_text("greedy")
    explorer.get_by_role("radio", name="as planted").click()
    expect(chosen).to_contain_text("planted: −10")
    expect(explorer.locator(".au-sentences li")).to_have_count(8)
    photograph(lesson, "11-greedy")


@pytest.mark.parametrize("lesson", ["15_community"], indirect=True)
def test_a_card_is_checked_by_the_kernel_while_it_is_written(lesson):
    explorer = lesson.output(lesson.find("course.opened.CardCheck(otterbot)"))
    expect(explorer.locator(".ck-head")).to_contain_text("8 of 9 parts fail the check")
    explorer.get_by_role("button", name="license is missing").click()
    lesson.page.keyboard.type("mit")
    expect(explorer.locator(".ck-head")).to_contain_text("7 of 9 parts fail the check")
    expect(explorer.locator(".ck-behind mark").first).to_have_text("language: en")
    expect(explorer.locator(".ck-behind mark").nth(1)).to_have_text("license: mit")
    explorer.get_by_role("button", name="Whisper").click()
    # Until the kernel has answered, the list still shows the previous card.
    expect(explorer.locator(".ck-list .boast", has_text="“state of the art” says nothing")).to_have_count(1)
    expect(explorer.locator(".ck-list .boast")).to_have_count(1)
    photograph(lesson, "15-checked")


@pytest.mark.parametrize("lesson", ["09_whisper"], indirect=True)
def test_a_word_shows_its_attention_and_noise_is_added_by_keyboard(lesson):
    view = lesson.output(lesson.find("course.opened.Speech"))
    head, looks = view.locator(".sc-head"), view.locator(".sc-looks")
    expect(head).to_have_text("2 errors without noise")
    expect(looks).to_contain_text("“old-sposed” 11% likely")
    view.locator(".sc-word", has_text="young").hover()
    expect(looks).to_contain_text("“young”")
    photograph(lesson, "09-young")
    view.get_by_role("slider", name="Noise").press("End")  # the kernel transcribes the noisy recording
    expect(head).to_contain_text("with noise at 316%")
    view.get_by_role("radio", name="himself").click()
    expect(view.locator(".sc-word").last).to_have_text("building.")
    photograph(lesson, "09-noise")
    assert lesson.complaints == []


@pytest.mark.parametrize("lesson", ["09_whisper"], indirect=True)
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


# Returns how many parts of an explorer the tab key should reach. Defines courseStop(), which tells which of
# these parts has the focus, and whether the part shows it.
TAB_STOPS = """explorer => {
  const looks = stop => [stop, ...stop.querySelectorAll("*")].map(part => {
    const style = getComputedStyle(part);
    return style.outlineStyle === "none" ? style.boxShadow : style.outline;
  }).join();
  const stops = [...explorer.querySelectorAll(
      "a[href], input, select, textarea, button, summary, audio, [tabindex='0'], [contenteditable=true]")]
    .filter(stop => stop.checkVisibility({ visibilityProperty: true }) && !stop.closest("[inert]")
      && !stop.disabled && stop.tabIndex >= -stop.isContentEditable);
  document.activeElement.blur();
  const before = stops.map(looks);
  window.courseStop = () => {
    const index = stops.indexOf(document.activeElement);
    if (index < 0) return null;
    const stop = stops[index];  // a sound player draws the focus on its own buttons, out of our sight
    return [index, stop.localName === "audio" || looks(stop) !== before[index], stop.outerHTML.slice(0, 120)];
  };
  stops[0].focus();
  return stops.length;
}"""


# Tells whether a slider is at its end, so that the right arrow changes nothing.
AT_ITS_END = "slider => Number(slider.ariaValueNow) === Number(slider.ariaValueMax)"


def tabbed(page, explorer):
    """Returns how many parts of an explorer the tab key should reach, and a list of those that it reaches."""
    stops = explorer.evaluate(TAB_STOPS)
    page.keyboard.press("Shift+Tab")
    reached = []
    for _ in range(4 * stops):  # the tab key stops several times in a sound player
        page.keyboard.press("Tab")
        stop = page.evaluate("window.courseStop()")
        if stop is None:
            break
        assert stop[1], f"the focus of {stop[2]} does not show"
        reached.append(stop[0])
    return stops, reached


def test_every_explorable_is_worked_by_the_keyboard_alone(lesson):
    still = ("index", "19_after_the_article")  # all of their pictures are static
    assert explorers(lesson) or lesson.name in still, "each other lesson has an explorable"
    for index in explorers(lesson):
        view = lesson.output(index).locator(".otb")
        stops, reached = tabbed(lesson.page, view)
        if len(reached) < stops:  # JupyterLab may have moved the focus, or the view was still being drawn
            stops, reached = tabbed(lesson.page, view)
        assert reached == sorted(reached) and set(reached) == set(range(stops)), f"cell {index}"

        for slider in view.locator("[role=slider]:visible").all():
            before = slider.get_attribute("aria-valuenow")
            slider.press("ArrowLeft" if slider.evaluate(AT_ITS_END) else "ArrowRight")
            expect(slider).not_to_have_attribute("aria-valuenow", before)
    assert lesson.complaints == []


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("lab", "index"),
        *(pytest.param("notebook", name, marks=RARELY) for name in ("index", *LESSONS)),
    ],
)
def test_a_page_runs_in_notebook_7_and_the_front_page_here(server, browser, place, name):
    notebook = Notebook(browser, server, f"{'notebook7/' * (place == 'notebook')}{name}.ipynb", place)
    notebook.name = name
    notebook.run_all()
    test_runs_without_an_error(notebook)
    for width, theme in LOOKS:
        notebook.resize(width)
        notebook.set_theme(f"JupyterLab {theme}")
        photograph(notebook, f"{name[:2]}-{place}-{width}-{theme.lower()}")
        assert notebook.page.evaluate(TOO_WIDE) == []
        assert notebook.findings() == []
    test_every_explorable_is_worked_by_the_keyboard_alone(notebook)
    assert notebook.complaints == []
    notebook.close()


@pytest.mark.parametrize(
    "name",
    [LESSONS[0], *(pytest.param(name, marks=RARELY) for name in ("index", *LESSONS[1:]))],
)
def test_the_exported_lesson_is_a_page_for_everyone(browser, tmp_path, name):
    from nbconvert import HTMLExporter
    from traitlets.config.loader import PyFileConfigLoader

    settings = PyFileConfigLoader("jupyter_nbconvert_config.py", str(NOTEBOOKS.parent)).load_config()
    page = tmp_path / f"{name}.html"
    html, _ = HTMLExporter(config=settings).from_filename(str(NOTEBOOKS / f"{name}.ipynb"))
    page.write_text(html, encoding="utf-8")
    asked, complaints = [], []
    for width in (1280, 360):
        context = browser.new_context(viewport={"width": width, "height": 900})
        context.route(re.compile("https?://"), lambda route: route.abort())
        context.on("request", lambda request: asked.append(request))
        reader = context.new_page()
        reader.on("pageerror", lambda error: complaints.append(error))
        reader.on("console", lambda said: said.type == "error" and complaints.append(said.text))
        reader.goto(page.as_uri())
        assert [request.url for request in asked if request.url.startswith("http")] == []
        assert complaints == []
        assert reader.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        if width == 360:  # at this width every wide part scrolls
            assert findings(reader, "body") == []
        if os.environ.get("COURSE_SCREENSHOTS"):
            folder = Path(os.environ["COURSE_SCREENSHOTS"])
            reader.screenshot(path=folder / f"{name[:2]}-html-{width}.png", full_page=True)
        context.close()
