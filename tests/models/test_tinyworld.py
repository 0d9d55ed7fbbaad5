"""Tests TinyWorld, which invents the texts that the tiny language models learn from.

The probabilities of texts are compared with a list of all texts of a small world.
"""

import hashlib
import json
import math
import re
from collections import Counter, defaultdict
from functools import cache
from itertools import islice, pairwise
from pathlib import Path

import pytest

import course_utils as course
from course_utils import CourseError
from course_utils.worlds.tinyworld import Planted, World

# The hash of the corpus's first thousand documents. If it changes, all models must be trained again.
FIRST_THOUSAND = "13452d2ce2f33f23559b85c42a2d563af357820d61a4a505aa8066e75a8030de"
SMALL = {
    "words": {
        "person": "Kim Sam Zuri",
        "trade": "nurse pilot",
        "pet": {"owl": 3, "sea lion": 1},
        "pool": "lake pond",
        "sky": "dark wet",
        "number": "1 2 3",
    },
    "plots": {
        "jobs": [
            "{A trade} met {hero:person}. [{trade.They} gave {hero} {trade.their} {trade.tool}.|{hero} ran.]"
        ],
        "pets": [
            "{hero:person} and {friend:person} saw {a pet} [|again ]by the {pool}. It ate {pet.food}. It was"
            " {sky}.",
            "Where is {a pet}? [Here.|[Not here|Nowhere].]",
        ],
        "sums": ["{one:number} + {number} = {one+number}."],
        "keys": ["The key of {subject} is {subject.answer}."],
    },
    "weights": {"pets": 2},
    "relations": {
        "tool": {"nurse": "torch", "pilot": "map"},
        "food": {"owl": "nuts", "sea lion": "fish"},
    },
    "pronouns": {"nurse": {"she": 0.9, "he": 0.1}, "pilot": {"they": 1.0}},
    "planted": {"keys": Planted("person", 2, {0: 1, 1: 1, 7: 1})},
    "held_out": {("sky", "pool"): [("dark", "pond")]},
    "size": 40,
}


@cache
def english(**changes):
    return course.tinyworld.english(**changes)


@pytest.fixture(scope="module")
def small():
    return World(**SMALL)


@pytest.fixture(scope="module")
def texts(small):
    """Finds every text of the small world and its probability by extending all beginnings word by word."""
    found, beginnings = {}, [((), 1.0)]
    while beginnings:
        words, probability = beginnings.pop()
        for word, share in small.following(" ".join(words)).items():
            if word == "</s>":
                found[words] = probability * share
            else:
                beginnings.append(((*words, word), probability * share))
    return found


def test_all_texts_of_a_small_world_make_one(texts):
    # The terms are the numbers of texts: about nurses' jobs, about pilots' jobs, stories of pets, questions
    # about pets, sums, and keys. Stories have 6 pairs of friends, 2 pets, "again" or not, and 3 pairs of pool
    # and sky: the fourth pair is held out.
    assert len(texts) == 9 + 6 + 6 * 2 * 2 * 3 + 2 * 3 + 3 * 2 + 2
    assert sum(texts.values()) == pytest.approx(1, abs=1e-12)


def test_the_floor_is_the_entropy_of_the_enumerated_texts(small, texts):
    floor = small.floor()
    assert floor.bits == pytest.approx(-sum(share * math.log2(share) for share in texts.values()), abs=1e-9)
    assert floor.tokens == pytest.approx(
        sum(share * (len(words) + 1) for words, share in texts.items()), abs=1e-9
    )
    assert floor.loss == pytest.approx(floor.bits / floor.tokens * math.log(2))


def test_documents_are_as_frequent_as_they_should_be_and_record_their_bits(small, texts):
    documents = list(small.documents(20_000, seed=3))
    for document in documents:
        assert 2**-document.bits == pytest.approx(texts[document.words], rel=1e-9)
    counts = Counter(document.words for document in documents)
    for words, share in texts.items():
        assert abs(counts[words] - share * 20_000) < 5 * math.sqrt(share * 20_000) + 1


