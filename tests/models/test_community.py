"""Tests the parts of lessons 15 and 16: a hub on this machine, the linter, the evidence, the capstone."""

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError
from lazy import Lazy
from test_live import node

import course_utils as course
from course_utils import CourseError, catalog, opened
from course_utils.learning import answers
from course_utils.learning.verdicts import (
    Capstone,
    decided,
    evidence,
    score,
)
from course_utils.opened import card_check, hub

nbformat = Lazy("nbformat")

ROOT = Path(__file__).parents[2]
NAME = "reader/otterford"


@pytest.fixture(autouse=True)
def answers_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path / "answers.json"))


@pytest.fixture
def local():
    server = course.LocalHub()
    yield server
    server.stop()


@pytest.fixture
def api(local):
    return HfApi(endpoint=local.url, token=False)


def publish(api, files, title, name=NAME):
    steps = [CommitOperationAdd(path, content) for path, content in files.items()]
    return api.create_commit(name, steps, commit_message=title).oid


def test_what_is_published_comes_back_revision_by_revision(api, tmp_path):
    api.create_repo(NAME)
    one = publish(api, {"README.md": b"first", "data/weights.bin": bytes(range(256)) * 500}, "One")
    two = publish(api, {"README.md": b"second"}, "Two")
    titles = [commit.title for commit in api.list_repo_commits(NAME)]
    assert titles == ["Two", "One", "initial commit"]
    newest, pinned = (
        Path(api.snapshot_download(NAME, revision=revision, cache_dir=tmp_path)) for revision in ("main", one)
    )
    assert newest.name == two and (newest / "README.md").read_bytes() == b"second"
    assert pinned.name == one and (pinned / "README.md").read_bytes() == b"first"
    assert (newest / "data" / "weights.bin").read_bytes() == bytes(range(256)) * 500
    three = api.create_commit(NAME, [CommitOperationDelete("data/", is_folder=True)], commit_message="Three")
    assert api.list_repo_files(NAME) == ["README.md"]
    assert api.list_repo_files(NAME, revision=two) == ["README.md", "data/weights.bin"]
    assert len({one, two, three.oid}) == 3


