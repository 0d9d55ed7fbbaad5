"""Tests that every stored notebook reads well, and that running it again gives the stored outputs."""

import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest
from lazy import Lazy
from programs import needs

from course_utils import catalog, lessons
from course_utils.learning import quizzes

nbformat = Lazy("nbformat")

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"]
LESSONS = {name: ROOT / "notebooks" / f"{name}.ipynb" for name in catalog.lessons()}
SOLUTIONS = {name: ROOT / "solutions" / name / f"{name}.ipynb" for name in LESSONS}
EXERCISES = {name: ROOT / "exercises" / name / f"{name}.ipynb" for name in LESSONS}
STORED = [*LESSONS.values(), *SOLUTIONS.values(), ROOT / "notebooks" / "index.ipynb"]

# Words that treat a model as a person, or promise too much.
AVOIDED = r"\b(simply|just|obviously|of course|amazing|powerful|magic|thinks?|knows?|wants?|believes?)\b"


def read(path):
    return nbformat.read(path, as_version=4)


def prose(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("folder", ["notebooks", "solutions", "docs", "course_utils/catalog"])
def test_every_name_of_the_package_in_a_text_exists(folder):
    import course_utils as course

    for path in sorted(ROOT.joinpath(folder).rglob("*.*")):
        # The example lesson in adding.md is invented, and uses a name that doesn't exist.
        if path.suffix not in (".ipynb", ".md", ".toml") or path.name == "adding.md":
            continue
        for room, name in re.findall(r"\bcourse\.(views|opened)\.(\w+)", path.read_text(encoding="utf-8")):
            assert hasattr(getattr(course, room), name), f"{path.name}: course.{room}.{name}"


@pytest.fixture(params=LESSONS.values(), ids=LESSONS)
def lesson(request):
    return read(request.param)


@pytest.fixture(params=STORED, ids=[str(path.relative_to(ROOT)) for path in STORED])
def stored(request):
    return request.param


def test_the_folders_hold_what_the_catalogue_lists():
    assert {p.stem for p in (ROOT / "notebooks").glob("*.ipynb")} == {*LESSONS, "index"}
    front_page = (ROOT / "notebooks" / "index.ipynb").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in LESSONS:
        assert f"({name}.ipynb)" in front_page and f"(../exercises/{name}/{name}.ipynb)" in front_page
        assert f"(notebooks/{name}.ipynb)" in readme


def test_a_lesson_has_every_part_that_its_catalogue_entry_names(lesson, request):
    facts = catalog.lessons()[request.node.callspec.id]
    opening, setup = lesson.cells[0].source, lesson.cells[1].source
    assert opening.startswith(f"# {facts.name[:2]} · {facts.title}\n") and "**" in opening
    (table,) = [
        part for cell in prose(lesson) for part in cell.source.split("\n\n") if part.startswith("| Time |")
    ]
    assert f"| {facts.duration} |" in table
    for number in (*facts.claims, *facts.competencies):
        assert re.search(rf"\b{number}\b", table), number
    for family in facts.models:
        model = catalog.find(family, facts.size)
        assert f"{model.title}: {model.size}" in table and model.licence in table
    assert setup.endswith(f'course.setup("{facts.name}")')
    assert f'course.quiz("{facts.name[:2]}-recall")' in [cell.source for cell in code(lesson)[:4]]
    text = "\n".join(cell.source for cell in lesson.cells)
    for part in ("course.predict(", "**What you saw.**", "**Change it.**"):
        assert part in text, part
    assert "## The article said" in text and f'course.article("{facts.name[:2]}"' in text
    ending = "\n".join(cell.source for cell in lesson.cells[-4:])
    for part in ("## Take away", f'course.quiz("{facts.name[:2]}")', "## Go deeper"):
        assert part in ending, part
    take_away = next(cell.source for cell in lesson.cells if "## Take away" in cell.source)
    assert len(re.findall(r"^\d\. ", take_away, re.M)) == 5


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_its_exercises_and_the_map_link_to_each_other(name):
    sheet = read(EXERCISES[name]).cells[0].source
    assert f"](../../notebooks/{name}.ipynb)" in sheet and "](../../notebooks/index.ipynb)" in sheet
    text = "\n".join(cell.source for cell in prose(read(LESSONS[name])))
    assert f"](../exercises/{name}/{name}.ipynb)" in text and "](index.ipynb)" in text
    lesson_map = (ROOT / "notebooks" / "index.ipynb").read_text(encoding="utf-8")
    assert f"]({name}.ipynb)" in lesson_map and f"](../exercises/{name}/{name}.ipynb)" in lesson_map


def test_a_lesson_has_a_break_between_its_sittings(lesson, request):
    sittings = catalog.lessons()[request.node.callspec.id].sittings
    breaks = [cell for cell in prose(lesson) if "*A good moment for a break." in cell.source]
    assert len(breaks) >= len(sittings) - 1
    assert max(sittings) <= 35  # at most 35 minutes without a break


def test_every_prediction_is_revealed(lesson):
    text = "\n".join(cell.source for cell in code(lesson))
    predicted = re.findall(r'course\.predict\(\s*"([^"]+)"', text)
    assert predicted and predicted == re.findall(r'course\.reveal\(\s*"([^"]+)"', text)


def test_the_article_s_claims_are_settled_where_they_say(lesson, request):
    """A lesson's box of claims shows exactly those claims that name this lesson."""
    name = request.node.callspec.id
    box = next(cell for cell in code(lesson) if cell.source.startswith("course.article("))
    shown = re.findall(r"^Claim (\d+): ", box.outputs[0].data["text/plain"], re.M)
    naming = [str(n) for n, claim in catalog.claims().items() if name[:2] in claim.settled]
    assert shown == naming == [str(number) for number in catalog.lessons()[name].claims]


def test_no_prose_treats_a_model_as_a_person(lesson):
    for cell in prose(lesson):
        text = re.sub(r"^>.*$|\*[^*]+\*", "", cell.source, flags=re.M)  # without quotations and titles
        assert not re.findall(AVOIDED, text, re.I), cell.source


def test_numbers_in_the_prose_are_on_the_screen(lesson):
    """Each number in "What you saw" and in a claim's "On this screen" appears in the code or output above.

    The text may round a number, or give it in percent, millions or billions.
    """
    shown = set()
    for cell in lesson.cells:
        if cell.source.startswith("course.article("):
            number = re.search(r'"(\d\d)"', cell.source)[1]
            for claim in catalog.claims().values():
                _assert_on_the_screen(claim.settled.get(number, ""), shown)
        if cell.cell_type == "code":
            texts = [cell.source]
            for output in cell.outputs:
                data = output.get("data", {})
                texts += [output.get("text", ""), data.get("text/plain", "")]
            numbers = (number for text in texts for number in re.findall(r"\d[\d,]*\.?\d*", text))
            shown |= {float(number.replace(",", "")) for number in numbers}
            continue
        if "**What you saw.**" in cell.source:
            # Years of sources and numbers of lessons need not be shown.
            text = re.sub(r"\([^)]*, \d{4}\)|[Ll]essons? \d\d( and \d\d)?", "", cell.source)
            _assert_on_the_screen(text, shown)


def _assert_on_the_screen(text, shown):
    for number in re.findall(r"(?<![\w.])\d[\d,]*\.?\d*%?", text):
        value = float(number.strip("%.,").replace(",", ""))
        digits = len(number.strip("%.,").partition(".")[2])
        near = {round(n * factor, digits) for n in shown for factor in (1, 100, 1e-6, 1e-9)}
        assert value in near or value <= 12, f"{number} is not on the screen: {text}"


class _Images(HTMLParser):
    def __init__(self):
        super().__init__()
        self.images = []

    def handle_starttag(self, tag, attrs):
        assert tag not in ("script", "iframe", "link"), f"<{tag}> in an output"
        if tag == "img":
            self.images.append(dict(attrs))


def test_every_picture_has_words(stored):
    for cell in code(read(stored)):
        for output in cell.outputs:
            data = output.get("data", {})
            assert "image/png" not in data and "image/svg+xml" not in data, "draw through course_utils.views"
            if "text/html" in data:
                assert len(data["text/plain"]) > 15, cell.source
                parser = _Images()
                parser.feed(data["text/html"])
                for image in parser.images:
                    assert len(image["alt"]) > 15 and image["src"].startswith("data:image/"), cell.source


def test_a_notebook_is_stored_as_it_ran_from_top_to_bottom(stored):
    notebook, text = read(stored), stored.read_text(encoding="utf-8")
    assert stored.stat().st_size < 1_500_000
    assert not re.search(r"/(home|root|tmp|work|Users)/|[A-Z]:\\\\", text), "a path of a machine"
    assert "widgets" not in notebook.metadata and "widget-view" not in text
    counts = [cell.execution_count for cell in code(notebook)]
    assert counts == list(range(1, len(counts) + 1)), "run it from top to bottom: course run --write"
    for cell in notebook.cells:
        assert "execution" not in cell.metadata
        for output in cell.get("outputs", []):
            assert output.output_type != "error" and output.get("name") != "stderr", cell.source


def test_set_up_cells_install_alike_from_the_one_address():
    notebooks = [*STORED, *EXERCISES.values()]
    (cell,) = {"\n".join(code(read(path))[0].source.split("\n")[1:7]) for path in notebooks}
    assert cell.startswith("try:\n") and cell.endswith("\n    import course_utils as course")
    says, installs = cell.split("\n")[3:5]
    assert says.startswith('    print("Installing the course') and says.endswith('.")')
    assert installs.startswith(f'    %pip install --quiet "open-the-box @ git+{REPOSITORY}')


@pytest.mark.parametrize("name", [name for name, each in catalog.lessons().items() if not each.any_size])
def test_a_lesson_of_one_size_says_which_wherever_it_loads(name):
    """If a call names no size, COURSE_SIZE could make it load another size than the set-up cell promised."""
    asked = re.findall(
        r'course\.(?:load|folder)\("([\w.-]+)"(.*?)\)', "\n".join(c.source for c in code(read(LESSONS[name])))
    )
    families = {model.family for model in catalog.models().values()} - catalog.models().keys()
    assert [one for one, more in asked if one in families and not more] == []


@needs("git", "a clone")
def test_links_hold_the_one_address():
    hosted = REPOSITORY.removeprefix("https://github.com/")
    for name, path in LESSONS.items():
        link = rf"https://colab\.research\.google\.com/github/{hosted}/blob/[^/]+/notebooks/{name}\.ipynb"
        assert re.search(link, prose(read(path))[0].source)
    for page in ("README.md", "notebooks/index.ipynb"):
        assert f"({REPOSITORY}/issues)" in (ROOT / page).read_text(encoding="utf-8")
    ours = r"(?:git\+https://github\.com|mybinder\.org/v2/gh|google\.com/github)/([\w-]+/[\w-]+)"
    for name in subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines():
        if (ROOT / name).suffix in (".ipynb", ".md", ".py", ".toml", ".yml", ".yaml"):
            text = (ROOT / name).read_text(encoding="utf-8")
            found = re.findall(ours, text) + re.findall(r"github\.com/([\w-]+/open-the-box)\b", text)
            assert set(found) <= {hosted}, name


def test_a_lesson_alone_says_where_the_files_are_that_it_links_to(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(catalog, "default_sizes", {})
    colab = REPOSITORY.replace("github.com", "colab.research.google.com/github")
    for name, path in LESSONS.items():
        monkeypatch.chdir(tmp_path)
        lessons.setup(name)
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "google.colab", None)
            lessons.setup(name)
        said = capsys.readouterr().out
        for start in (REPOSITORY, colab):
            exercises, following = re.findall(rf" {start}/blob/[^/]+/(\S+)", said)
            assert (ROOT / exercises).samefile(EXERCISES[name]) and (ROOT / following).is_file()
            assert following.removeprefix("notebooks/") in path.read_text(encoding="utf-8")
        monkeypatch.chdir(path.parent)
        lessons.setup(name)
        assert "came without" not in capsys.readouterr().out


def test_models_that_need_the_same_share_a_line(monkeypatch, capsys):
    monkeypatch.delenv("COURSE_SIZE", raising=False)
    monkeypatch.setattr(catalog, "default_sizes", {})
    lessons.setup("10_open_v_closed")
    lines = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
    needed = [line for line in lines if line in ("Model", "Each needs", "Needs")]
    assert needed == [*6 * ["Model"], "Each needs", "Model", "Needs"]


def test_links_between_files_lead_somewhere():
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *STORED]:
        text = path.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)\s]+)\)", text):
            assert (path.parent / target.split("#")[0]).exists(), f"{path.name} links to {target}"


def test_every_lesson_has_its_recall_and_its_quiz():
    for name in LESSONS:
        assert len(quizzes.load(f"{name[:2]}-recall")) == 3
        assert len(quizzes.load(name[:2])) >= 5