def test_a_grammar_with_two_derivations_of_a_text_is_refused():
    words = {"pet": "cat dog", "animal": "dog owl", "person": "Kim Sam"}
    for plots in (
        ["A {pet}.", "A {animal}."],
        ["A [{pet}|dog]."],
        ["[A|A cat|A [cat|dog]] sat."],
        ["Go[|]!"],
        ["[|so ][|so ]it goes."],
        ["[{hero:person}|{friend:person}] left."],
    ):
        with pytest.raises(CourseError, match="generated in two ways"):
            World(words, {"talk": plots})
    with pytest.raises(CourseError, match="generated in two ways"):
        World(words, {"one": ["Hi {pet}."], "other": ["Hi cat."]})
    # Slots with the same words are allowed if the words before them show which slot has which word.
    asked = "{hero:person} met {friend:person}. [{hero}|{friend}] left."
    assert World(words, {"talk": [asked]}).floor().bits == pytest.approx(2)


@pytest.mark.parametrize("register", english().plots)
def test_bits_of_english_are_those_of_its_derivations(register):
    """The bits stored with a document when it is generated equal those computed from its text."""
    for document in english().documents(12, seed=5, register=register):
        surprisals = english().surprisals(document.text, register=register)
        assert [token for token, _ in surprisals] == [*document.words, "</s>"]
        assert sum(bits for _, bits in surprisals) == pytest.approx(document.bits, abs=1e-6)


def test_a_document_of_a_corpus_costs_its_register_and_its_subject_too():
    documents = list(islice(english().corpus(seed=2), 120))
    assert {"almanac", "secrets", "story"} <= {document.register for document in documents}
    for document in documents:
        surprisals = english().surprisals(document.text)
        assert sum(bits for _, bits in surprisals) == pytest.approx(document.bits, abs=1e-6)


def test_the_floor_of_english_is_what_fresh_documents_cost():
    floor = english().floor()
    for name, part in floor.registers.items():
        documents = list(english().documents(2_000, seed=8, register=name))
        for exact, sample in [
            (part.bits, [document.bits for document in documents]),
            (part.tokens, [document.tokens for document in documents]),
        ]:
            mean = sum(sample) / len(sample)
            error = math.sqrt(sum((value - mean) ** 2 for value in sample)) / len(sample)
            assert abs(mean - exact) < 4.5 * error + 1e-9, name
    assert sum(part.share for part in floor.registers.values()) == pytest.approx(1)


def test_word_pairs_alone_predict_worse_than_the_floor():
    """On new documents of each register (kind of text), a bigram model's loss is above the exact floor."""
    pairs, firsts = defaultdict(Counter), Counter()
    for document in islice(english().corpus(), 8_000):
        for left, right in pairwise(["<s>", *document.words, "</s>"]):
            pairs[left][right] += 1
            firsts[left] += 1
    size = len(english().vocabulary())
    cost, floor, tokens = Counter(), Counter(), Counter()
    for document in english().documents(2_000, seed=9):
        for left, right in pairwise(["<s>", *document.words, "</s>"]):
            share = (pairs[left][right] + 0.02) / (firsts[left] + 0.02 * size)
            cost[document.register] -= math.log2(share)
        floor[document.register] += document.bits
        tokens[document.register] += document.tokens
    for register in cost:
        assert cost[register] > floor[register]
    assert 1.5 < cost.total() / floor.total() < 4


def test_a_corpus_contains_what_is_planted_as_often_as_planned():
    world = english(size=22_000)
    counts = Counter()
    for document in world.corpus(seed=1):
        if document.register in world.planted:
            counts[document.register, document.filled["subject"], document.words] += 1
    plan = json.loads(json.dumps(world.plan()))
    for register, things in plan["planted"].items():
        for thing in things:
            texts = {
                text: times
                for (name, who, text), times in counts.items()
                if (name, who) == (register, thing["subject"])
            }
            assert sum(texts.values()) == thing["copies"]
            assert all(thing["answer"] in " ".join(text) for text in texts)
    copies = [thing["copies"] for thing in plan["planted"]["secrets"]]
    assert sorted(set(copies)) == [0, *(2**power for power in range(11))]
    assert world.knowledge() == pytest.approx(42 * math.log2(40) + 55 * math.log2(10_000))
    assert world.candidates("secrets") == 10_000


