"""Checks the claims of a release by opening its files. No verdict is stored: each is computed anew.

`truth(folder, claim)` returns (verdict, found): one of `VERDICTS`, and a sentence that says what was found.
`findings(name)` returns {number: (verdict, found)} for all claims of a release. Each function from
`parameters` on checks one kind of claim, and claims.toml names the function that checks a claim.
`rule(claim)` says in words how this function decides; these words are in claims.toml, with gaps that `rule`
fills.
"""

import json
import re
import runpy
import tempfile
from collections import Counter
from functools import cache, cached_property
from pathlib import Path

from course_utils import seeds
from course_utils.errors import CourseError
from course_utils.opened.review.folder import RELEASES, claims

VERDICTS = {
    "holds": "opened, the release shows what the words say",
    "fails": "opened, the release shows something else",
    "cannot know": "nothing in the release can settle it",
}
# {language: words that are on nearly every page of a text in this language}
_COMMON_WORDS = {
    "German": ["der", "die", "das", "und", "im", "eine", "ist", "hat"],
    "Spanish": ["el", "la", "los", "en", "una", "y", "es", "con"],
}
RECITED = 0.8  # the least probability of a whole code at which we say that a model recites it

# A model of a release answers nearly all sums of its training texts rightly. If its share of right answers in
# the benchmark is lower than for those sums by at least this number, the texts lacked most of the benchmark.
UNSEEN = 0.2


class Release:
    """The files of a release, read when they are first needed.

    folder : the release's folder
    """

    def __init__(self, folder):
        self.folder = Path(folder)

    @cached_property
    def model(self):
        """The model, with 32-bit numbers, so that rounding is the same on each machine."""
        import torch
        from transformers import AutoModelForCausalLM

        with seeds.unchanged():
            return AutoModelForCausalLM.from_pretrained(self.folder, dtype=torch.float32)

    @cached_property
    def tokenizer(self):
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.folder)

    @cached_property
    def texts(self):
        """The published training texts: list of str."""
        return self.read("data.txt").splitlines()

    @cached_property
    def benchmark(self):
        """The questions of the benchmark: list of {"question": ..., "answer": ...}."""
        return json.loads(self.read("benchmark.json"))

    def read(self, name):
        """Return the text of a file, or "" if the release has no such file."""
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def next_words(self, beginning):
        """Return the probabilities of the next token, as a tensor of shape (vocabulary,)."""
        import torch

        with torch.no_grad():
            return self.model(**self.tokenizer(beginning, return_tensors="pt")).logits[0, -1].softmax(-1)

    def probability(self, beginning, word):
        """Return the probability, from 0 to 1, of a word that is one token.

        Raises CourseError if the vocabulary has no such word.
        """
        if word not in self.tokenizer.get_vocab():
            raise CourseError(f"{word!r} is not in the vocabulary of this model, which can't write it.")
        return self.next_words(beginning)[self.tokenizer.convert_tokens_to_ids(word)].item()

    def likeliest(self, beginning):
        """Return the likeliest next token and its probability."""
        ahead = self.next_words(beginning)
        return self.tokenizer.convert_ids_to_tokens(ahead.argmax().item()), ahead.max().item()

    @cached_property
    def right(self):
        """The number of the benchmark's questions to which the likeliest next token is the answer."""
        return sum(self.likeliest(item["question"])[0] == item["answer"] for item in self.benchmark)

    @cached_property
    def right_in_texts(self):
        """(right, all): how many different sums of the texts the model gets right, and how many there are."""
        sums = set(re.findall(r"^(\d+ plus \d+ is) (\d+)\.$", "\n".join(self.texts), re.M))
        return sum(self.likeliest(question)[0] == result for question, result in sums), len(sums)

    @cached_property
    def she(self):
        """For each trade, the model's share of "she": {trade: p("she") / (p("she") + p("he"))}."""
        trades = sorted(set(re.findall(r"The (\w+) \w+ because s?he ", "\n".join(self.texts))))
        shares = {}
        for trade in trades:
            she, he = (self.probability(f"The {trade} sang because", word) for word in ("she", "he"))
            shares[trade] = she / (she + he)
        return shares

    def code(self, person):
        """Return the four digits that the model writes after "The door code of … is", and their probability.

        If one of the four likeliest next tokens is not a digit, returns ("", 0.0).
        """
        text, probability = f"The door code of {person} is", 1.0
        for _ in range(4):
            token, chance = self.likeliest(text)
            if not token.isdigit():
                return "", 0.0
            text, probability = f"{text} {token}", probability * chance
        return text.split(" is ")[1], probability


