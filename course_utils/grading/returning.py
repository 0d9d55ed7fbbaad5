"""Packs the feedback pages into a zip file that a learning platform takes back, each page for its student.

The names follow what the platforms' own code looks for in them: Moodle's `importziplib.php` (Upload multiple
feedback files in a zip), and Canvas's `infer_comment_context_from_filename` (Upload Submissions). Brightspace
goes by the folders of its own download.
"""

import re
import zipfile
from pathlib import Path, PurePosixPath

from course_utils import files
from course_utils.grading.platforms import PLATFORMS
from course_utils.grading.register import Register


def write(folder: Path, assignment: str, register: Register) -> list[Path]:
    """Write `feedback-PLATFORM.zip` for each platform that students' notebooks came from. Return the paths.

    A student whose notebook came from elsewhere is in none of them. A page has the same name at each run, so
    that a platform replaces the earlier one.
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
    """Return the name in the zip file by which a platform finds the student, or "" if it can't.

    name, number : the student's, as the platform gave them
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