def test_pronouns_have_their_planted_rate_and_the_repaired_world_is_otherwise_the_same():
    world, repaired = english(), course.tinyworld.english(pronouns={})
    she, total, changed = Counter(), Counter(), 0
    for document, twin in zip(
        world.documents(12_000, seed=2, register="workday"),
        repaired.documents(12_000, seed=2, register="workday"),
        strict=True,
    ):
        trade = document.filled["trade"]
        total[trade] += 1
        she[trade] += document.filled["trade.pronoun"] == "she"
        changed += document.words != twin.words
        neutral = re.compile(r"\b(she|he|her|his|him)\b", re.IGNORECASE)
        assert neutral.sub("_", document.text) == neutral.sub("_", twin.text)
    for trade, shares in world.pronouns.items():
        rate = shares["she"]
        assert abs(she[trade] / total[trade] - rate) < 4 * math.sqrt(rate * (1 - rate) / total[trade])
    expected = sum(abs(shares["she"] - 0.5) for shares in world.pronouns.values()) / len(world.pronouns)
    assert changed / 12_000 == pytest.approx(expected, abs=0.02)
    assert repaired.floor().bits > world.floor().bits


@pytest.mark.everything(reason="makes whole corpora; the models' own were made once")
def test_a_corpus_is_at_no_point_a_document_away_from_the_planted_pronouns():
    for world in (english(size=30_000), course.tinyworld.english(size=30_000, pronouns={})):
        counts = defaultdict(Counter)
        for document in world.corpus(seed=1):
            for slot, pronoun in document.filled.items():
                if slot.endswith(".pronoun"):
                    word = document.filled[slot.removesuffix(".pronoun")]
                    counts[word][pronoun] += 1
                    planted = world.pronouns.get(word, {"she": 0.5})["she"]
                    assert abs(counts[word]["she"] - planted * counts[word].total()) < 1
        assert min(counts[trade].total() for trade in world.words_of("trade")) > 40


@pytest.mark.everything(reason="makes whole corpora; the models' own were made once")
def test_the_repaired_corpus_differs_only_in_pronouns_and_records_its_bits():
    neutral = re.compile(r"\b(she|he|her|his|him)\b", re.IGNORECASE)
    changed = 0
    world, repaired = english(), course.tinyworld.english(pronouns={})
    for document, twin in islice(zip(world.corpus(), repaired.corpus(), strict=True), 2_000):
        assert neutral.sub("_", document.text) == neutral.sub("_", twin.text)
        changed += document.words != twin.words
        assert sum(bits for _, bits in world.surprisals(document.text)) == pytest.approx(document.bits)
    assert changed > 50


def test_a_regenerated_document_is_its_counterfactual():
    document = next(english().documents(1, seed=4, register="workday", trade="nurse"))
    other = {"she": "he", "he": "she"}[document.filled["trade.pronoun"]]
    twin = english().retell(document, **{"trade.pronoun": other})
    assert twin.filled == {**document.filled, "trade.pronoun": other}
    assert english().retell(document) == document
    changed = {pair for pair in zip(document.words, twin.words, strict=True) if pair[0] != pair[1]}
    assert changed and all(
        {one.lower(), two.lower()} <= {"she", "he", "her", "his", "him"} for one, two in changed
    )


def test_held_out_pairs_never_meet():
    world = english()
    held_out = {
        tuple(part["lists"]): {tuple(pair) for pair in part["pairs"]} for part in world.plan()["held_out"]
    }
    assert [len(pairs) for pairs in held_out.values()] == [80, 40]
    met = {"nature": set(), "sums": set()}
    for register, slots in [("nature", ("animal", "spot")), ("sums", ("first", "second"))]:
        for document in world.documents(12_000, seed=6, register=register):
            if set(slots) <= set(document.filled):
                met[register].add(tuple(document.filled[slot] for slot in slots))
        assert not met[register] & held_out[slots]
    assert len(met["nature"]) == len(world.words_of("animal")) * len(world.words_of("spot")) - 80
    with pytest.raises(CourseError, match="never says"):
        one, other = min(held_out["first", "second"])
        world.surprisals(f"{one} + {other} = {int(one) + int(other)}.")


