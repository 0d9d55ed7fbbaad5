"""Tests that docs/instructors.md agrees with the lessons, and that a JupyterHub's settings fit together."""

import re
from pathlib import Path

import pytest
import yaml
from lazy import Lazy

from course_utils import catalog

nbformat = Lazy("nbformat")

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
HUB = ROOT / "docs" / "jupyterhub"
HEADING = r"^### (?=\d\d · )"


def sections():
    """Returns the notes on each lesson, by number."""
    notes = GUIDE.split("\n## Lesson by lesson\n")[1].split("\n## ")[0]
    return {part[:2]: part for part in re.split(HEADING, notes, flags=re.M)[1:]}


def numbers(text):
    return [number.rstrip(".,") for number in re.findall(r"(?<![\w.])\d[\d,]*\.?\d*", text)]


def test_every_lesson_has_notes():
    titles = [f"{name[:2]} · {facts.title}" for name, facts in catalog.lessons().items()]
    assert [part.split("\n")[0] for part in sections().values()] == titles


@pytest.mark.parametrize("name", catalog.lessons())
def test_times_and_points(name):
    sheet = nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", as_version=4)
    tasks = [cell.source for cell in sheet.cells if re.match(r"## \d+\.\d+ · ", cell.source)]
    minutes = sum(int(re.search(r"(\d+) minutes", task)[1]) for task in tasks)
    points = sum(cell.metadata.nbgrader.get("points", 0) for cell in sheet.cells)
    facts = sections()[name[:2]].split("\n")[2]
    assert facts.startswith(catalog.lessons()[name].duration)
    assert facts.endswith(f"exercises {minutes} minutes, {len(tasks)} tasks, {points} points.")


@pytest.mark.parametrize("name", catalog.lessons())
def test_figures_in_the_notes_occur_in_the_lesson(name):
    """Each figure is in the lesson's text, code or output, perhaps rounded or in percent."""
    lesson = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    texts = [cell.source for cell in lesson.cells]
    for cell in lesson.cells:
        for output in cell.get("outputs", ()):
            texts += [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
    shown = {float(number.replace(",", "")) for text in texts for number in numbers(text)}
    notes = sections()[name[:2]].split("\n", 3)[3]
    notes = re.sub(r"^\d\. |lessons? \d\d(, \d\d)*|2³⁰", "", notes, flags=re.M)
    for number in numbers(notes):
        value, digits = float(number.replace(",", "")), len(number.partition(".")[2])
        near = {round(each * factor, digits) for each in shown for factor in (1, 100, 1e-6, 1e-9)}
        small = value <= 12 and not digits  # small whole numbers count tasks or answers
        assert value in near or small, f"{number} is not in lesson {name}"


def test_the_servers_of_a_class_share_the_downloaded_models():
    values = yaml.safe_load((HUB / "values.yaml").read_text(encoding="utf-8"))["singleuser"]
    claim, job = yaml.safe_load_all((HUB / "models.yaml").read_text(encoding="utf-8"))
    pod = job["spec"]["template"]["spec"]
    (fetch,) = pod["containers"]
    (volume,), (mount,) = values["storage"]["extraVolumes"], values["storage"]["extraVolumeMounts"]
    assert volume["name"] == mount["name"]
    assert volume["persistentVolumeClaim"] == {"claimName": claim["metadata"]["name"], "readOnly": True}
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    folders = [mount["mountPath"], values["extraEnv"]["COURSE_CACHE"]]
    folders += [fetch["volumeMounts"][0]["mountPath"], *(each["value"] for each in fetch["env"])]
    assert set(folders) == {"/srv/models"} and mount["readOnly"] is True
    assert "{name}:{tag}".format(**values["image"]) == fetch["image"]
