"""Defines worlds, which generate the short texts on which the tiny language models are trained.

The probability of each text is known, so a world can also compute the best possible predictions. Facts can be
planted in the texts of a world.
"""

import math
import random
from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

from course_utils.errors import CourseError
from course_utils.worlds import tokens
from course_utils.worlds.tinyworld.ambiguity import ambiguous_beginning
from course_utils.worlds.tinyworld.grammar import (
    EVEN,
    FORMS,
    NO_SPACE_AFTER,
    NO_SPACE_BEFORE,
    TOKEN,
    Grammar,
    join,
)
from course_utils.worlds.tokens import BEGIN, END, PAD, UNKNOWN


@dataclass(frozen=True)
class Planted:
    """Facts that a model can only learn by heart. Each fact is in a planned number of a corpus's documents.

    A fact is a subject and its answer. In the templates of texts with these facts, `{subject}` stands for the
    subject and `{subject.answer}` for the answer.

    subjects : the name of the list of words from which the subjects are taken
    answers : the name of the list of words from which the answers are drawn, all equally likely; or an int,
        the number of digits in each answer
    copies : number of documents -> how many subjects have exactly this number of documents. Subjects with 0
        documents are for comparison
    """

    subjects: str
    answers: str | int
    copies: dict[int, int]


@dataclass(frozen=True)
class Document:
    """One text of a world, and a record of what is in it.

    words : the text's tokens, without <s> and </s>
    bits : -log2 of the text's probability in its world; in `World.documents`, given choices do not count
    filled : slot -> word; also "register", "hero.pronoun" and so on
    mentions : a (slot, index in `words`) for each mention of a slot, in the order of the text
    seed, given : what `World.retell` needs to generate the document again
    """

    words: tuple[str, ...]
    bits: float
    filled: dict[str, str]
    mentions: tuple[tuple[str, int], ...]
    seed: str
    given: dict[str, str]

    @property
    def text(self) -> str:
        """The document as text with spaces."""
        return join(self.words)

    @property
    def register(self) -> str:
        return self.filled["register"]

    @property
    def tokens(self) -> int:
        """The number of tokens to predict: the words and the end of the text."""
        return len(self.words) + 1

    def distance(self, slot: str) -> int:
        """Return the number of tokens from the last but one mention of a slot to the last mention.

        Raises CourseError if the slot is not mentioned twice.
        """
        indices = [index for name, index in self.mentions if name == slot]
        if len(indices) < 2:
            raise CourseError(f"{slot!r} is not mentioned twice in this document, so it has no distance.")
        return indices[-1] - indices[-2]


@dataclass(frozen=True)
class Floor:
    """The lowest possible loss on a world's documents, which is the loss of a perfect model.

    bits : mean bits of a document
    tokens : mean tokens of a document, including its end
    share : the share of all documents for which this floor holds
    registers : register -> the `Floor` of its documents
    """

    bits: float
    tokens: float
    share: float = 1.0
    registers: dict[str, "Floor"] = field(default_factory=dict)

    @property
    def bits_per_token(self) -> float:
        return self.bits / self.tokens

    @property
    def loss(self) -> float:
        """Nats per token: the cross-entropy loss of a perfect model."""
        return self.bits_per_token * math.log(2)