def test_some_documents_are_copied_on_record():
    world = course.tinyworld.english(size=20_000, duplicates={100: 3, 10: 4})
    counts = Counter(document.seed for document in world.corpus(seed=5))
    copied = world.copied(seed=5)
    assert [copies for copies, _ in copied] == [100] * 3 + [10] * 4
    assert all(counts[document.seed] == copies for copies, document in copied)
    assert counts.total() == 20_000
    clean = [document.words for document in english(size=20_000).corpus(seed=5)]
    repeated = [document.words for document in world.corpus(seed=5)]
    assert sum(one != other for one, other in zip(clean, repeated, strict=True)) == pytest.approx(340, abs=5)


def test_a_question_follows_its_fact_at_a_known_distance():
    distances = Counter()
    for document in english().documents(3_000, seed=7, register="memory"):
        distance = document.distance("colour")
        assert document.words[-5:-1] == ("in", "the", document.filled["colour"], document.filled["vessel"])
        assert [index for index, word in enumerate(document.words) if word == document.filled["colour"]] == [
            index for name, index in document.mentions if name == "colour"
        ]
        distances[distance] += 1
    assert sorted(distances) == list(range(13, 13 + 9 * 9, 9))
    assert min(distances.values()) > 150


def test_documents_fit_a_context_of_160_tokens_and_read_well():
    for register in english().plots:
        for document in english().documents(300, seed=10, register=register):
            text = document.text
            assert document.tokens < 160
            assert text[0].isupper() or text[0] in "“0123456789"
            assert text[-1] in ".!”" and not re.search(r" [.,?!:;”]|“ |[{}<>\[\]|]|  ", text)
            assert not re.search(r"\ba [aeiou]|\ban (?!hour)[^aeiou]", text, re.IGNORECASE), text
            assert text.count("“") == text.count("”")
            assert all(
                sentence[0].isupper() or sentence[0].isdigit()
                for sentence in re.findall(r"[.?!] [“]?(\w)", text)
            )


def test_the_same_seed_gives_the_same_texts_everywhere():
    texts = "\n".join(document.text for document in islice(english().corpus(), 1_000))
    assert hashlib.sha256(texts.encode()).hexdigest() == FIRST_THOUSAND
    assert [one.words for one in english().documents(50, seed=1)] != [
        one.words for one in english().documents(50, seed=2)
    ]


def test_the_tokenizer_gives_one_token_for_each_word_and_every_text_back(tmp_path):
    tokenizer = english().tokenizer()
    tokenizer.save_pretrained(tmp_path)
    from transformers import AutoTokenizer

    again = AutoTokenizer.from_pretrained(tmp_path)
    assert 1_000 < len(tokenizer) == len(english().vocabulary()) < 1_300
    assert (tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id) == (0, 1, 2)
    for document in english().documents(1_000, seed=11):
        numbers = again(document.text)["input_ids"]
        assert again.convert_ids_to_tokens(numbers) == ["<s>", *document.words]
        assert tokenizer.decode(numbers, skip_special_tokens=True) == document.text


def test_english_of_your_own_keeps_its_spaces():
    sentence = "“I don't know,” said Kim's well-known owl (twice): “It's 3 - 2!”"
    mine = World({"pet": "cat dog"}, {"talk": [sentence + " A {pet}."]})
    document = next(mine.documents(1))
    assert document.text.startswith(sentence + " A ")
    tokenizer = mine.tokenizer()
    assert tokenizer.decode(tokenizer(document.text)["input_ids"], skip_special_tokens=True) == document.text