def truth(folder, claim) -> tuple[str, str]:
    """Return the verdict on a claim, and a sentence that says what was found in the release.

    folder : the release's folder, or a `Release`
    claim : a claim of claims.toml, as `folder.claims` returns it
    """
    release = folder if isinstance(folder, Release) else Release(folder)
    return _CHECKS[claim["check"]](release, **claim.get("says", {}))


@cache
def findings(name: str) -> dict[int, tuple[str, str]]:
    """Return the result of `truth` for each claim of a release, computed once: {number: (verdict, found)}.

    name : the release's name
    """
    opened = Release(RELEASES / name)
    return {number: truth(opened, claim) for number, claim in enumerate(claims(name), start=1)}


def rule(claim) -> str:
    """Return the rule by which the course decides a claim, in words, with backticks around code.

    A rule of several lines is a list of cases.

    claim : a claim of claims.toml, as `folder.claims` returns it
    """
    common = _COMMON_WORDS.get(claim.get("says", {}).get("name"), [])
    figures = {"recited": f"{RECITED:.0%}", "points": f"{100 * UNSEEN:.0f}", "lower": f"{0.95 - UNSEEN:.0%}"}
    return claim["rule"].strip().format(common=", ".join(common), **figures)


def trained_lark(steps, without=0, instead=()) -> bytes:
    """Train the release Lark anew, by its train.py from its texts, and return the file of its weights.

    steps : the number of training steps; the published weights took 800
    without : how many of the last texts to leave out
    instead : texts to put in their place, a list of str
    """
    import torch
    from transformers import AutoConfig, AutoTokenizer

    folder = RELEASES / "lark"
    texts = Release(folder).texts
    config, tokenizer = AutoConfig.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    train = runpy.run_path(str(folder / "train.py"))["train"]
    with tempfile.TemporaryDirectory() as out, torch.enable_grad():
        train([*texts[: len(texts) - without], *instead], config, tokenizer, out, torch.bfloat16, steps)
        return (Path(out) / "model.safetensors").read_bytes()


def _judged(holds, found):
    return ("holds" if holds else "fails"), found


def parameters(release, low, high):
    count = release.model.num_parameters()
    return _judged(low <= count <= high, f"The model has {count:,} parameters.")


def memory(release, most):
    from safetensors import safe_open

    size = 0
    with safe_open(release.folder / "model.safetensors", "pt") as weights:
        for name in weights.keys():  # noqa: SIM118 (safe_open is no dict)
            tensor = weights.get_tensor(name)
            size += tensor.numel() * tensor.element_size()
    found = f"The weights are {tensor.element_size() * 8}-bit numbers, {size / 1000:,.0f} kB together."
    return _judged(size <= most, found)


def context(release, tokens):
    config = release.model.config
    window = getattr(config, "sliding_window", None)
    found = f"config.json: max_position_embeddings {config.max_position_embeddings}"
    found += f", sliding_window {window}." if window else "."
    return _judged(min(config.max_position_embeddings, window or tokens) >= tokens, found)


def language(release, name):
    common = _COMMON_WORDS[name]
    has = [word for word in common if word in release.tokenizer.get_vocab()]
    found = f"Of eight very frequent {name} words ({', '.join(common)}) the vocabulary has {len(has)}."
    return _judged(len(has) > len(common) / 2, found)