@dataclass(frozen=True)
class World:
    """The definition of a small world, which generates documents: short texts with known probabilities.

    A register is a kind of document, such as "story" or "sums". If any field is different, the world
    generates other documents, or the same documents with other probabilities.

    words : name of a list -> its words: a str such as "cat dog owl", a sequence of str, or {word: weight}
    plots : register -> equally likely templates (the module `grammar` says how to write them)
    weights : register -> its weight among the registers without planted facts; by default 1
    parts : name -> a piece of template that plots can use
    relations : name -> {word: text}, such as "food" -> {"otter": "fish"}
    pronouns : word -> {"she": share, "he": share}; for all other words both have probability one half
    planted : register -> `Planted`
    held_out : (list, list) -> how many pairs of words never occur in the same document, or the pairs
        themselves
    duplicates : number of copies -> how many documents are in a corpus this number of times
    size : number of documents in a corpus
    seed : determines planted answers and held-out pairs

    Raises CourseError if the fields don't fit together, or if different choices could generate the same text,
    because the probability of the choices would then not be the probability of the text.
    """

    words: dict
    plots: dict[str, list[str]]
    weights: dict[str, float] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    relations: dict[str, dict[str, str]] = field(default_factory=dict)
    pronouns: dict[str, dict[str, float]] = field(default_factory=dict)
    planted: dict[str, Planted] = field(default_factory=dict)
    held_out: dict = field(default_factory=dict)
    duplicates: dict[int, int] = field(default_factory=dict)
    size: int = 200_000
    seed: int = 0

    def __post_init__(self):
        lists = {name: _shares(words) for name, words in self.words.items()}
        self._check(lists)
        facts = {register: self._answered(register, lists) for register in self.planted}
        held_out = {pair: self._pairs(pair, lists) for pair in self.held_out}
        excluded = {}
        for (left, right), pairs in held_out.items():
            for one, other in pairs:
                excluded.setdefault((left, one, right), set()).add(other)
                excluded.setdefault((right, other, left), set()).add(one)
        relations = dict(self.relations)
        for register, planted in facts.items():
            relations[f"subject of {register}", "answer"] = {
                subject: answer for subject, answer, _ in planted
            }
            lists[f"subject of {register}"] = _shares({subject: copies for subject, _, copies in planted})
        shares = self._shares_of_registers(facts)
        registers = {name: (share, self.plots[name]) for name, share in shares.items()}
        grammar = Grammar(registers, lists, relations, self.pronouns, excluded, self.parts)
        if beginning := ambiguous_beginning(grammar):
            raise CourseError(
                f"A text that begins {beginning!r} could be generated in two ways: change a template."
            )
        # The dataclass is frozen, so its attributes can be set only with object.__setattr__.
        for name, value in [
            ("_grammar", grammar),
            ("_facts", facts),
            ("_held_out", held_out),
            ("_register_shares", shares),
        ]:
            object.__setattr__(self, name, value)

    def _check(self, lists):
        for word, shares in self.pronouns.items():
            if not set(shares) <= set(FORMS) or not math.isclose(sum(shares.values()), 1):
                raise CourseError(
                    f"The pronouns of {word!r} are {shares}: shares of she, he and they make 1."
                )
        for pair in self.held_out:
            if not set(pair) <= set(lists):
                raise CourseError(f"held_out names the lists {pair}; the world has {', '.join(lists)}.")
        for register, planted in self.planted.items():
            if register not in self.plots:
                raise CourseError(f"{register!r} is planted, and no register has that name.")
            needed, available = sum(planted.copies.values()), len(lists.get(planted.subjects, ()))
            if needed > available:
                raise CourseError(
                    f"{register!r} plants {needed} subjects; {planted.subjects!r} has {available} words."
                )
            if not isinstance(planted.answers, int) and planted.answers not in lists:
                raise CourseError(
                    f"{register!r} takes answers from {planted.answers!r}, which is not a list."
                )

    def _answered(self, register, lists):
        """Return (subject, answer, copies) for each planted fact of a register."""
        planted, chance = self.planted[register], random.Random(f"planted {self.seed} {register}").random
        subjects = list(lists[planted.subjects])
        _shuffle(subjects, chance)
        copies = [times for times, count in planted.copies.items() for _ in range(count)]
        answers = "0123456789" if isinstance(planted.answers, int) else list(lists[planted.answers])
        length = planted.answers if isinstance(planted.answers, int) else 1
        return [
            (subject, " ".join(answers[int(chance() * len(answers))] for _ in range(length)), times)
            for subject, times in zip(subjects, copies, strict=False)
        ]

    def _pairs(self, pair, lists):
        """Return the held-out pairs of words for a pair of lists, sorted."""
        wanted = self.held_out[pair]
        if not isinstance(wanted, int):
            return sorted(wanted)
        pairs = [(one, other) for one in lists[pair[0]] for other in lists[pair[1]]]
        _shuffle(pairs, random.Random(f"held out {self.seed} {pair}").random)
        return sorted(pairs[:wanted])

    def _shares_of_registers(self, facts):
        """Return {register: its share of the documents of a corpus}."""
        planted = {name: sum(copies for _, _, copies in rows) / self.size for name, rows in facts.items()}
        weights = {name: self.weights.get(name, 1) for name in self.plots if name not in planted}
        free = 1 - sum(planted.values())
        if free < 0:
            raise CourseError(f"More is planted than {self.size:,} documents hold: make size larger.")
        if free and not sum(weights.values()):
            raise CourseError("A world needs a register that plants nothing, to fill the rest of a corpus.")
        total = sum(weights.values())
        return {
            name: planted[name] if name in planted else free * weights[name] / total for name in self.plots
        }

    # Generating documents

    def corpus(self, seed: int = 0) -> Iterator[Document]:
        """Yield the training corpus: `size` documents, with each fact planted exactly as often as planned.

        Pronouns are distributed as planned, too. For each word, and at every point of the corpus, the counts
        of she and he differ by at most one document from the counts that their shares require. Documents that
        `duplicates` repeats keep their pronouns.

        A document's `bits` are -log2 of its probability if all its choices were drawn at random, even the
        facts and pronouns that are planned here. With the same seed, two worlds of the same size give the
        same documents, except where the definitions of the worlds differ.
        """
        order = [
            (None, {"register": register, "subject": subject})
            for register, planted in self._facts.items()
            for subject, _, copies in planted
            for _ in range(copies)
        ]
        order += [(document, None) for copies, document in self.copied(seed) for _ in range(copies)]
        if len(order) > self.size:
            raise CourseError(f"{len(order):,} documents are planted: make size, now {self.size:,}, larger.")
        order += [(None, None)] * (self.size - len(order))
        _shuffle(order, random.Random(f"order {seed}").random)
        counts = defaultdict(Counter)
        for index, (copy, given) in enumerate(order):
            name = f"corpus {seed} {index}"
            # Make the new document even if a copy replaces it, so that the other documents stay the same.
            fresh = self._document(name, given or self._unplanted(name), count_given=True)
            fresh = self._with_due_pronouns(fresh, counts)
            yield copy or fresh

    def _with_due_pronouns(self, document, counts):
        """Return the document with new pronouns.

        Each word gets the pronoun whose count so far is furthest below the pronoun's share.

        counts : word -> Counter of the word's pronouns so far; updated by this call
        """
        given = {}
        for slot, pronoun in document.filled.items():
            if slot.endswith(".pronoun"):
                word = document.filled[slot.removesuffix(".pronoun")]
                shares, times = self.pronouns.get(word, EVEN), counts[word]
                due = {one: share * (times.total() + 1) - times[one] for one, share in shares.items()}
                wanted = max(due, key=due.get)
                # If two pronouns are equally far below their shares, keep the drawn one.
                wanted = pronoun if math.isclose(due[pronoun], due[wanted], abs_tol=1e-9) else wanted
                times[wanted] += 1
                if wanted != pronoun:
                    given[slot] = wanted
        if not given:
            return document
        return self._document(document.seed, {**document.given, **given}, count_given=True)

    def copied(self, seed: int = 0) -> list[tuple[int, Document]]:
        """Return the documents that a corpus with this seed repeats, as (number of copies, document)."""
        copies = [times for times, count in self.duplicates.items() for _ in range(count)]
        names = [f"copied {seed} {index}" for index in range(len(copies))]
        documents = [self._document(name, self._unplanted(name), count_given=True) for name in names]
        return list(zip(copies, documents, strict=True))

    def documents(self, count: int, seed: int = 0, **given: str) -> Iterator[Document]:
        """Yield new documents for validation, drawn independently with the probabilities of a corpus.

        given : words or values for slots, such as register="workday" or trade="nurse"; the bits then count
            only the choices that are not given
        """
        for index in range(count):
            yield self._document(f"fresh {seed} {index}", given)

    def retell(self, document: Document, **given: str) -> Document:
        """Return a counterfactual of a document: the same document with other words in the given slots.

        given : words or values for slots, such as **{"trade.pronoun": "he"}
        """
        return self._document(document.seed, {**document.given, **given})

    def _document(self, seed, given, count_given=False):
        return Document(*self._grammar.generate(seed, given, count_given), seed, dict(given))

    def _unplanted(self, name):
        """Return {"register": a register without planted facts}, drawn at random with `name` as the seed."""
        names = [register for register in self.plots if register not in self.planted]
        edges = list(accumulate(self._register_shares[register] for register in names))
        chance = random.Random(f"register {name}").random() * edges[-1]
        return {"register": names[bisect(edges[:-1], chance)]}

    # What is known exactly about a world

    def floor(self) -> Floor:
        """Return the exact entropy and mean length of a document, computed over all choices without sampling.

        The entropy is that for somebody who knows the world. So all that is fixed once for the whole world
        (planted answers, relations, the grammar itself) adds no bits. `knowledge` returns the bits of the
        planted answers.
        """
        return self._floor

    @cached_property
    def _floor(self):
        registers = {
            name: Floor(*self._grammar.expect(name), share) for name, share in self._grammar.registers.items()
        }
        which = -sum(floor.share * math.log2(floor.share) for floor in registers.values())
        return Floor(
            which + sum(floor.share * floor.bits for floor in registers.values()),
            sum(floor.share * floor.tokens for floor in registers.values()),
            registers=registers,
        )

    def knowledge(self) -> float:
        """Return how many bits a model must store to know all planted answers in a corpus.

        These answers can only be memorised, not inferred.
        """
        bits = 0.0
        for register, planted in self._facts.items():
            bits += math.log2(self.candidates(register)) * sum(copies > 0 for _, _, copies in planted)
        return bits

    def candidates(self, register: str) -> int:
        """Return the number of equally likely answers from which each subject's answer was drawn."""
        answers = self.planted[register].answers
        return 10**answers if isinstance(answers, int) else len(self.words_of(answers))

    def words_of(self, name: str) -> list[str]:
        """Return the words of a list."""
        return list(self._grammar.lists[name])

    def surprisals(self, text: str, register: str | None = None) -> list[tuple[str, float]]:
        """Return the exact surprisal in bits of each token of a text and of its end: [(token, bits)].

        The surprisal of a token is computed given all tokens before it.

        register : the text's register, if the prediction may use it

        Raises CourseError if this world can't generate the text.
        """
        words = [*TOKEN.findall(text), END]
        ahead = self._grammar.follow(words, register)
        return [(word, math.log2(1 / shares[word])) for word, shares in zip(words, ahead, strict=True)]

    def first_slip(self, text: str) -> int | None:
        """Return the index of the first token that this world never generates after the text before it.

        If the text stops too early, return the number of its tokens. If the world can generate the text,
        return None.
        """
        right = 0
        try:
            for _ in self._grammar.follow([*TOKEN.findall(text), END]):
                right += 1
        except CourseError:
            return right
        return None

    def following(self, beginning: str, register: str | None = None) -> dict[str, float]:
        """Return the exact distribution of the token after a beginning, as a perfect model would give it."""
        *_, last = self._grammar.follow([*TOKEN.findall(beginning), None], register)
        return last

    def plan(self) -> dict:
        """Return the world's size, floor and all that is planted in it, as plain values for JSON.

        Models are judged against this record.
        """
        floor = self.floor()
        return {
            "seed": self.seed,
            "size": self.size,
            "registers": {name: part.share for name, part in floor.registers.items()},
            "pronouns": self.pronouns,
            "planted": {
                register: [
                    {"subject": subject, "answer": answer, "copies": copies}
                    for subject, answer, copies in planted
                ]
                for register, planted in self._facts.items()
            },
            "held_out": [
                {"lists": list(lists), "pairs": [list(pair) for pair in pairs]}
                for lists, pairs in self._held_out.items()
            ],
            "duplicates": {str(copies): count for copies, count in self.duplicates.items()},
            "floor": {"bits_per_token": floor.bits_per_token, "loss": floor.loss, "tokens": floor.tokens},
            "knowledge_bits": self.knowledge(),
        }

    # Vocabulary and tokenizer

    def vocabulary(self) -> list[str]:
        """Return all tokens of the world: first the special tokens, then the others in sorted order."""
        return [PAD, BEGIN, END, UNKNOWN, *sorted(self._grammar.vocabulary())]

    def tokenizer(self):
        """Return a fast tokenizer of transformers, with one token for each word, number and punctuation mark.

        The tokenizer puts <s> before a text. The code that trains or scores the model adds </s> where needed.
        """
        from tokenizers import decoders

        tight = [decoders.Replace(f" {mark}", mark) for mark in NO_SPACE_BEFORE]
        tight += [decoders.Replace(f"{mark} ", mark) for mark in NO_SPACE_AFTER]
        decoder = decoders.Sequence([decoders.WordPiece(prefix="##", cleanup=False), decoders.Fuse(), *tight])
        return tokens.tokenizer(self.vocabulary(), TOKEN.pattern, decoder)


def _shares(words):
    """Return {word: share} for words given as a str, sequence or {word: weight}. Weight 0 omits a word."""
    words = words.split() if isinstance(words, str) else words
    weights = {word: weight for word, weight in words.items() if weight} if isinstance(words, dict) else None
    if weights is None:
        weights = dict.fromkeys(words, 1)
        if len(weights) < len(words):
            raise CourseError(f"A list has {sorted(words, key=list(words).count)[-1]!r} twice.")
    total = sum(weights.values())
    return {word: weight / total for word, weight in weights.items()}


def _shuffle(items, chance):
    """Shuffle in place (Fisher-Yates), because random.shuffle may change between versions of Python."""
    for last in range(len(items) - 1, 0, -1):
        other = int(chance() * (last + 1))
        items[last], items[other] = items[other], items[last]
