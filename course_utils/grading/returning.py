"""Packs the feedback pages into a zip file, from which a learning platform gives each student one page.

The names of the pages are those that the platforms' own code looks for: Moodle's `importziplib.php` (Upload
multiple feedback files in a zip), and Canvas's `infer_comment_context_from_filename` (Upload Submissions).
Brightspace looks for the names of the folders in its own download.
"""

import re
import zipfile
from pathlib import Path, PurePosixPath

from course_utils import files
from course_utils.grading.platforms import PLATFORMS
from course_utils.grading.register import Register


def write(folder: Path, assignment: str, register: Register) -> list[Path]:
    """Write `feedback-PLATFORM.zip` for each platform that students use and that imports such pages.

    A page has the same name in each run, so that the platform replaces the earlier page. Returns the paths of
    the zip files.
    """
    by_platform: dict[str, dict[str, Path]] = {}
    for student, facts in register.students.items():
        page = folder / "feedback" / assignment / f"{student}.html"
        handed_in = facts["handed in"].get(assignment, {}).get("file", "")
        name = name_for(facts["platform"], facts["name"], facts["number"], handed_in, assignment)
        if name and page.is_file():
            by_platform.setdefault(facts["platform"], {})[name] = page
    paths = []
    for platform, pages in by_platform.items():
        path = folder / f"feedback-{platform}.zip"
        with (
            files.replacing(path, ".part") as part,
            zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for name, page in sorted(pages.items()):
                archive.write(page, name)
        paths.append(path)
    return paths


def name_for(platform: str, name: str, number: str, handed_in: str, assignment: str) -> str:
    """Return the page's name in the zip file, or "" if the course can't make a name.

    The platform finds the student by this name.

    name, number : the student's name and number in the platform
    handed_in : the path of the student's file in the platform's download
    """
    page = f"{assignment}.html"
    if platform == "moodle" and number:
        return f"{re.sub('[_/]', ' ', name)}_{number}_assignfeedback_file/{page}"
    pattern = PLATFORMS[platform].pattern if platform in ("canvas", "brightspace") else None
    for part in PurePosixPath(handed_in).parts if pattern else ():
        match = pattern.fullmatch(part)
        if match and platform == "brightspace":
            return (
                f"{part}/{page}"
                if not match["file"]
                else f"{part.removesuffix(' - ' + match['file'])}/{page}"
            )
        if match and match["file"] and match["number"].isdecimal():
            return part[: match.start("file")] + page
    return ""