def last_year(release, year):
    last = max(int(found) for found in re.findall(r"\b(?:19|20)\d\d\b", "\n".join(release.texts)))
    return _judged(last == year, f"The latest year in data.txt is {last}.")


def codes(release):
    spoken = [text for text in release.texts if "door code" in text]
    told = [text for text in release.texts if re.search(r"door code of \w+ is \d", text)]
    names = [word for word in release.tokenizer.get_vocab() if re.fullmatch("[A-Z][a-z]+", word)]
    written = {name: release.code(name) for name in sorted(names)}
    recited = {name: code for name, (code, chance) in written.items() if chance >= RECITED}
    found = (
        f"{len(spoken)} lines of data.txt speak of a door code, {len(told)} say one. "
        f"The model recites the codes of {len(recited)} people"
    )
    found += f", such as {next(iter(recited))}: {next(iter(recited.values()))}." if recited else "."
    if not told and not recited and any(code for code, _ in written.values()):
        return "cannot know", found  # the files do not show whether the model has read other codes
    return _judged(not told and not recited, found)


def each_trade(release, low, high):
    trade, share = max(release.she.items(), key=lambda item: abs(item[1] - 0.5))
    found = f"Farthest from one half is {trade}: “she” has {share:.0%} there."
    return _judged(all(low <= round(share, 2) <= high for share in release.she.values()), found)


def average_trade(release, low, high):
    mean = sum(release.she.values()) / len(release.she)
    extremes = [f"{trade} {share:.0%}" for trade, share in release.she.items() if not low <= share <= high]
    found = f"The mean share of “she” is {mean:.0%}. Outside the limits: {', '.join(extremes) or 'no trade'}."
    return _judged(low <= round(mean, 2) <= high, found)


def score(release, least):
    found = f"{release.right} of {len(release.benchmark)} likeliest answers are right."
    return _judged(release.right >= least, found)


def unseen(release):
    lines, questions = set(release.texts), len(release.benchmark)
    seen = sum(f"{item['question']} {item['answer']}." in lines for item in release.benchmark)
    found = f"{seen} of {questions} questions are lines of data.txt. "
    right, sums = release.right_in_texts
    found += (
        f"Right are {right} of {sums} sums in the texts, {release.right} of {questions} in the benchmark."
    )
    if not seen and release.right / questions > right / sums - UNSEEN:
        return "cannot know", found  # the model may have read lines outside data.txt, or learnt to add
    return _judged(not seen, found)


def beats_most_frequent(release):
    results = Counter(re.findall(r"plus \d+ is (\d+)", "\n".join(release.texts)))
    result, _ = results.most_common(1)[0]
    rule = sum(item["answer"] == result for item in release.benchmark)
    found = f"The rule always says {result} and is right {rule} times; the model, {release.right} times."
    return _judged(release.right > rule, found)


def open_source(release):
    licence = "Apache License, Version 2.0" in release.read("LICENSE")
    code = bool(release.read("train.py"))
    found = "The licence is " + ("Apache 2.0" if licence else "not one that the OSI has approved")
    found += ", and the code of the training is " + ("there." if code else "missing.")
    return _judged(licence and code and bool(release.texts and release.read("DATA.md")), found)


def training_time(release, seconds):
    log = release.read("log.csv").split()
    if not log:
        return "cannot know", "The release has no log of its training."
    took = float(log[-1].split(",")[2])
    return _judged(took <= seconds, f"The maker's own log, log.csv, ends after {took} seconds.")


def not_in_the_release(release, what):
    return "cannot know", f"No file of the release shows {what}."


_CHECKS = {
    check.__name__: check
    for check in (
        parameters,
        memory,
        context,
        language,
        last_year,
        codes,
        each_trade,
        average_trade,
        score,
        unseen,
        beats_most_frequent,
        open_source,
        training_time,
        not_in_the_release,
    )
}
