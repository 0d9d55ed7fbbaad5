"""Writes the learner's page with a seal, and verifies pages for an instructor. Nothing needs a server.

A page is one HTML file. It contains its answers twice: for people, and as JSON in a block that no browser
shows. `verify` reads the JSON, draws the page from it again, compares the two pages, and checks the seal.
Only ends of lines and blank space around the page may differ, since mail programs and editors change those.
Each answer has a checksum of its own, so that `verify` can name the answers that were changed.

What a seal proves:

- Without a password it is a checksum. It finds changes that were made by accident or by hand. It does not
  find the changes of somebody who also computed the checksum again: the code for that is public.
- With a password it is an HMAC with that password, which the instructor made from a class secret and this
  learner's name. It shows that the page was written by somebody who had this password, and not changed since.
  It does not show that the answers are the learner's own, nor that they were given before the course's
  findings were seen.
"""

import base64
import hashlib
import hmac
import json
import math
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from course_utils import files
from course_utils.errors import CourseError
from course_utils.learning import verdicts
from course_utils.opened.review.facts import VERDICTS, findings
from course_utils.opened.review.folder import NAMES, RELEASES, claims, drawn, plain_name
from course_utils.widgets.identity import identity
from course_utils.widgets.photograph import BROWSERS

FORMAT = 6  # the version of the page and its JSON: increase it when the template changes
LARGEST = 2_000_000  # the most bytes that a page can have

# The fewest characters of a class secret. If secrets were shorter, a learner could try out all of them until
# one gives the learner's own password.
SHORTEST_SECRET = 16
_PUBLIC = "a checksum, no signature"  # the HMAC key of a page that was written without a password
_BLOCK = re.compile(r'<script type="application/json" id="review">\n(.*?)\n</script>', re.S)
_PARTS = ("verdict", "confidence", "because", "evidence")
# The widths of those columns of the table that have long texts, in percent of the page's width.
_WIDTHS = {"words": 24, "evidence": 26, "because": 30}
_FOUND = 94  # the width of a line with the course's verdict, in percent of the page's width

# {the greatest height of a table: the size of its letters, in points}. `_points` estimates a table's height,
# and takes the first entry in which the table fits.
_SIZES = {32: 10.5, 42: 9.5, 60: 8.5, 72: 7.6, math.inf: 6.9}
_SIGNS = {True: "✓", False: "✗"}


# Keys and seals


def learner_password(secret: str, name: str) -> str:
    """Return the password of one learner, such as "k4x2-77ab-zq3m-p5de", which the instructor hands out.

    secret : the class secret, which only the instructor has
    name : the learner's name, as it will stand on the page; capitals and double spaces make no difference

    Raises CourseError if the secret has fewer than 16 characters, or if `name` is no name.
    """
    secret = secret.strip()
    if len(secret) < SHORTEST_SECRET:
        raise CourseError(
            f"The class secret has {len(secret)} characters: take {SHORTEST_SECRET} or more, so that nobody "
            "finds it by trying."
        )
    made = hmac.new(secret.encode(), plain_name(name).casefold().encode(), hashlib.sha256).digest()
    text = base64.b32encode(made[:10]).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def _fields(data):
    """Return all that a page states as {name of a field: value}. `verify` names the fields that changed."""
    found = {part: data[part] for part in ("format", "name", "release", "date", "test", "article")}
    for answer in data["answers"]:
        for part in _PARTS:
            found[f"claim {answer['claim']}: {part}"] = answer[part]
    return found


def _marks(data):
    """Return the checksum of each field: {name of a field: 8 hexadecimal digits}."""
    return {
        name: hashlib.sha256(_canonical([name, value]).encode()).hexdigest()[:8]
        for name, value in _fields(data).items()
    }


def _seal(data, password):
    return hmac.new(password.strip().lower().encode(), _canonical(data).encode(), hashlib.sha256).hexdigest()


