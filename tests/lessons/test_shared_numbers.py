"""Tests that a number which stands in several places of the course is the same in all of them.

Each row of the tables names the number, its source, its value, and where it must stand. A pattern finds the
number in a document: at least once, and with this value each time. So the test fails when one place changes
alone, and when a place no longer has the number.
"""

import html
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
from configs import SMOLLM2
from lazy import Lazy

import course_utils as course

nbformat = Lazy("nbformat")

ROOT = Path(__file__).parents[2]
NUMBER = r"(\d+(?:,\d{3})*(?:\.\d+)?)"  # what # stands for in a pattern
MONTH = r"([A-Z][a-z]+ \d{4})"  # what @ stands for in a pattern

MODEL_CARD = "OpenAI, GPT-2 model card"
T5 = "Raffel et al., arXiv:1910.10683, and the README of its repository"
HOFFMANN = "Hoffmann et al. (2022), arXiv:2203.15556"
GPT_J = "Wang and Komatsuzaki, github.com/kingoflolz/mesh-transformer-jax"
BLOG = "Hugging Face, 23 June 2023, as lesson 06 cites it"
LLAMA_2 = "Touvron et al. (2023), arXiv:2307.09288, Table 4"
EPOCH = "Epoch AI, epoch.ai/data-insights/open-closed-eci-gap"
WHISPER = "Whisper's model card, github.com/openai/whisper"
MISTRAL = "Mistral AI's list of models, github.com/mistralai/platform-docs-public"