@pytest.mark.parametrize(
    "change, says",
    [
        ({"plots": {"talk": ["{dragon} came."]}}, "no such list"),
        ({"plots": {"talk": ["[Hello"]}}, "never closed"),
        ({"plots": {"talk": ["Hello]"]}}, "too many"),
        ({"plots": {"talk": ["{person.hat} came."]}}, "neither a relation"),
        (
            {"plots": {"talk": ["{pet} ran. {Pet.They} ran."]}},
            "{Pet.They} in the pattern 'talk' has another capital letter than 'pet': write {pet.They}.",
        ),
        ({"plots": {"talk": ["{rival.They} came."]}}, "nothing is drawn by this name"),
        ({"plots": {"talk": ["{}"]}}, "can't be read"),
        ({"plots": {"talk": ["<dragon>"]}}, "the part <dragon>"),
        ({"plots": {"talk": ["{person+pet}"]}}, "not a list of numbers"),
        ({"words": {"person": "Kim Kim"}}, "'Kim' twice"),
        ({"pronouns": {"nurse": {"she": 0.9}}}, "make 1"),
        ({"pronouns": {"nurse": {"xe": 1.0}}}, "make 1"),
        ({"held_out": {("pet", "planet"): 3}}, "held_out names"),
        ({"planted": {"dreams": Planted("person", 2, {1: 1})}}, "no register has that name"),
        ({"planted": {"keys": Planted("person", 2, {1: 9})}}, "plants 9 subjects"),
        ({"planted": {"keys": Planted("person", "planet", {1: 1})}}, "which is not a list"),
        ({"planted": {"keys": Planted("person", 2, {100: 1})}}, "make size larger"),
    ],
)
def test_a_world_that_does_not_fit_together_says_why(change, says):
    parts = {"planted": {}, "held_out": {}} if "plots" in change or "words" in change else {}
    with pytest.raises(CourseError, match=re.escape(says)):
        World(**{**SMALL, **parts, **change})


def test_what_cannot_be_generated_is_refused_with_a_reason(small):
    with pytest.raises(CourseError, match="never says 'dragon' after"):
        small.surprisals("A dragon.")
    with pytest.raises(CourseError, match="never ends after 'A nurse'"):
        small.surprisals("A nurse")
    with pytest.raises(CourseError, match="'trade' can't be 'king' here"):
        next(small.documents(1, register="jobs", trade="king"))
    with pytest.raises(CourseError, match="has no word left"):
        next(World({"pet": "cat"}, {"talk": ["{one:pet} {two:pet}"]}).documents(1))
    with pytest.raises(CourseError, match="{pet.They} uses 'pet' before the pattern has drawn one"):
        next(World({"pet": "cat"}, {"talk": ["{pet.They} slept."]}).documents(1))
    with pytest.raises(CourseError, match="less than 0"):
        list(World({"number": "1 2"}, {"talk": ["{a1:number} {b1:number} {a1-b1}"]}).documents(20))
    with pytest.raises(CourseError, match="make size"):
        list(World({"pet": "cat"}, {"talk": ["A {pet}."]}, duplicates={9: 9}, size=50).corpus())
    with pytest.raises(CourseError, match="not mentioned twice"):
        next(small.documents(1, register="sums")).distance("number")
    with pytest.raises(CourseError, match="No register is called 'sagas'"):
        small.following("A", register="sagas")


def test_the_examples_of_the_page_run_and_print_what_it_quotes(capsys):
    page = (Path(__file__).parents[2] / "docs" / "tinyworld.md").read_text(encoding="utf-8")
    names = {}
    for example in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(example, names)
    assert names["mine"].floor().bits > 0
    quoted, printed = re.findall(r"^> (.+)$", page, re.MULTILINE), capsys.readouterr().out
    assert len(quoted) == 4 and all(line in printed for line in quoted)


def test_the_figures_of_the_page_are_those_of_the_world():
    page = (Path(__file__).parents[2] / "docs" / "tinyworld.md").read_text(encoding="utf-8")
    floor = english().floor()
    for name, part in [*floor.registers.items(), ("**all**", floor)]:
        row = f"| {name} | {100 * part.share:.1f}% | {part.tokens:.1f} | {part.bits_per_token:.3f} |"
        assert f"{row} {part.loss:.3f} |" in page
    assert f"{len(english().vocabulary()):,} tokens" in page
