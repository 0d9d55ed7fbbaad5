"""Tests that all files name the repository's address and release as pyproject.toml does.

Also tests that the constraints pin each package.
"""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from lazy import Lazy
from packaging.requirements import Requirement
from packaging.version import Version
from programs import needs

nbformat = Lazy("nbformat")

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ADDRESS = PROJECT["urls"]["Repository"].removeprefix("https://github.com/")
GIT = f"git+https://github.com/{ADDRESS}"
FOLDERS = ("notebooks", "solutions/*", "exercises/*")
NOTEBOOKS = [path for folder in FOLDERS for path in ROOT.glob(f"{folder}/*.ipynb")]
LINUX = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"}
MAC = {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"}


class Copy:
    """A git repository with copies of all files that contain this repository's address."""

    def __init__(self, folder):
        self.folder = folder
        holding = self.git("grep", "--untracked", "-lF", ADDRESS, cwd=ROOT).splitlines()
        self.files = {*holding, "Makefile", ".ci/address"}
        for name in self.files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        self.git("init", "--quiet")
        self.git("add", ".")

    def git(self, *arguments, cwd=None):
        command = ["git", *arguments]
        return subprocess.run(command, cwd=cwd or self.folder, capture_output=True, text=True).stdout

    def set(self, old, new):
        """Change pyproject.toml as a maintainer does, and run `make address`."""
        setting = self.folder / "pyproject.toml"
        text = setting.read_text(encoding="utf-8")
        assert text.count(old) >= 1
        setting.write_text(text.replace(old, new), encoding="utf-8")
        subprocess.run(["make", "--silent", "address"], cwd=self.folder, check=True)

    def read(self, path):
        return (self.folder / path.relative_to(ROOT)).read_text(encoding="utf-8")


@pytest.fixture
def copy(tmp_path):
    return Copy(tmp_path)


@needs("git", "a clone", "make")
def test_every_file_has_the_address_and_the_release_of_pyproject(copy):
    subprocess.run(["make", "--silent", "address"], cwd=copy.folder, check=True)
    assert copy.git("diff") == "", "run `make address`"


@needs("git", "a clone", "make")
def test_a_new_address_is_written_wherever_the_old_one_stands(copy):
    copy.set(ADDRESS, "a-school/its-box")
    assert copy.git("grep", "-F", ADDRESS) == ""
    website = "https://{}.github.io/{}/".format(*ADDRESS.split("/"))
    for name in copy.files - {"Makefile", ".ci/address"}:
        expected = (ROOT / name).read_text(encoding="utf-8").replace(ADDRESS, "a-school/its-box")
        expected = expected.replace(website, "https://a-school.github.io/its-box/")
        assert (copy.folder / name).read_text(encoding="utf-8") == expected, name


@needs("git", "a clone", "make")
def test_the_notebooks_of_a_release_install_that_release(copy):
    copy.set(f'version = "{PROJECT["version"]}"', 'version = "1.2.3"')
    for path in NOTEBOOKS:
        text = copy.read(path)
        cell = next(cell for cell in nbformat.reads(text, as_version=4).cells if cell.cell_type == "code")
        assert f'    %pip install --quiet "open-the-box @ {GIT}@v1.2.3"\n' in cell.source
        links = re.findall(rf"google\.com/github/{ADDRESS}/blob/([^/]+)/", text)
        assert set(links) <= {"v1.2.3"}, path.name
    assert "\nversion: 1.2.3\n" in copy.read(ROOT / "CITATION.cff")


@needs("git", "a clone", "make")
def test_after_a_release_the_notebooks_install_main_again(copy):
    copy.set(f'version = "{PROJECT["version"]}"', 'version = "1.2.3"')
    copy.set('version = "1.2.3"', 'version = "1.3.0.dev0"')
    for path in NOTEBOOKS:
        text = copy.read(path)
        assert f'{GIT}\\"' in text and "v1.2.3" not in text
        assert set(re.findall(rf"google\.com/github/{ADDRESS}/blob/([^/]+)/", text)) <= {"main"}


@pytest.mark.parametrize("python", ["3.11.9", "3.12.9", "3.13.9", "3.14.9"])
@pytest.mark.parametrize("system", [LINUX, MAC], ids=["Linux", "Mac"])
def test_the_newest_constraints_pin_all_that_the_course_asks_for(python, system):
    here = system | {"python_version": python[:4], "python_full_version": python, "extra": ""}
    newest = max((ROOT / "constraints").glob("*.txt"), key=lambda path: Version(path.stem))
    pins = {}
    for line in newest.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            pin = Requirement(line)
            if pin.marker is None or pin.marker.evaluate(here):
                (version,) = pin.specifier
                assert version.operator == "==" and pin.name not in pins
                pins[pin.name] = version.version
    extras = PROJECT["optional-dependencies"]
    asked = PROJECT["dependencies"] + [each for extra in extras.values() for each in extra]
    for requirement in map(Requirement, asked):
        if requirement.name != PROJECT["name"]:
            name = re.sub(r"[-_.]+", "-", requirement.name).lower()
            assert pins[name] in requirement.specifier, f"{requirement}: run `make constraints`"