# (number, source, value, {document: pattern}). If a pattern has two groups, the value has two numbers.
PUBLISHED = [
    (
        "T5's date",
        T5,
        "October 2019",
        {
            "lesson 10": r"\bT5\W+Google, @",
            "lesson 14": r"\bT5-11B\W+Google\W+@",
            "evidence 37": r"\bT5, .*? paper of @",
        },
    ),
    (
        "T5's size",
        T5,
        "11",
        {
            "lesson 10": r"\bT5\W+Google, October 2019\W+yes\W+#",
            "lesson 14": r"\bT5-11B\W+Google\W+October 2019\W+#",
            "claim 34": r"\bT5, has #",
            "claim 37": r"\bT5 with # billion",
            "evidence 37": r"\bT5, # billion",
            "settled 10 34": r"\bT5, with #",
            "settled 14 37": r"\bT5 with # billion",
        },
    ),
    (
        "GPT-2's date",
        MODEL_CARD,
        "November 2019",
        {
            "lesson 10": r"GPT-2\W+OpenAI, @",
            "lesson 14": r"GPT-2\W+OpenAI\W+@",
            "claim 32": r"GPT-2's weights were public in @",
            "claim 37": r"GPT-2 with 1\.5 billion parameters from @",
            "evidence 32": r"GPT-2's weights, .*? public in @",
            "evidence 37": r"GPT-2, 1\.5 billion parameters: weights public in @",
            "settled 10 32": r"GPT-2's weights at @",
        },
    ),
    (
        "GPT-2's size",
        MODEL_CARD,
        "1.5",
        {
            "lesson 10": r"GPT-2\W+OpenAI, November 2019\W+yes\W+#",
            "lesson 14": r"GPT-2\W+OpenAI\W+November 2019\W+#",
            "claim 37": r"GPT-2 with # billion",
            "evidence 37": r"GPT-2, # billion",
            "settled 14 37": r"GPT-2 with # billion",
        },
    ),
    (
        "GPT-3's size",
        HOFFMANN,
        "175",
        {
            "lesson 10": r"GPT-3\W+OpenAI, 2020\W+no\W+#",
            "lesson 14": r"GPT-3\W+OpenAI\W+2020\W+#",
            "claim 34": r"GPT-3 has # billion",
            "claim 37": r"GPT-3 of 2020 has # billion",
            "evidence 34": r"GPT-3 #",
            "evidence 37": r"GPT-3, of 2020: # billion",
            "settled 10 34": r"GPT-3's # billion",
            "settled 14 37": r"GPT-3 with # billion",
        },
    ),
    (
        "GPT-J's size",
        GPT_J,
        "6",
        {
            "lesson 14": r"GPT-J\W+EleutherAI, volunteers\W+June 2021\W+#",
            "claim 37": r"in 2021 GPT-J with # billion",
            "evidence 37": r"GPT-J, # billion",
            "settled 14 37": r"GPT-J, with # billion",
        },
    ),
    (
        "GPT-J's date",
        GPT_J,
        "June 2021",
        {
            "lesson 14": r"GPT-J\W+EleutherAI, volunteers\W+@",
            "evidence 37": r"GPT-J, .*? public in @",
        },
    ),
    (
        "Falcon 40B and LLaMA 65B on the leaderboard",
        "huggingface.co/blog/falcon",
        "60.4 58.3",
        {
            "lesson 06": r"leaderboard, June 2023\W+#\W+#",
            "claim 13": r"June 2023 Falcon 40B had # and LLaMA 65B #\.",
            "evidence 13": r"June 2023: Falcon 40B #, LLaMA 65B #\.",
            "settled 06 13": r"turned round: # against # in June",
        },
    ),
    (
        "Falcon 40B and LLaMA 65B on MMLU, by the board",
        BLOG,
        "52.7 48.8",
        {
            "lesson 06": r"MMLU, as the board first counted it\W+#\W+#",
        },
    ),
    (
        "Falcon 40B and LLaMA 65B on MMLU, by its authors' code",
        BLOG,
        "55.8 63.6",
        {
            "lesson 06": r"MMLU, as its authors count it\W+#\W+#",
        },
    ),
    *(
        (
            f"Llama 2 70B and GPT-3.5 on {test}, in lesson 10",
            LLAMA_2,
            f"{opened} {closed}",
            {"lesson 10": rf"{test} - \d+ questions - open #, closed #"},
        )
        for test, opened, closed in (
            ("MMLU", "68.9", "70.0"),
            ("GSM8K", "56.8", "57.1"),
            ("HumanEval", "29.9", "48.1"),
        )
    ),
    (
        "Llama 2 70B and GPT-3.5 on MMLU",
        LLAMA_2,
        "68.9 70.0",
        {"claim 6": r"on MMLU, # to #", "evidence 6": r"MMLU # and #,"},
    ),
    (
        "Llama 2 70B and GPT-3.5 on GSM8K",
        LLAMA_2,
        "56.8 57.1",
        {"claim 6": r"of GSM8K, # to #", "evidence 6": r"GSM8K # and #,"},
    ),
    (
        "Llama 2 70B and GPT-3.5 on HumanEval",
        LLAMA_2,
        "29.9 48.1",
        {"claim 6": r"on HumanEval # to #", "evidence 6": r"HumanEval \(programming\) # and #"},
    ),
    (
        "how many months open models are behind, October 2025 and May 2026",
        EPOCH,
        "3.5 4",
        {
            "evidence 33": r"on average # months behind .*?, then # \(May 2026\)",
        },
    ),
    ("the same, in October 2025", EPOCH, "3.5", {"lesson 10": r"30 October 2025\W+#"}),
    ("the same, in May 2026", EPOCH, "4", {"lesson 10": r"\bMay 2026\W+#\W+none given"}),
    (
        "the same, in words",
        EPOCH,
        "three and a half four",
        {"claim 33": r"the best closed ones (.*?) months later .*? May 2026, (\w+)\."},
    ),
    (
        "hours of sound, and English ones among them",
        WHISPER,
        "680,000 438,000",
        {
            "lesson 09": r"# hours are 78 years of sound; # ",
            "evidence 28": r"# hours, # of them English",
            "settled 09 28": r"# hours are 78 years of sound; # of them",
        },
    ),
    (
        "hours of sound",
        WHISPER,
        "680,000",
        {"claim 28": r"of 2022 it was # hours", "openness": r"named or released: # hours"},
    ),
    (
        "the day when Mixtral 8x7B was retired",
        MISTRAL,
        "30 March 2025",
        {
            "claim 19": r"retired it from its own service on (\d+ \w+ \d+)",
            "evidence 19": r"retired Mixtral 8x7B from its service on (\d+ \w+ \d+)",
            "settled 07 19": r"Mixtral 8x7B .*? and retired on (\d+ \w+ \d+)",
            "openness": r"open-mixtral-8x7b, until (\d+ \w+ \d+)",
        },
    ),
    (
        "the same, as lesson 07's table writes it",
        MISTRAL,
        "2025-03-30",
        {"lesson 07": r"Mixtral 8x7B\W+2023-12-11\W+Apache 2\.0\W+([\d-]+)"},
    ),
    (
        "the row and columns of the large weights",
        "measured in lesson 04 on SmolLM2's weights",
        "507 1229",
        {
            "lesson 00": r"feed-forward part, row #, column #|France\?\", row=#, column=#",
            "lesson 04": r"row #, column #: 2,824 times weight 5\.88",
            "docs/instructors.md": r"layer 11, row #, column #",
        },
    ),
]