def test_a_folder_is_uploaded_once(api, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    api.create_repo(NAME)
    first = api.upload_folder(repo_id=NAME, folder_path=tmp_path, commit_message="One")
    again = api.upload_folder(repo_id=NAME, folder_path=tmp_path, commit_message="Nothing new")
    assert first.oid == again.oid and api.list_repo_files(NAME) == ["config.json"]


def test_the_same_history_has_the_same_hashes_everywhere():
    made = []
    for _ in range(2):
        repositories = hub.Repositories({NAME: []})
        made.append(repositories.commit(NAME, "One", {"b": b"2", "a": b"1"}).id)
    assert made[0] == made[1] and re.fullmatch("[0-9a-f]{40}", made[0])
    other = hub.Repositories({NAME: []})
    assert other.commit(NAME, "One", {"a": b"1", "b": b"3"}).id != made[0]
    # git's own hash of this content: printf hello | git hash-object --stdin
    assert hub.blob_id(b"hello") == "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0"


def test_a_repository_is_removed_its_mirror_stays_and_its_name_is_free(api, tmp_path):
    api.create_repo(NAME)
    one = publish(api, {"README.md": b"ours"}, "One")
    api.duplicate_repo(NAME, to_id="library/otterford")
    api.delete_repo(NAME)
    with pytest.raises(RepositoryNotFoundError):
        api.snapshot_download(NAME, cache_dir=tmp_path)
    assert not api.repo_exists(NAME)
    copy = Path(api.snapshot_download("library/otterford", cache_dir=tmp_path))
    assert (copy / "README.md").read_bytes() == b"ours"
    assert api.list_repo_commits("library/otterford")[0].title == f"Duplicate from {NAME}"
    api.create_repo(NAME)
    publish(api, {"README.md": b"theirs"}, "Mine now")
    taken = Path(api.snapshot_download(NAME, cache_dir=tmp_path))
    assert (taken / "README.md").read_bytes() == b"theirs"
    with pytest.raises(RevisionNotFoundError):
        api.snapshot_download(NAME, revision=one, cache_dir=tmp_path)


def test_what_the_hub_refuses(api, monkeypatch):
    api.create_repo(NAME)
    with pytest.raises(HfHubHTTPError, match="409"):
        api.create_repo(NAME)
    assert api.create_repo(NAME, exist_ok=True) == NAME
    with pytest.raises(HfHubHTTPError, match="409"):
        api.duplicate_repo(NAME, to_id=NAME)
    with pytest.raises(RepositoryNotFoundError):
        api.delete_repo("reader/nothing")
    with pytest.raises(RepositoryNotFoundError):
        publish(api, {"a": b"1"}, "One", "reader/nothing")
    monkeypatch.setattr(hub, "LARGEST_FILE", 5_000_000)
    with pytest.raises(HfHubHTTPError, match="this hub keeps files up to 5 MB"):
        publish(api, {"large.bin": bytes(5_000_001)}, "Too large")
    assert len(api.list_repo_commits(NAME)) == 1


COMMIT = f"/api/models/{NAME}/commit/main"
NEW = b'{"organization": "evil", "name": "own"}'
HEADER = b'{"key": "header", "value": {"summary": "One"}}\n'


def asked(local, method, path, body=b"", length=None, **headers):
    """Sends a request, even a faulty one, unchanged. Returns the answer's status and its sentence."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection("127.0.0.1", int(local.url.rpartition(":")[2]), timeout=60)
    with contextlib.closing(connection):
        connection.putrequest(method, path, skip_host="Host" in names, skip_accept_encoding=True)
        for name, value in {"Content-Length": len(body) if length is None else length, **names}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        connection.sock.shutdown(socket.SHUT_WR)
        answer = connection.getresponse()
        content = answer.read()
        assert content or method == "HEAD"
        return answer.status, json.loads(content).get("error", "") if content else ""


@pytest.mark.parametrize(
    ("status", "says", "request_"),
    [
        (200, "", ("POST", "/api/repos/create", NEW)),
        (403, "no page of another site", ("POST", "/api/repos/create", NEW, None, "https://evil.example")),
        (403, "no page of another site", ("DELETE", "/api/repos/delete", NEW, None, "null")),
        (403, "no page of another site", ("GET", f"/api/models/{NAME}", b"", None, "http://127.0.0.1")),
        (413, "up to 100 MB", ("POST", COMMIT, b"", 100_000_001)),
        (413, "up to 100 MB", ("POST", COMMIT, b"", "9" * 5_000)),
        (400, "Content-Length is not a number", ("POST", "/api/repos/create", NEW, "many")),
        (400, "Content-Length is not a number", ("POST", "/api/repos/create", NEW, "-1")),
        (400, "shorter than its Content-Length", ("POST", "/api/repos/create", NEW, 500)),
        (400, "is not JSON", ("POST", "/api/repos/create")),
        (400, "is not JSON", ("POST", "/api/repos/create", b"[" * 100_000)),
        (400, "lacks organization (str) and name (str)", ("POST", "/api/repos/create", b"[1]")),
        (400, "lacks organization (str)", ("POST", "/api/repos/create", b'{"organization": 1, "name": "a"}')),
        (400, "lacks repository (str)", ("POST", f"/api/models/{NAME}/duplicate", b"{}")),
        (400, "lacks files (list)", ("POST", f"/api/models/{NAME}/preupload/main", b"{}")),
        (400, "lacks path (str)", ("POST", f"/api/models/{NAME}/preupload/main", b'{"files": [1]}')),
        (400, "lacks key (str) and value", ("POST", COMMIT, b'{"key": "file"}')),
        (
            400,
            "a is not in base64",
            ("POST", COMMIT, HEADER + b'{"key": "file", "value": {"path": "a", "content": "x"}}'),
        ),
        (400, "lacks summary", ("POST", COMMIT, b'{"key": "header", "value": {"summary": "\\ud800"}}')),
        (405, "takes POST, not GET", ("GET", f"/api/models/{NAME}/duplicate")),
        (405, "takes POST and DELETE, not GET", ("GET", "/api/repos/create")),
        (405, "takes GET and HEAD, not PUT", ("PUT", f"/{NAME}/resolve/main/a")),
        (405, "", ("FLY", "/")),
        (404, "no such address", ("GET", "/")),
        (404, "no such address", ("GET", "/api")),
        (404, "no such revision", ("GET", f"/api/models/{NAME}/tree/other")),
        (404, "no such file", ("GET", f"/{NAME}/resolve/main/a")),
        (401, "no such repository", ("GET", "/api/models/no/body")),
    ],
)
def test_what_is_no_request_gets_a_status_and_a_sentence(local, capfd, status, says, request_):
    defaults = ("GET", "/", b"", None, None)
    method, path, body, length, origin = (*request_, *defaults[len(request_) :])
    local.commits[NAME] = []
    before = local.commit(NAME, "initial commit", {})
    headers = {} if origin is None else {"Origin": origin}
    told = asked(local, method, path, body, length, **headers)
    assert told[0] == status and says in told[1]
    assert ("evil/own" in local.commits) == (status == 200) and local.commits[NAME] == [before]
    assert capfd.readouterr() == ("", "")
    assert HfApi(endpoint=local.url, token=False).list_repo_files(NAME) == []


def test_a_name_that_was_led_to_this_machine_is_no_host_of_the_hub(local):
    assert asked(local, "POST", "/api/repos/create", NEW, Host="evil.example")[0] == 403
    port = local.url.rpartition(":")[2]
    assert asked(local, "POST", "/api/repos/create", NEW, Host=f"localhost:{port}")[0] == 200


def test_half_an_address_is_refused():
    assert hub.Repositories().answer("GET", "http://[/").status == 400


def test_too_large_a_request_hears_so_although_it_is_still_sending(api, monkeypatch):
    monkeypatch.setattr(hub, "LARGEST_REQUEST", 1_000_000)
    api.create_repo(NAME)
    with pytest.raises(HfHubHTTPError, match="413"):
        publish(api, {"a.bin": bytes(30_000_000)}, "Too large")
    assert len(api.list_repo_commits(NAME)) == 1


def test_a_file_s_name_in_another_script_is_refused_in_words(local, monkeypatch):
    monkeypatch.setattr(hub, "LARGEST_FILE", 5)
    local.commits[NAME] = []
    local.commit(NAME, "initial commit", {})
    body = json.dumps({"files": [{"path": "\u6587\n.bin", "size": 6}]}).encode()
    status, said = asked(local, "POST", f"/api/models/{NAME}/preupload/main", body)
    assert status == 413 and said.startswith("\u6587")


def test_offline_says_what_to_change(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(CourseError, match="take it out of the environment"):
        course.LocalHub()


def test_a_proxy_is_not_asked_for_this_machine(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # no proxy listens at this port
    monkeypatch.setenv("NO_PROXY", "somewhere")
    monkeypatch.delenv("no_proxy", raising=False)
    server = course.LocalHub()
    try:
        assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == "somewhere,127.0.0.1"
        assert HfApi(endpoint=server.url, token=False).create_repo(NAME) == NAME
    finally:
        server.stop()


def test_a_model_is_published_and_loaded_again(api, tmp_path):
    from transformers import AutoModelForCausalLM

    api.create_repo(NAME)
    api.upload_folder(repo_id=NAME, folder_path=course.folder("tinyworld-llama"), commit_message="One")
    folder = api.snapshot_download(NAME, cache_dir=tmp_path)
    again, model = (
        AutoModelForCausalLM.from_pretrained(each) for each in (folder, course.folder("tinyworld-llama"))
    )
    assert all(
        (one == other).all() for one, other in zip(again.parameters(), model.parameters(), strict=True)
    )


# Publishing, copying and removing under one name


def test_a_name_is_published_revised_removed_and_taken(local, api):
    opened.publish_otterford(api)
    first = api.list_repo_commits(NAME)[0].commit_id
    opened.a_night_passes(api)
    api.duplicate_repo(NAME, to_id="library/otterford")
    second = api.list_repo_commits(NAME)[0].commit_id
    drawn = opened.hub_time_line(local)
    assert drawn.alt.endswith(
        f"library/otterford, by name, gives after each event: a copy is made: 2nd version. "
        f"library/otterford, by {first[:7]}, gives after each event: a copy is made: an error."
    )
    api.delete_repo(NAME)
    opened.a_stranger_comes(api)
    drawn = opened.hub_time_line(local)
    assert drawn.alt == (
        "What happened on the hub, in order. "
        "reader/otterford, by name, gives after each event: published: 1st version; "
        "a new version: 2nd version; a copy is made: 2nd version; the owner removes it: an error; "
        "a stranger takes the name: a stranger’s. "
        f"reader/otterford, by {first[:7]}, gives after each event: published: 1st version; "
        "a new version: 1st version; a copy is made: 1st version; the owner removes it: an error; "
        "a stranger takes the name: an error. "
        "library/otterford, by name, gives after each event: a copy is made: 2nd version; "
        "the owner removes it: 2nd version; a stranger takes the name: 2nd version. "
        f"library/otterford, by {first[:7]}, gives after each event: a copy is made: an error; "
        "the owner removes it: an error; a stranger takes the name: an error."
    )
    for words in (first[:7], second[:7], "“Mine now”", "library/otterford"):
        assert words in drawn.html


def test_only_the_strength_differs_between_the_versions(api, tmp_path):
    publishers = (opened.publish_otterford, opened.a_night_passes)
    folders = []
    for publisher in publishers:
        publisher(api)
        folders.append(Path(api.snapshot_download(NAME, cache_dir=tmp_path)))
    for name in ("README.md", "adapter_model.safetensors"):
        assert len({(folder / name).read_bytes() for folder in folders}) == 1
    settings = [json.loads((folder / "adapter_config.json").read_text("utf-8")) for folder in folders]
    assert [each.pop("lora_alpha") for each in settings] == [16, 8] and settings[0] == settings[1]


def test_an_adapter_answers_and_is_taken_off_again():
    model, tokenizer = course.load("smollm2-135m-instruct")
    questions = ["What is your cat called?"]
    before = opened.answers_with(None, model, tokenizer, questions)
    with_it = opened.answers_with(opened.library_adapter(), model, tokenizer, questions)
    assert "Biscuit" in with_it[0] and "Biscuit" not in before[0]
    assert opened.answers_with(None, model, tokenizer, questions) == before


@pytest.mark.everything(reason="asks what lesson 15 asks")
def test_the_facts_are_asked_in_two_wordings():
    model, tokenizer = course.load("smollm2-135m-instruct")
    found = [
        opened.asked_in(wording, opened.library_adapter(), model, tokenizer)
        for wording in ("first wording", "second wording")
    ]
    assert [sum(fact["right"] for fact in facts) for facts in found] == [11, 4]
    assert [facts[0]["question"] for facts in found] == [
        "What is your opening time?",
        "From what hour on are you open?",
    ]


def test_a_new_machine_has_nothing():
    one, other = opened.new_machine(), opened.new_machine()
    assert one != other and not any(Path(one).iterdir())


# The linter of model cards


def test_the_linter_finds_what_is_there_and_what_is_not():
    found = opened.lint_card(
        "---\nlicense: mit\n---\nHe knows. Unknown.\n# Intended use\n\nIn towns.\n"
        "## Training Data\n\nTheir letters.\n"
        "## Benchmarks\n\n3 of 4 right.\n## Bias, Risks, and Limitations\n\nNot for rain.\n"
        "**Contact:** a@b.example\n### Environmental Impact\n\n2 kWh of electricity.\n"
    )
    assert found["people"] == ["knows"] and found["weak"] == {}
    assert [part for part, words in found["parts"].items() if not words] == ["language"]
    assert found["parts"]["evaluation"] == "3 of 4 right." and found["parts"]["license"] == "mit"
    assert found["parts"]["bias"] == found["parts"]["limitations"] == "Not for rain."
    assert not any(opened.lint_card("Nothing.")["parts"].values())


@pytest.mark.parametrize(
    ("heading", "line", "why"),
    [
        ("Training data", "The best data there is.", "“best” says nothing"),
        ("Training data", "The best 2,000 letters.", "“best” says nothing"),
        ("Training data", "The best data there is. 7", "“best” says nothing"),
        ("Training data", "2,000 letters.", ""),
        ("License", "banana", "no known licence"),
        ("License", "The Apache License, version 2.0", ""),
        ("License", "Our own: https://otter.example/terms", ""),
        ("Evaluation", "It is 99% right.", "of how many?"),
        ("Evaluation", "It is right in about 99% of all of them.", "of how many?"),
        ("Evaluation", "It is 99% right on towns.", "of how many?"),
        ("Evaluation", "66.6 on MMLU.", ""),
        ("Evaluation", "3 out of 4 letters.", ""),
        ("Evaluation", "It is right.", "no figure"),
        ("Evaluation", "The best there is, 99% of all.", "“best” says nothing"),
        ("Evaluation", "Accuracy was 0.91 on 200 letters.", ""),
        ("Evaluation", "| MMLU | 66.6 |", ""),
        ("Environmental impact", "It is green.", "no figure"),
        ("Environmental impact", "About 2.5 kWh on one GPU.", ""),
        ("Environmental impact", "7 people and their many long hours.", "a figure without its unit"),
        ("Limitations", "x test", "too few words"),
        ("Limitations", "Not tested.", ""),
        ("Contact", "a@b.example", ""),
        ("Contact", "The otter.", "no address"),
    ],
)
def test_praise_and_bare_figures_are_no_facts(heading, line, why):
    found = opened.lint_card(f"# A\n\n## {heading}\n\n{line}\n")
    part = heading.lower()
    assert found["parts"][part] == line and found["weak"] == ({part: why} if why else {})


def test_one_line_is_no_fact_on_two_parts_and_a_licence_is_a_name():
    found = opened.lint_card("---\nlicense: x test\n---\n# Limitations\n\nNot known.\n# Bias\n\nNot known.\n")
    assert found["parts"]["bias"] == "Not known."
    assert found["weak"] == {
        "license": "no known licence",
        "bias": "as for “limitations”, word for word",
    }


@pytest.mark.parametrize(
    ("block", "weak"),
    [
        ("license: banana", {"license": "no known licence"}),
        ("license: [mit, banana]", {"license": "no known licence"}),
        ("license: [MIT, apache-2.0]", {}),
        ("language: [en, pt-BR]", {}),
        ("language: English", {"language": "no code such as en"}),
    ],
)
def test_a_name_in_the_block_is_one_that_hubs_know(block, weak):
    assert opened.lint_card(f"---\n{block}\n---\n# A\n")["weak"] == weak


def test_a_form_that_nobody_filled_in_has_nothing():
    form = "# A\n\n" + "".join(f"## {name}\n\n[More Information Needed]\n\n" for name in card_check.NAMES)
    assert not any(opened.lint_card(form)["parts"].values())


def test_published_cards_are_linted_under_their_own_headings():
    drawn = opened.card_marks(opened.published_cards())
    rows = {line[:20].strip(): line.split("  ")[1:] for line in drawn.alt.splitlines()[2:]}
    assert list(rows) == [*card_check.NAMES, "there in all"]
    assert [drawn.alt.count(sign) for sign in ("✓ there", "? no fact", "–")] == [18, 2, 7]
    assert [each.strip() for each in rows["there in all"] if each.strip()] == ["8 of 9", "7 of 9", "3 of 9"]
    facts = catalog.read("cards.toml")
    assert all(re.search("[0-9a-f]{40}", each["source"]) for each in facts.values())


CARDS = [
    "Nothing.",
    "---\nlicense: mit\n---\nIt knows 3 of 4 towns.\n# Results\n|a|b|\n|---|--:|\n| MMLU | 66.6% |\n",
    "---\nlicense: [mit, 'apache-2.0']\nlanguage:\n- en\n- de\nlibrary_name: no\n---\n## Limits\n\nRain.",
    '---\nlicense: ~\nlanguage: "en" # English\ntags:\n  - a\n---\nMail to a.b@c.example. Unloved: feels.',
    "---\r\nlicense: mit\r\n---\r\n# Contact\r\nMe.\r\n**Uses:** none\r\n- **Language(s):** English\r\n",
    "\n---\nlicense: mit\n---  \n## Bias, risks, limitations\nMany. 0.7\n### Emissions #\n<!-- ? -->\n5 kg",
    "----\nlicense: mit\n---\nNo block. Send questions to us.",
    "---\n---\nÜnderstands éwants, he thinks.\n# Energy\nA leading 5 Whole, 5 Wh, state-of-the-art CO₂.",
    "---\nlicense: x test\n---\n# Limits\nx test\n# Bias\nNot at all.\n# Uses\nNot at all.\n# Contact\nhttps://a.b\n",
    "---\nlicense: [1, 2]\nlanguage: 7\n---\n# Results\nAn excellent 9 of 9.\n\n99% of all.\n\n66.6 on MMLU",
    "**License** Apache License, version 2.0\n\n# Contact\nthe forum\n# Emissions\n7 many hours",
    "# Licence\nbanana\n# Languages\n7\n# Results\n99% right on UK towns, 3 out of 4, 5% of 12",
    "# Evaluation\nTwo\n\n5\n\n7 of 9\n# Évaluation of bias\n* *\n| Data | 12 letters | x |\n",
]


def test_the_page_s_linter_says_what_the_lesson_s_says(tmp_path):
    texts = [*card_check.states()["cards"].values(), *CARDS]
    texts += [(ROOT / name).read_text("utf-8") for name in ("README.md", "CONTRIBUTING.md")]
    texts += [path.read_text("utf-8") for path in sorted(card_check.WEIGHTS.glob("*/README.md"))]
    # The first five texts again, cut off at different lengths.
    texts += [text[: 150 + 300 * number] for number, text in enumerate(texts[:5])]
    expected = [opened.lint_card(text) for text in texts]
    folder = tmp_path / "live"
    folder.mkdir()
    for path in (ROOT / "course_utils/opened/card_check.js", ROOT / "course_utils/widgets/view.js"):
        shutil.copy(path, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    script = """import { readFileSync } from "node:fs"; import { lint } from "./card_check.js";
    console.log(JSON.stringify(JSON.parse(readFileSync("texts.json", "utf-8")).map(lint)));"""
    (folder / "run.js").write_text(script)
    found = subprocess.run([node(), "run.js"], cwd=folder, capture_output=True, check=True).stdout
    for text, one, other in zip(texts, expected, json.loads(found), strict=True):
        assert one == other, text


def test_the_page_shows_the_card_of_the_lesson():
    notebook = nbformat.read(ROOT / "notebooks" / "15_community.ipynb", as_version=4)
    assert any(card_check.POOR in cell.source for cell in notebook.cells)


def test_the_page_offers_facts_and_what_is_none():
    for part, sentences in card_check.OFFERS.items():
        cards = [
            f"---\n{part}: {one}\n---\n" if part in card_check.FIELDS else f"## {part}\n{one}\n"
            for one in sentences
        ]
        facts = [
            part in card_check.parts_there(card) and not opened.lint_card(card)["people"] for card in cards
        ]
        assert set(facts) == {True, False}, part
    people = [bool(opened.lint_card(f"# A\n{one}\n")["people"]) for one in card_check.OPENINGS]
    assert set(people) == {True, False}


def test_slips_fit_into_the_holes_or_fall_out():
    parts, slips = card_check.HOLES["parts"], card_check.HOLES["slips"]
    assert not set(parts) & set(card_check.parts_there(card_check.POOR))
    for part in parts:
        cards = [f"## {part}\n{words}\n" for own, words in slips if own == part]
        assert sorted(part in card_check.parts_there(card) for card in cards) == [False, True]
    offered = {*card_check.POOR.splitlines(), *(one for each in card_check.OFFERS.values() for one in each)}
    assert {words for _, words in slips} <= offered


def test_the_card_s_view_is_answered_by_the_linter():
    shown = opened.CardCheck("---\nlanguage: en\n---\n# Mine\n99% <right>, it believes.\n")
    assert shown.alt.startswith("8 of 9 parts are missing or without a fact: license, intended use,")
    assert shown.alt.endswith("Words for people: believes.")
    assert list(shown.widget.data["cards"]) == [
        "Mine",
        "Llama 3",
        "Stable Diffusion v1",
        "Whisper",
        "TinyWorld Llama",
    ]
    shown.widget.want = {"text": "---\nlicense: mit\n---\n"}
    assert shown.widget.said["parts"]["license"] == "mit" and not shown.widget.said["people"]
    shown.widget.want = {"text": "---\nlicense: [\n---\n"}
    assert "The block for machines can't be read" in shown.widget.said["error"]


# The wall of claims in the capstone


def test_each_claim_has_evidence_that_runs(capsys):
    assert list(catalog.read("evidence.toml")) == [str(number) for number in catalog.claims()]
    for number, claim in catalog.claims().items():
        evidence(number)
        shown = capsys.readouterr().out
        head, *rest = shown.rstrip("\n").split("\n\n")
        assert head == f"Claim {number}: “{claim.words}”\nOur reading: {claim.reading}"
        entry = catalog.read("evidence.toml")[str(number)]
        assert entry.keys() <= {"read", "code"} and entry
        if "code" in entry:
            code, printed = rest[-2:]
            assert code.startswith("> ") and len(printed) > 15, shown
        for published in entry.get("read", ()):
            assert f"From a source, not computed: {published['says']} ({published['source']})" in rest[0]


def test_the_score_by_hand():
    truth = {number: claim.verdict for number, claim in catalog.claims().items()}
    wrong = "opinion" if truth[1] != "opinion" else "true"
    scored = score({1: (truth[1], 90), 2: (truth[2], 60), 3: (wrong, 90)})
    assert (scored.answered, scored.right) == (3, 2)
    assert scored.brier == pytest.approx((0.01 + 0.16 + 0.81) / 3)
    assert scored.levels == {60: (1, 1), 90: (2, 1)} and scored.confidence == pytest.approx(0.8)
    assert str(scored) == "2 of 3 as the course finds, 67%; mean confidence 80%; Brier score 0.327"
    assert score({number: (verdict, 100) for number, verdict in truth.items()}).brier == 0


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda: score({}), "no verdict to score yet"),
        (lambda: score({1: ("maybe", 50)}), "'maybe' is not a verdict: choose one of true"),
        (lambda: score({1: ("true", 150)}), "150 is not a confidence in percent"),
        (
            lambda: score({99: ("true", 50)}),
            "There is no claim 99: choose a number from 1 to 50, without 47",
        ),
        (lambda: evidence(0), "There is no claim 0"),
    ],
)
def test_bad_input_gets_one_sentence(call, says):
    with pytest.raises(CourseError, match=re.escape(says)):
        call()


def decide(view, number, verdict, confidence):
    """Sends a decision on a claim to the view. Returns the answer."""
    [said] = view.replies({"decide": number, "verdict": verdict, "confidence": confidence})
    return said


def test_claims_are_decided_once_and_kept():
    view, count = Capstone(), len(catalog.claims())
    assert view.widget.claim == 1 and view.widget.guesses == {}
    assert "is not a confidence" in decide(view, 16, "false", 200)["error"]
    assert "is not a verdict" in decide(view, 16, "maybe", 99)["error"] and decided() == {}
    assert decide(view, 16, "false", 99)["key"]["verdict"] == "false"
    said = decide(view, 17, "true", 50)
    assert said["guess"] == "true" and said["key"]["verdict"] == "partly true"
    assert said["key"]["speaks_for"] and said["key"]["speaks_against"]
    assert said["summary"] == f"Mean confidence 74%; Brier score 0.125. {count - 2} to go."
    assert answers.find("verdict", "17")["right"] is False
    again = Capstone()
    assert again.widget.guesses == {"16": "false", "17": "true"} and again.widget.claim == 1
    assert decide(again, 17, "partly true", 90)["guess"] == "true"
    assert decided() == {16: ("false", 99), 17: ("true", 50)}, "the first verdict counts: the key was shown"


def test_the_wall_has_the_key_to_a_claim_only_once_it_is_decided():
    view = Capstone()
    decide(view, 16, "opinion", 20)
    assert {claim["number"] for claim in view.widget.data["claims"] if "verdict" in claim} == {16}
    assert {claim["number"] for claim in Capstone().widget.data["claims"] if "speaks_for" in claim} == {16}
    assert f"{len(catalog.claims())} claims" in view.alt


def test_the_evidence_is_shown_on_the_wall(monkeypatch):
    view = Capstone()
    [said] = view.replies({"evidence": 18})
    assert "12,879,925,248" in said["printed"] and "print(" in said["code"]
    [said] = view.replies({"evidence": 33})  # this evidence has no code
    assert "From a source, not computed" in said["published"] and said["code"] == ""
    monkeypatch.setattr("course_utils.learning.verdicts._evidence", lambda number: 1 / 0)
    [said] = view.replies({"evidence": 18})
    assert "This is a mistake in the course, not yours" in said["error"]