def _canonical(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


# Writing a page


def write(file, data, password=None):
    """Write the page with the answers in `data`.

    data : a dict with "name", "release", "date", "answers", "test" and "article", as `Review.page` makes it
    password : the learner's password, or None for a checksum alone
    """
    data = {"format": FORMAT, **data}
    sealed = {
        "data": data,
        "marks": _marks(data),
        "signed": password is not None,
        "seal": _seal(data, _PUBLIC if password is None else password),
    }
    files.write_text(file, _drawn(sealed))


def _drawn(sealed):
    """Return the HTML of a page. The same answers and seal always give the same text."""
    import jinja2

    data = sealed["data"]
    rows = []
    for answer, words in zip(data["answers"], claims(data["release"]), strict=True):
        verdict, found = findings(data["release"])[answer["claim"]]
        agrees = answer["verdict"] == verdict
        course = "" if agrees else f"{verdict}. {found}"
        rows.append({**answer, "words": words["words"], "sign": _SIGNS[agrees], "course": course})
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
    block = json.dumps(sealed, ensure_ascii=False, indent=1, sort_keys=True).replace("<", "\\u003c")
    css, mark = identity()
    return template.render(
        data=data,
        title=(RELEASES / data["release"] / "PRESS.md").read_text(encoding="utf-8").split("\n")[0][2:],
        rows=rows,
        scored=score(data["answers"], data["release"]),
        block=block,
        css=css,
        mark=mark,
        signed=sealed["signed"],
        seal=sealed["seal"],
        points=_points(rows),
    )


def _points(rows):
    """Return the size of the letters in points: the largest at which the rows fit on one page of A4.

    A row is as high as its highest cell. A cell's estimated height is the number of the cell's characters,
    divided by the cell's width in percent of the page. A line with the course's verdict adds its own height.
    """
    height = sum(max(len(row[part]) / width for part, width in _WIDTHS.items()) for row in rows)
    height += sum(len(row["course"]) / _FOUND + 0.3 for row in rows if row["course"])
    return next(points for most, points in _SIZES.items() if height <= most)


def score(answers, release):
    """Return the `Score` of verdicts, compared with what the course finds in the release.

    answers : list of dicts with "claim" (its number), "verdict" and "confidence" (in percent)
    release : the release's name
    """
    return verdicts.tally([(_agrees(answer, release), answer["confidence"]) for answer in answers])


def _agrees(answer, release):
    return answer["verdict"] == findings(release)[answer["claim"]][0]


def write_pdf(file) -> str:
    """Print a page to a PDF beside it. Return a sentence that names the PDF, or says why there is none."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    file = Path(file)
    pdf = file.with_suffix(".pdf")
    advice = f"For a PDF open {file.name} in a browser and print it: it is one page of A4."
    if program is None:
        return f"This machine has no Chromium or Chrome. {advice}"
    with tempfile.TemporaryDirectory() as profile:
        command = [program, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        command += ["--no-pdf-header-footer", f"--print-to-pdf={pdf.absolute()}", file.absolute().as_uri()]
        try:
            subprocess.run(command, capture_output=True, timeout=60, check=True)
        except (OSError, subprocess.SubprocessError):
            pdf.unlink(missing_ok=True)
    return (
        f"The same page as a PDF is in {pdf.name}."
        if pdf.exists()
        else f"The browser printed nothing. {advice}"
    )


# Verifying pages


@dataclass
class Verified:
    """The result of verifying one file. The file is good if there are no `problems`.

    name, release, date : as the page states them, or ""
    score : how many verdicts agree with what the course finds, and the Brier score; "" if there are problems
    seal : "signed", "checksum", "not checked" (signed, but `verify` got no secret), or "" if the seal
        or a checksum is wrong
    problems : what is wrong, each as a sentence
    notes : what the instructor should look at, each as a sentence
    """

    file: Path
    name: str = ""
    release: str = ""
    date: str = ""
    score: str = ""
    seal: str = ""
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify(paths, secret=None) -> list[Verified]:
    """Verify pages.

    paths : paths of HTML files, or of folders, in which all HTML files are verified
    secret : the class secret; if it is given, each page must be sealed with its learner's password

    Raises CourseError if there is no file, or if the secret is too short.
    """
    if secret is not None:
        learner_password(secret, "A")
    found = []
    for path in map(Path, paths):
        found += sorted(path.rglob("*.html")) if path.is_dir() else [path]
    if not found:
        raise CourseError("There is no page here: name HTML files, or folders with HTML files.")
    reasons = {}  # {(release, claim, the words of a reason in lower case): [(learner, result)]}
    results = []
    for path in found:
        result, data = _verify_one(path, secret)
        results.append(result)
        for answer in data["answers"] if data else ():
            words = " ".join(re.findall(r"\w+", answer["because"].casefold()))
            reasons.setdefault((data["release"], answer["claim"], words), []).append(
                (data["name"].casefold(), result)
            )
    _point_out_equal_reasons(reasons)
    return results


def _point_out_equal_reasons(reasons):
    """Add a note to the result of each page that has the same reasons as another learner's page.

    The note names the claims with these reasons, and up to three of the other pages.
    """
    equal = {}  # {id of a result: (result, [claims], {files})}
    for (_, number, _), sharing in reasons.items():
        for name, result in sharing:
            others = [other.file.name for whose, other in sharing if whose != name]
            if others:
                _, numbers, names = equal.setdefault(id(result), (result, [], {}))
                numbers.append(str(number))
                names |= dict.fromkeys(others)
    for result, numbers, names in equal.values():
        listed = ", ".join(list(names)[:3])
        if len(names) > 3:
            listed += f" and {len(names) - 3} more"
        which = "claim" if len(numbers) == 1 else "claims"
        result.notes.append(f"the reason is the same, for {which} {', '.join(numbers)}, as in {listed}")


def _verify_one(path, secret):
    """Return a `Verified` and the page's data; the data are None if the page can't be read."""
    result = Verified(path)
    if path.suffix.lower() == ".pdf":
        result.problems.append("a PDF can't be verified: ask for the HTML file")
        return result, None
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError("it is too large")
        text = re.sub(r"\r\n?", "\n", files.read_text(path))
        (block,) = _BLOCK.findall(text) or [None]
        if block is None:
            raise ValueError("it has no answers in it")
        sealed = json.loads(block)
        data = _shaped(sealed)
    except OSError as error:
        result.problems.append(f"can't be read: {error.strerror}")
        return result, None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, CourseError) as error:
        why = str(error) if type(error) is ValueError else "its answers can't be read"
        result.problems.append(f"not a page of this course: {why}")
        return result, None
    result.name, result.release, result.date = data["name"], data["release"], data["date"]
    marks = _marks(data)
    changed = [name for name in {**marks, **sealed["marks"]} if marks.get(name) != sealed["marks"].get(name)]
    if changed:
        result.problems.append(f"changed after it was written: {', '.join(changed)}")
    result.problems += _seal_problems(sealed, data, secret, bool(changed))
    if not result.problems:
        result.seal = "signed" if sealed["signed"] and secret else "checksum"
        if sealed["signed"] and not secret:
            result.notes.append("signed: give --secret-file to check the signature")
            result.seal = "not checked"
    if drawn(data["name"]) != data["release"]:
        result.problems.append(f"{data['release']} is not the release that this name draws")
    if text.strip() != _drawn(sealed).strip():
        result.problems.append("what the page shows is not what its sealed answers give")
    if result.problems:
        return result, data  # without a score, because changed answers may not be the learner's
    scored = score(data["answers"], data["release"])
    result.score = f"{scored.right} of {scored.answered}, Brier {scored.brier:.3f}"
    return result, data


def _seal_problems(sealed, data, secret, changed):
    if secret is not None:
        if not sealed["signed"]:
            return ["not signed: it was written without a password"]
        if not hmac.compare_digest(sealed["seal"], _seal(data, learner_password(secret, data["name"]))):
            return [] if changed else ["the signature is not that of this name and this class secret"]
        return []
    if sealed["signed"] or changed or hmac.compare_digest(sealed["seal"], _seal(data, _PUBLIC)):
        return []
    return ["the checksum does not fit"]


def _shaped(sealed):
    """Return the data of a page. Raise an error if they don't have the form that `write` gives them."""
    if not {"data", "marks", "signed", "seal"} == sealed.keys():
        raise ValueError("its answers can't be read")
    data = sealed["data"]
    if data["format"] != FORMAT:
        raise ValueError(f"its format is {data['format']!r}, and this version of the course reads {FORMAT}")
    good = data.keys() == {"format", "name", "release", "date", "answers", "test", "article"}
    good &= data["release"] in NAMES and data["name"] == plain_name(data["name"])
    good &= bool(re.fullmatch(r"\d{4}-\d\d-\d\d", data["date"]))
    good &= isinstance(sealed["marks"], dict) and isinstance(sealed["signed"], bool)
    good &= isinstance(sealed["seal"], str) and sealed["seal"].isascii()
    good &= all(isinstance(data[part], dict) for part in ("test", "article"))
    good &= all(type(value) is int for part in ("test", "article") for value in data[part].values())
    good &= {"of"} <= data["test"].keys() <= {"before", "after", "of"}
    good &= data["article"].keys() in ({"right", "of"}, set())
    numbers = range(1, len(claims(data["release"])) + 1)
    good &= [answer["claim"] for answer in data["answers"]] == list(numbers)
    for answer in data["answers"]:
        good &= answer.keys() == {"claim", *_PARTS} and answer["verdict"] in VERDICTS
        good &= type(answer["confidence"]) is int and 0 <= answer["confidence"] <= 100
        good &= isinstance(answer["because"], str) and isinstance(answer["evidence"], str)
    if not good:
        raise ValueError("its answers can't be read")
    return data