def computed():
    """Returns rows (number, value, {document: pattern}) for numbers that the course computes from shapes."""
    small = course.blueprint(config=SMOLLM2)
    key_size = SMOLLM2["hidden_size"] // SMOLLM2["num_attention_heads"] * SMOLLM2["num_key_value_heads"]
    size_of_model = SMOLLM2["hidden_size"]
    rank = 8  # the rank of the adapter in lessons 13 to 15
    queries = rank * (size_of_model + size_of_model)
    values = rank * (size_of_model + key_size)
    adapter = SMOLLM2["num_hidden_layers"] * (queries + values)
    mixtral = course.blueprint("mixtral-8x7b")
    falcon = course.blueprint("falcon-7b")
    heads = 71
    cache_bytes = 2 * falcon.layers * falcon.head_size * heads * 2048 * 2  # keys and values, 2 bytes a number
    in_memory = f"{2 * mixtral.parameters / 1e9:.1f}"
    read = f"{2 * mixtral.active_parameters / 1e9:.1f}"
    return [
        (
            "the adapter's numbers",
            f"{adapter:,}",
            {
                "lesson 14": r"by (?:hand|peft) #",
                "lesson 15": r"adapter has # trained numbers",
                "claim 38": r"# trainable numbers",
                "settled 14 38": r"steps trained # numbers",
                "docs/instructors.md": r"LoRA trains # numbers",
                "docs/design.md": r"# numbers at 16 bits",
            },
        ),
        (
            "the adapter's share of the model, in percent",
            f"{adapter / small.parameters:.3%}",
            {
                "lesson 14": r"460,800(?: numbers, |: )(\S+%)",
                "claim 38": r"trainable numbers, (\S+%)",
                "settled 14 38": r"numbers, (\S+%)",
                "docs/instructors.md": r"LoRA trains 460,800 numbers, (\S+%)",
            },
        ),
        (
            "Mixtral's GB in memory, and read for a token",
            f"{in_memory} {read}",
            {
                "lesson 07": r"Mixtral 8x7B 46\.7 billion # [\d.]+ # GB",
                "docs/instructors.md": r"must be in memory, # GB; only the active ones are read for a token, "
                r"# GB",
            },
        ),
        (
            "Mixtral's GB read for a token",
            read,
            {"settled 07 20": r"Mixtral reads # GB"},
        ),
        ("Mixtral's GB in memory", in_memory, {"settled 07 21": r"Mixtral takes # and"}),
        (
            "MB of Falcon 7B's cache with a pair for each head",
            f"{cache_bytes / 1e6:,.0f}",
            {
                "lesson 06": r"71, multi-head: #|would take # MB|cache from # MB",
                "settled 06 14": r"cache from # MB",
                "docs/instructors.md": r"cache of 2,048 tokens shrinks from # MB",
            },
        ),
        (
            "MB of SmolLM2's weights at 32 bits",
            f"{4 * small.parameters / 1e6:.0f}",
            {
                "lesson 00": r"Measured: # MB|4 bytes each make # million",
                "lesson 14": r"the \*\*base\*\*, has # MB",
                "questions 02": r"4 bytes each, # MB",
                "docs/instructors.md": r"One of them, # MB|MB next to one of #\.",
            },
        ),
        (
            "SmolLM2's tokens",
            f"{SMOLLM2['vocab_size']:,}",
            {
                "lesson 00": r"# tokens, a row of 576 numbers",
                "lesson 02": r"The vocabulary holds # tokens|out of #\. Neither|a list of # scores",
                "questions 04": r"# logits",
                "docs/instructors.md": r"each of # tokens|SmolLM2's # tokens",
            },
        ),
        (
            "the same, as the configuration writes it",
            str(SMOLLM2["vocab_size"]),
            {"lesson 00": r'"vocab_size": (\d+)'},
        ),
    ]


