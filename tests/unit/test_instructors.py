"""Tests that docs/instructors.md agrees with the lessons, and that a JupyterHub's settings fit together."""

import http.server
import json
import re
import threading
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import yaml
from lazy import Lazy

from course_utils import catalog

nbformat = Lazy("nbformat")

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
HUB = ROOT / "docs" / "jupyterhub"
HEADING = r"^### (?=\d\d · )"
# Words that make sense only to readers of the notebook or to instructors.
NOT_FOR_CLASSES = re.compile(
    r"\b(folded|next cell|(see|cell|marked) below|run on|the class|learners?)\b", re.I
)


def sections():
    """Returns {number of a lesson: its notes in docs/instructors.md}."""
    notes = GUIDE.split("\n## Lesson by lesson\n")[1].split("\n## ")[0]
    return {part[:2]: part for part in re.split(HEADING, notes, flags=re.M)[1:]}


def numbers(text):
    return [number.rstrip(".,") for number in re.findall(r"(?<![\w.])\d[\d,]*\.?\d*", text)]


@cache
def texts(name):
    """Returns all that a lesson's page shows: text, code and outputs."""
    found = []
    for cell in nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells:
        found.append(cell.source)
        for output in cell.get("outputs", ()):
            found += [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
    return found


def strange(text, sources):
    """Returns those numbers in a text that no source has, not even rounded or in percent."""
    shown = {float(number.replace(",", "")) for source in sources for number in numbers(source)}
    missing = []
    for number in numbers(text):
        value, digits = float(number.replace(",", "")), len(number.partition(".")[2])
        near = {round(each * factor, digits) for each in shown for factor in (1, 100, 1e-6, 1e-9)}
        if value not in near and (value > 12 or digits):  # a number up to 12 may count tasks or answers
            missing.append(number)
    return missing


@pytest.fixture(scope="module")
def website():
    """Returns {name: module} of those modules of website/ that read docs/instructors.md."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "website")
        import explorables
        import handouts
        import slides
        import teaching

        yield {"explorables": explorables, "handouts": handouts, "slides": slides, "teaching": teaching}


@pytest.fixture(scope="module")
def lesson_of(website):
    """Returns a function that returns a lesson by name. The function reads each notebook only once."""
    return cache(website["teaching"].Lesson)


@pytest.fixture(scope="module")
def deck_of(website, lesson_of, tmp_path_factory):
    """Returns a function that returns a lesson's slides by name. The function makes each deck only once."""
    folder = tmp_path_factory.mktemp("slides")
    return cache(lambda name: website["slides"].deck(lesson_of(name), folder))


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
    sheet = f"exercises {minutes} minutes, {len(tasks)} task{'s' * (len(tasks) > 1)}, {points} points."
    assert facts.endswith(sheet)


@pytest.mark.parametrize("name", catalog.lessons())
def test_figures_in_the_notes_occur_in_the_lesson(name):
    """Each number is in the lesson's text, code or output, perhaps rounded or in percent."""
    notes = sections()[name[:2]].split("\n", 3)[3]
    notes = re.sub(r"<!--.*?-->", "", notes)
    notes = re.sub(r"^\d\. |lessons? \d\d(, \d\d)*|2³⁰", "", notes, flags=re.M)
    assert not strange(notes, texts(name))


@pytest.mark.parametrize("name", catalog.lessons())
def test_each_cell_that_the_notes_name_has_a_picture(name, website, lesson_of):
    """Tests that a lesson's notes are complete, that their cells exist, and that pictures have alt text."""
    lesson = lesson_of(name)
    unknown = [point.cell for point in lesson.points if point.cell and point.cell not in lesson.places]
    assert not unknown, f"no ids of cells; the lesson has {list(lesson.places)}"
    for cell in [point.cell for point in lesson.points if point.cell and point.shows != "words"]:
        html, alt = lesson.picture(cell)
        assert html and alt.strip(), cell
        assert all(re.search(r' alt="[^"]', image) for image in re.findall(r"<img[^>]*>", html)), cell
    assert lesson.notes["Vote"].cell in ["", *lesson.places]
    assert lesson.promise and lesson.take_away and lesson.claims and all(lesson.in_words) and lesson.paper
    known = ["", "words", "paper", "wide", *website["explorables"].explorables()]
    assert all(point.shows in known for point in lesson.points)
    with pytest.raises(LookupError, match="names cell gone"):
        lesson.picture("gone")


@pytest.mark.parametrize("name", catalog.lessons())
def test_no_slide_tells_before_it_asks(name, website, lesson_of):
    """If a slide shows a cell, the guesses that the lesson asks for before this cell are on earlier slides.

    The slides on which a class votes on claims show no verdicts, because verdicts come later.
    """
    lesson = lesson_of(name)
    deck = [each for _, each in website["slides"].order(lesson)]
    for point in [point for point in lesson.points if point.cell]:
        early = deck[: deck.index(point)]
        assert all(ask in early for ask in lesson.questions if ask.at <= lesson.places[point.cell]), point
    if not lesson.points[-1].cell:  # a point without a cell comes after all questions
        assert all(ask in deck[: deck.index(lesson.points[-1])] for ask in lesson.questions)
    breaks = [isinstance(each, str) for each in deck]
    assert any(breaks) == bool(lesson.breaks)
    assert not any(one and other for one, other in zip(breaks, breaks[1:], strict=False))
    assert len(lesson.breaks) == sum("A good moment for a break" in cell.source for cell in lesson.cells)
    verdicts = [slide.count('class="verdict"') for slide in website["slides"]._verdicts(lesson)]
    assert sum(verdicts) == len(lesson.shown) and (not verdicts or verdicts[0] == 0)
    assert not any('verdict"' in slide for slide in website["slides"]._claims(lesson, ""))
    numbers = [claim.number in website["teaching"].twice() for claim in lesson.claims]
    assert numbers == sorted(numbers)  # claims that a class judges twice come last


def _numbers_after(word, text):
    return [int(each) for listed in re.findall(rf"{word}s? ([^)]+)", text) for each in numbers(listed)]


@pytest.mark.parametrize("name", catalog.lessons())
def test_a_class_votes_on_claims_that_the_deck_settles(name, website, lesson_of, deck_of):
    """docs/instructors.md names the points that have evidence on claims.

    A note in the deck names the slides of these points. All these slides come before the vote.
    """
    lesson = lesson_of(name)
    text = lesson.notes["Claims"].text if "Claims" in lesson.notes else ""
    assert len(lesson.shown) == text.count(" ("), "each is a claim that the lesson settles"
    deck = deck_of(name)
    ids = [place for place, slide in enumerate(deck, 1) if 'id="verdicts"' in slide]
    assert len(ids) == 1
    votes = [(place, slide) for place, slide in enumerate(deck, 1) if "A show of hands" in slide]
    assert bool(votes) == bool(lesson.shown)
    for place, slide in votes:
        told = re.search(r"Evidence on claims: (.*?)\. Our verdicts", slide)[1]
        slides, points = _numbers_after("slide", told), _numbers_after("point", text)
        assert len(slides) == len(points) and max(slides) < place
        headline = website["slides"].SENTENCE.fullmatch(lesson.points[points[0] - 1].text)[1]
        shown = deck[slides[0] - 1]
        assert website["teaching"].inline(headline) in shown or 'kicker">The answer' in shown
    for claim in lesson.claims:
        assert sum(f"“{claim.words}”" in unescape(slide) for slide in deck[ids[0] - 1 :]) == 1, claim.number


@pytest.mark.parametrize("name", catalog.lessons())
def test_a_guess_can_be_understood_without_the_lesson(name, website, tmp_path, lesson_of, deck_of):
    """A class is told what to know before each prediction. No slide or handout needs the notebook."""
    lesson, given = lesson_of(name), website["teaching"].guesses()
    asked = lesson.questions
    missing = [question.key for question in asked if not (question.say and question.key in given)]
    assert not missing, "website/guesses.toml does not say what a class must know before these"
    assert asked and all(question.why for question in asked)
    for question in asked:
        told = " ".join(str(value) for value in given[question.key].values())
        assert not strange(told, texts(name)), question.key
    deck = deck_of(name)
    first_verdict = next(place for place, slide in enumerate(deck) if 'id="verdicts"' in slide)
    seen = [slide.partition("<details")[0] for slide in deck[1:first_verdict]]
    seen.append(website["handouts"]._handout(lesson, tmp_path))
    for page in seen:
        words = re.sub(r'<div class="picture">.*', "", page, flags=re.S)  # leave out the picture
        words = re.sub(r"<[^>]+>", " ", words).replace("Fold this part back", "")
        assert not NOT_FOR_CLASSES.search(words), NOT_FOR_CLASSES.search(words)
    assert set(given) >= {question.key for question in asked}


def test_guesses_belong_to_lessons(website, lesson_of):
    lessons = map(lesson_of, catalog.lessons())
    keys = {question.key for lesson in lessons for question in lesson.questions}
    given = website["teaching"].guesses()
    titles = {name[:2]: name for name in catalog.lessons()}
    assert all(each.keys() == {"promise"} for key, each in given.items() if key in titles)
    assert keys == {key for key, each in given.items() if not each.get("skip")} - {*titles, "verdicts"}
    for number, claims in given["verdicts"].items():
        shown = [str(claim.number) for claim in lesson_of(titles[number]).shown]
        for claim, words in claims.items():
            assert claim in shown and not strange(words, texts(titles[number])), (number, claim)


def test_the_timetables_fit_the_decks_and_sheets(website, deck_of):
    """The timetables' minutes fit the decks. All tasks, slides and claims that the timetables name exist."""
    text = (ROOT / "docs" / "timetables.md").read_text(encoding="utf-8")
    day = text.split("## A school day\n")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\|[^|]*\| (\d\d) · .*\|.*?([\d.]* ?(?:and [\d.]+)?) \|$", day, re.M))
    sheets = (ROOT / "docs" / "exercises.md").read_text(encoding="utf-8")
    tasks = [task for row in rows.values() for task in re.findall(r"\d+\.\d", row)]
    tasks += re.findall(r"\b\d+\.\d\b", text.split("## A weekend\n")[1].split("\n## ")[0])
    assert len(tasks) > 4 and all(f"| {task} · " in sheets for task in tasks)
    minutes = {}
    for name in catalog.lessons():
        deck = deck_of(name)
        guesses = sum(">Guess</p>" in slide for slide in deck)
        minutes[name[:2]] = round(3.5 * guesses + 2 * sum('class="fit"' in slide for slide in deck))
        for place in re.findall(rf"/slides/{name[:2]}\.html#(\d+)\)", text):
            slide = deck[int(place) - 1]
            assert ">Guess</p>" in slide or "data-point=" in slide, (name, place)
    said = re.search(r"for a picture make (\d.*?); talk", day)[1]
    for number, lessons in re.findall(r"(\d+)(?: minutes)? for (\d\d)", said):
        assert minutes[lessons] == int(number), lessons
    thin = re.search(r"it is thin: (.*?)\.", day)[1]
    claims = catalog.claims()
    twice = website["teaching"].twice()
    for numbers, lessons in re.findall(r"for ((?:\d+ and )*\d+) in (?:lesson )?((?:\d\d and )*\d\d)", thin):
        for number in numbers.split(" and "):
            assert int(number) in twice
            assert set(lessons.split(" and ")) <= set(claims[int(number)].settled), number


def test_figures_in_the_answers_to_paper_tasks(website):
    """Each number is on the lesson's page or in the explorable's data, unless a button computes it."""
    pages = website["explorables"].explorables()
    lessons = {name[:2]: name for name in catalog.lessons()}
    for number, given in website["handouts"].tasks().items():
        page = given["page"]
        assert pages[page]["lesson"] == lessons[number]
        data = website["explorables"]._data(pages[page]["data"]).decode()
        sources = [*texts(lessons[number]), data, (ROOT / "website" / "explorables.toml").read_text("utf-8")]
        for task in given["tasks"]:
            assert (task["lines"] > 1 or "form" in task or "squares" in task) and task["ask"]
            assert "press" in task or not strange(task["answer"], sources), task["answer"]


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


def test_a_hub_is_encrypted_and_its_learners_share_nothing():
    values = yaml.safe_load((HUB / "values.yaml").read_text(encoding="utf-8"))
    lti = yaml.safe_load((HUB / "lti.yaml").read_text(encoding="utf-8"))["hub"]["config"]
    https, config = values["proxy"]["https"], values["hub"]["config"]
    assert https["enabled"] is True and https["hosts"] and https["letsencrypt"]["contactEmail"]
    assert "loadRoles" not in values["hub"] and config["KubeSpawner"]["delete_pvc"] is False
    assert config["FirstUseAuthenticator"]["create_users"] is False
    assert not set(config["Authenticator"]["admin_users"]) & set(config["Authenticator"]["allowed_users"])
    # A setting in lti.yaml replaces the same setting in values.yaml. All other settings of values.yaml stay.
    assert lti["Authenticator"].keys() >= config["Authenticator"].keys()
    needed = {"issuer", "authorize_url", "jwks_endpoint", "client_id", "username_key"}
    given = lti[lti["JupyterHub"]["authenticator_class"].rpartition(".")[2]]
    assert given.keys() == needed and isinstance(given["client_id"], list)
    assert all(given[name].startswith(given["issuer"]) for name in ("authorize_url", "jwks_endpoint"))


def test_the_page_on_hubs_agrees_with_its_files():
    page = (ROOT / "docs" / "jupyterhub.md").read_text(encoding="utf-8")
    values = yaml.safe_load((HUB / "values.yaml").read_text(encoding="utf-8"))
    named = re.findall(r"docs/jupyterhub/([\w.]+)", page) + re.findall(r"\]\(jupyterhub/([\w.]+)\)", page)
    assert set(named) == {path.name for path in HUB.iterdir() if path.is_file()}
    assert "{name}:{tag}".format(**values["singleuser"]["image"]) in page
    addresses = set(re.findall(r"https://(class\.[\w.]+)", page))
    assert addresses == set(re.findall(r"domains (\S+)", page)) == set(values["proxy"]["https"]["hosts"])
    (environment,) = re.findall(r"c\.Spawner\.environment = (\{.*?\})", page, re.S)
    of_the_server, of_the_pod = yaml.safe_load(environment), values["singleuser"]["extraEnv"]
    assert f"COURSE_CACHE={of_the_server.pop('COURSE_CACHE')} " in page
    assert of_the_server == {name: value for name, value in of_the_pod.items() if name != "COURSE_CACHE"}
    (line,) = re.findall(r"echo '(.*)' >> class/environment.yml", page)
    environment = (ROOT / "environment.yml").read_text(encoding="utf-8") + line + "\n"
    assert line.split()[-1] in yaml.safe_load(environment)["dependencies"][-1]["pip"]


class PretendedHub(http.server.BaseHTTPRequestHandler):
    """Stands in for a JupyterHub. It lists two users at a time, and its servers start and stop slowly."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        state, path = self.server.state, urlsplit(self.path)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        token = self.headers["Authorization"].removeprefix("token ")
        parts = [unquote(part) for part in path.path.strip("/").split("/")]
        status, reply = 200, {}
        if "%40" in path.path and parts[0] == "user":
            status = 404  # for a learner's name with "@", the proxy needs "@" in the path, not "%40"
        elif parts[0] == "user":
            name, file = parts[1], "/".join(parts[4:])
            if token != f"only {name}" or state["servers"].get(name) != "on" or name == state.get("refuses"):
                status = 403
            elif self.command == "PUT":
                state["homes"][name][file] = body.get("content")
            elif file in state["homes"][name]:
                reply = {"content": state["homes"][name][file]}
            else:
                status = 404
        elif token != "of the teacher":
            status = 403
        elif parts[2:] == ["user"]:
            reply = {"name": "teacher"}
        elif parts[2:] == ["users"]:
            first = int(parse_qs(path.query)["offset"][0])
            reply = state["users"][first : first + 2]
        elif parts[4:] == ["tokens"]:
            (scope,) = body["scopes"]
            reply = {"token": "only " + re.fullmatch(r"access:servers!server=(.+)/", scope)[1]}
        elif parts[4:] == ["server"]:
            if self.command == "POST" and state["servers"].get(parts[3], "off") != "off":
                status = 400
            else:
                state["servers"][parts[3]] = {"POST": "spawn", "DELETE": "stop"}[self.command]
        else:
            now = state["servers"].get(parts[3], "off")
            state["servers"][parts[3]] = {"spawn": "on", "stop": "off"}.get(now, now)
            server = {"ready": now == "on", "pending": now if now in ("spawn", "stop") else None}
            server["url"] = f"/user/{parts[3]}/"
            reply = {"servers": {} if now == "off" else {"": server}}
        data = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

    def log_message(self, *args):
        pass


def test_notebooks_come_from_the_homes_and_feedback_goes_back(monkeypatch, tmp_path):
    """After homes.py has run, the same servers run as before, and none has got the teacher's token."""
    monkeypatch.syspath_prepend(HUB)
    import homes

    monkeypatch.setattr(homes.time, "sleep", lambda seconds: None)
    names = ["ada@example.org", "emmy", "grace", "never", "teacher"]
    users = [{"name": n, "admin": n == "teacher", "last_activity": n != "never" or None} for n in names]
    path = "open-the-box/exercises/00/00.ipynb"
    state = {
        "users": users,
        "servers": {"grace": "on"},
        "homes": {"ada@example.org": {path: "ä"}, "grace": {path: "g"}, "emmy": {}},
    }
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), PretendedHub) as server:
        server.state = state
        threading.Thread(target=server.serve_forever, daemon=True).start()
        hub = homes.Hub(f"http://127.0.0.1:{server.server_port}/", "of the teacher")
        lines = list(homes.collect(hub, "00", tmp_path))
        (tmp_path / "feedback" / "00").mkdir(parents=True)
        (tmp_path / "feedback" / "00" / "ada@example.org.html").write_text("8 points", encoding="utf-8")
        back = list(homes.give_back(hub, "00", tmp_path))
        state["homes"]["ada@example.org"].pop(path)
        state["refuses"] = "grace"
        later = list(homes.collect(hub, "00", tmp_path))
        server.shutdown()
    assert [line.split(":")[0] for line in lines] == ["ada@example.org", "emmy", "grace"]
    assert lines[1] == f"emmy: has no {path}"
    assert later[0] == f"ada@example.org: has no {path}" and later[2].startswith("grace: HTTPError: 403 ")
    notebooks = {file.parent.name: file.read_text("utf-8") for file in tmp_path.glob("*/00.ipynb")}
    assert notebooks == {"ada@example.org": "ä", "grace": "g"}
    assert back == ["ada@example.org: open-the-box/feedback/00.html"]
    assert state["homes"]["ada@example.org"]["open-the-box/feedback/00.html"] == "8 points"
    assert {name for name, now in state["servers"].items() if now == "on"} == {"grace"}