@cache
def text_of(document):
    """Returns the text of a document, with single spaces. A lesson's text includes its stored outputs."""
    kind, *numbers = document.split()
    catalogue = ROOT / "course_utils" / "catalog"
    if kind == "lesson":
        [path] = (ROOT / "notebooks").glob(f"{numbers[0]}_*.ipynb")
        parts = _texts_of_notebook(nbformat.read(path, as_version=4))
    elif kind == "claim":
        claims = tomllib.loads((catalogue / "claims.toml").read_text(encoding="utf-8"))["claims"]
        [claim] = (each for each in claims if each["number"] == int(numbers[0]))
        parts = _texts_of_table(claim)
    elif kind == "evidence":
        parts = _texts_of_table(
            tomllib.loads((catalogue / "evidence.toml").read_text(encoding="utf-8"))[numbers[0]]
        )
    elif kind == "settled":
        lesson, claim = numbers
        parts = [tomllib.loads((catalogue / "settled.toml").read_text(encoding="utf-8"))[lesson][claim]]
    elif kind == "questions":
        path = ROOT / "course_utils" / "learning" / "questions" / f"{numbers[0]}.toml"
        parts = _texts_of_table(tomllib.loads(path.read_text(encoding="utf-8")))
    elif kind == "openness":
        parts = _texts_of_table(tomllib.loads((catalogue / "openness.toml").read_text(encoding="utf-8")))
    else:
        parts = [(ROOT / document).read_text(encoding="utf-8")]
    return " ".join(" ".join(parts).split())


def _texts_of_notebook(notebook):
    for cell in notebook.cells:
        yield cell.source
        for output in cell.get("outputs", []):
            yield output.get("text", "")
            data = output.get("data", {})
            yield data.get("text/plain", "")
            yield html.unescape(re.sub("<[^>]*>", " ", data.get("text/html", "")))


def _texts_of_table(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _texts_of_table(each)
    else:
        yield str(value)


def wrong_places(value, places, text=text_of):
    """Returns a sentence for each document that lacks the value or has another value in its place."""
    wrong = []
    for document, pattern in places.items():
        pattern = pattern.replace("#", NUMBER).replace("@", MONTH)
        matches = re.finditer(pattern, text(document))
        found = [" ".join(group for group in match.groups() if group is not None) for match in matches]
        if not found:
            wrong.append(f"{document} does not say it where the table expects it")
        wrong += [f"{document} says {each}, not {value}" for each in found if each != value]
    return wrong


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row[0])
def test_a_published_number_is_the_same_everywhere(row):
    number, source, value, places = row
    wrong = wrong_places(value, places)
    assert not wrong, f"{number} ({source}): " + "; ".join(wrong)


def test_a_computed_number_is_the_same_everywhere():
    wrong = []
    for number, value, places in computed():
        wrong += [f"{number}: {each}" for each in wrong_places(value, places)]
    assert not wrong, "\n".join(wrong)


def test_a_place_that_changes_alone_is_found():
    def changed(document):
        return (
            text_of(document).replace("October 2019", "March 2020")
            if document == "evidence 37"
            else text_of(document)
        )

    [(_, _, value, places)] = (row for row in PUBLISHED if row[0] == "T5's date")
    assert wrong_places(value, places, changed) == ["evidence 37 says March 2020, not October 2019"]
    gone = wrong_places(value, places, lambda document: "" if document == "lesson 10" else text_of(document))
    assert gone == ["lesson 10 does not say it where the table expects it"]
