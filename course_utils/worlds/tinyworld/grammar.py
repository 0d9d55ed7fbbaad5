"""Generates texts from templates with known probabilities, and computes the entropy of these texts.

A template is a line of English with choices in it:

    {hero:person} has {a colour} {pet}. [{hero.They} feeds it {pet.food}.|Every evening {hero.they} calls it.]

    {pet}            a word of the list "pet"; if the slot is used again, it has the same word
    {friend:person}  a word of "person" in the slot "friend"; the other slots have other words
    {_:person}       a word of "person" in no slot, so that it can't be used again
    {a pet}          a word with its article, "a" or "an" ({A pet} at the start of a sentence)
    {hero.they}      the hero's pronoun, drawn once and then kept; also .They, .them and .their
    {pet.food}       the text that the relation "food" has for the pet
    {first+second}   arithmetic on two slots with numbers: + or -
    [this|that|]     one of several equally likely branches, which may be nested or empty
    <name>           a part: a piece of template with a name

The method `generate` draws a text, `follow` adds up the probabilities of all ways to generate a text, and
`expect` computes means over all choices. All three get the choices and their probabilities from the same
method, `Grammar.options`. So they always agree on a probability.
"""

import itertools
import math
import random
import re
from collections import defaultdict
from typing import NamedTuple

from course_utils.errors import CourseError
from course_utils.worlds.tokens import END

# One token of text: an apostrophe with the letters after it, a word, a number, or a punctuation mark.
_TOKEN = r"'\w+|\w+(?:-\w+)*|[^\w\s]"
TOKEN = re.compile(_TOKEN)
FORMS = {
    "she": {"They": "She", "they": "she", "them": "her", "their": "her"},
    "he": {"They": "He", "they": "he", "them": "him", "their": "his"},
    "they": {"They": "They", "they": "they", "them": "them", "their": "their"},
}
EVEN = {"she": 0.5, "he": 0.5}
_PIECES = re.compile(r"\{[^{}]*\}|<[^<>]*>|" + _TOKEN)
_DRAW = re.compile(r"(?:(a|A) )?(?:(\w+):)?([\w ]+)")
_FORM = re.compile(r"(?:(a|A) )?(\w+)\.([\w ]+)")
_NUMBERS = re.compile(r"(\w+)([+-])(\w+)")
NO_SPACE_BEFORE, NO_SPACE_AFTER = (".", ",", "?", "!", ":", ";", "”", ")", "'"), ("“", "(")


class Words(NamedTuple):
    """Fixed words of a template."""

    words: tuple


class Choice(NamedTuple):
    """Equally likely branches, each a tuple of nodes."""

    branches: tuple


class Slot(NamedTuple):
    """A place in a template for a word of the list `list`. The word chosen is kept under the name `name`."""

    name: str
    list: str
    article: str | None

    @property
    def label(self):
        return self.name


class Form(NamedTuple):
    """A place for a text that depends on a slot that was filled before.

    The text is the pronoun for the slot's word, or what a relation has for this word.
    """

    name: str
    of: str
    article: str | None

    @property
    def label(self):
        return f"{self.name}.{self.of}"


class Numbers(NamedTuple):
    """A place for the sum or the difference of the numbers in two slots."""

    left: str
    sign: str
    right: str
    lists: tuple

    @property
    def label(self):
        return self.left + self.sign + self.right


class Option(NamedTuple):
    """One of the options at a node of a template.

    share : the option's probability
    words : the tokens that the option adds to the text
    nodes : the nodes inside the option, such as those of a branch. The text continues with these nodes, and
        then with what follows the current node
    remember : the slot that the option fills, as (slot, (list, word)), or None
    """

    share: float
    words: tuple
    nodes: tuple = ()
    remember: tuple | None = None


class Generated(NamedTuple):
    """A generated text.

    words : the text's tokens
    bits : -log2 of the text's probability
    filled : slot -> word
    mentions : a (slot, index in `words`) for each mention of a slot, in the order of the text
    """

    words: tuple
    bits: float
    filled: dict
    mentions: tuple


def join(words) -> str:
    """Join tokens into a text, with spaces as in English."""
    text, before = "", None
    for word in words:
        tight = before is None or word.startswith(NO_SPACE_BEFORE) or before in NO_SPACE_AFTER
        text += word if tight else " " + word
        before = word
    return text


class Grammar:
    """Templates of texts, with the lists of words that fill them. A register is a kind of text.

    registers : name -> (share, templates)
    lists : name -> {word: share}; the shares of a list add up to 1
    relations : name -> {word: text}; if the key is (list, name), the relation is for that list alone
    pronouns : word -> {"she": share, "he": share, ...}; all other words have `EVEN`
    excluded : (list, word, other list) -> words of the other list that never occur in a text with this word
    parts : name -> template

    Raises CourseError if a template can't be read.
    """

    def __init__(self, registers, lists, relations=None, pronouns=None, excluded=None, parts=None):
        self.lists, self.relations = lists, relations or {}
        self.pronouns, self.excluded, self.parts = pronouns or {}, excluded or {}, parts or {}
        self._tokens = {word: tuple(TOKEN.findall(word)) for words in lists.values() for word in words}
        self.registers = {name: share for name, (share, _) in registers.items() if share > 0}
        self.plots = {name: self._plots(name, templates) for name, (_, templates) in registers.items()}
        self._interchangeable = {name for name in lists if self._is_interchangeable(name)}
        self._all_options = {}  # a cache: Slot -> its options when no word of its list is excluded

    # Reading templates

    def _plots(self, register, templates):
        own = {"subject": f"subject of {register}"}
        plots = []
        for template in templates:
            text, depth = template, 0
            while "<" in text and depth < 9:
                text = re.sub("<([^<>]*)>", lambda part: self._part(part[1], register), text)
                depth += 1
            slots = own | {name: words for _, name, words in _DRAW.findall(text) if name and name != "_"}
            pieces = _PIECES.findall(text)[::-1]
            plots.append(self._sequence(pieces, slots, f"the pattern {register!r}"))
            if pieces:
                raise CourseError(f"The pattern {register!r} has one ] or | too many: {template}")
        return Choice(tuple(plots))

    def _part(self, name, register):
        if name not in self.parts:
            raise CourseError(f"The pattern {register!r} uses the part <{name}>, which the world lacks.")
        return self.parts[name]

    def _sequence(self, pieces, slots, where):
        nodes, words = [], []
        while pieces and pieces[-1] not in ("|", "]"):
            piece = pieces.pop()
            if piece != "[" and piece[0] != "{":
                words.append(piece)
                continue
            if words:
                nodes.append(Words(tuple(words)))
                words = []
            nodes.append(
                self._choice(pieces, slots, where) if piece == "[" else self._slot(piece, slots, where)
            )
        if words:
            nodes.append(Words(tuple(words)))
        return tuple(nodes)

    def _choice(self, pieces, slots, where):
        branches = [self._sequence(pieces, slots, where)]
        while pieces and pieces[-1] == "|":
            pieces.pop()
            branches.append(self._sequence(pieces, slots, where))
        if not pieces:
            raise CourseError(f"A [ is never closed in {where}: write [this|that].")
        pieces.pop()
        return Choice(tuple(branches))

    def _slot(self, piece, slots, where):
        inside = piece[1:-1]
        if found := _NUMBERS.fullmatch(inside):
            left, sign, right = found.groups()
            lists = slots.get(left, left), slots.get(right, right)
            for words in lists:
                if not all(word.isdigit() for word in self.lists.get(words, "?")):
                    raise CourseError(
                        f"{piece} in {where} needs numbers, and {words!r} is not a list of numbers."
                    )
            return Numbers(left, sign, right, lists)
        if found := _FORM.fullmatch(inside):
            article, name, of = found.groups()
            words = slots.get(name, name)
            if words not in self.lists:
                raise CourseError(f"{piece} in {where} {self._unknown(name, of, slots)}")
            if of in FORMS["she"] or of in self.relations or (words, of) in self.relations:
                return Form(name, of, article)
            raise CourseError(
                f"{piece} in {where} names {of!r}, which is neither a relation nor a form of a pronoun."
            )
        if found := _DRAW.fullmatch(inside):
            article, name, words = found.groups()
            name, words = name or words, words if name else slots.get(words, words)
            if words in self.lists:
                return Slot(name, words, article)
            raise CourseError(f"{piece} in {where} draws from {words!r}, and the world has no such list.")
        raise CourseError(
            f"{piece} in {where} can't be read: write {{list}}, {{name:list}} or {{name.they}}."
        )

    def _unknown(self, name, of, slots):
        """Return what is wrong with a name that nothing draws, as the end of a sentence."""
        for known in (*slots, *self.lists):
            if known.lower() == name.lower():
                return f"has another capital letter than {known!r}: write {{{known}.{of}}}."
        return f"names {name!r}, and nothing is drawn by this name: draw it first, as in {{{name}:list}}."

    # Probabilities, which all come from `options`

    def options(self, node, filled) -> list[Option]:
        """Return all options at a node. Their probabilities add up to 1.

        filled : slot -> (list, word)
        """
        match node:
            case Words():
                return [Option(1.0, node.words)]
            case Choice():
                share = 1 / len(node.branches)
                return [Option(share, (), branch) for branch in node.branches]
            case Slot():
                return self._draw(node, filled)
            case Form():
                return self._form(node, filled)
        left, right = (
            int(_word_in(filled, name, f"{node.left}{node.sign}{node.right}")[1])
            for name in (node.left, node.right)
        )
        result = left + right if node.sign == "+" else left - right
        if result < 0:
            raise CourseError(f"{left} - {right} is less than 0, and there is no such number here.")
        return [Option(1.0, (str(result),))]

    def _draw(self, node, filled):
        if node.name in filled:
            return [Option(1.0, self._with_article(node.article, self._tokens[filled[node.name][1]]))]
        excluded = set()
        for list_name, word in filled.values():
            if list_name == node.list:
                excluded.add(word)
            elif (list_name, word, node.list) in self.excluded:
                excluded |= self.excluded[list_name, word, node.list]
        if not excluded and node in self._all_options:
            return self._all_options[node]
        words = {word: share for word, share in self.lists[node.list].items() if word not in excluded}
        total = sum(words.values())
        if not total:
            raise CourseError(
                f"The list {node.list!r} has no word left for {{{node.label}}}: make it longer."
            )
        options = [
            Option(
                share / total,
                self._with_article(node.article, self._tokens[word]),
                (),
                None if node.name == "_" else (node.name, (node.list, word)),
            )
            for word, share in words.items()
        ]
        if not excluded:
            self._all_options[node] = options
        return options

    def _form(self, node, filled):
        list_name, word = _word_in(filled, node.name, f"{node.name}.{node.of}")
        relation = self.relations.get((list_name, node.of)) or self.relations.get(node.of)
        if relation is not None:
            if word not in relation:
                raise CourseError(f"The relation {node.of!r} has nothing for {word!r}.")
            return [Option(1.0, self._with_article(node.article, tuple(TOKEN.findall(relation[word]))))]
        name = f"{node.name}.pronoun"
        if name in filled:
            return [Option(1.0, (FORMS[filled[name][1]][node.of],))]
        return [
            Option(share, (FORMS[pronoun][node.of],), (), (name, ("pronoun", pronoun)))
            for pronoun, share in self.pronouns.get(word, EVEN).items()
            if share
        ]

    @staticmethod
    def _with_article(article, words):
        if article is None:
            return words
        return (article + "n" * (words[0][0].lower() in "aeiou"), *words)

    def _opening(self):
        """Return the options for the first choice of a text, the choice of its register."""
        return [
            Option(share, (), (self.plots[name],), ("register", ("register", name)))
            for name, share in self.registers.items()
        ]

    # Possible words

    def possible_words(self, node) -> list[list[set]]:
        """Return the words that a node can generate: [[{word, …}, …], …].

        There is one list for each possible length in words, with a set of possible words for each position.
        """
        if type(node) is Words:
            return [[{word} for word in node.words]]
        lengths = {}
        for words in map(TOKEN.findall, self._texts(node)):
            positions = lengths.setdefault(len(words), [set() for _ in words])
            for position, word in zip(positions, words, strict=True):
                position.add(word)
        article = [] if type(node) is Numbers or not node.article else [{node.article, node.article + "n"}]
        return [article + positions for positions in lengths.values()]

    def _texts(self, node):
        """Return all texts that a Slot, Form or Numbers can generate, without the article."""
        if type(node) is Slot:
            return self.lists[node.list]
        if type(node) is Numbers:
            left, right = ([int(word) for word in self.lists[name]] for name in node.lists)
            sign = 1 if node.sign == "+" else -1
            return {str(one + sign * other) for one in left for other in right if one + sign * other >= 0}
        if node.of in FORMS["she"]:
            pronouns = {"she", "he"}.union(*self.pronouns.values())
            return {FORMS[pronoun][node.of] for pronoun in pronouns}
        tables = (
            table
            for key, table in self.relations.items()
            if node.of == (key if isinstance(key, str) else key[1])
        )
        return {text for table in tables for text in table.values()}

    def vocabulary(self) -> set[str]:
        """Return all tokens that the grammar can generate."""
        words, nodes = set(), list(self.plots.values())
        while nodes:
            node = nodes.pop()
            if type(node) is Choice:
                nodes += [inner for branch in node.branches for inner in branch]
            else:
                words = words.union(*itertools.chain(*self.possible_words(node)))
        return words

    # Generating

    def generate(self, seed: str, given=None, count_given=False) -> Generated:
        """Generate one text. The same seed makes the same choices, except for choices fixed by `given`.

        given : slot -> word; also "register" -> name, and "hero.pronoun" -> "she"
        count_given : True to add the bits of the choices in `given`, too, as if these had been drawn
        """
        chance, given = random.Random(seed).random, given or {}
        words, bits, filled, mentions = [], 0.0, {}, []
        stack, node = [], None
        options = self._opening()
        while True:
            # Draw even if the choice is given, so that later choices get the same random numbers.
            option = options[0] if len(options) == 1 else _drawn(options, chance())
            if given and option.remember and option.remember[0] in given:
                option = _wanted(options, option.remember[0], given)
                bits -= math.log2(option.share) if count_given else 0.0
            else:
                bits -= math.log2(option.share)
            words += option.words
            if option.remember:
                filled[option.remember[0]] = option.remember[1]
            if option.words and type(node) is not Words:
                mentions.append((node.label, len(words) - 1))
            stack += option.nodes[::-1]
            if not stack:
                slots = {name: word for name, (_, word) in filled.items()}
                return Generated(tuple(words), bits, slots, tuple(mentions))
            node = stack.pop()
            options = self.options(node, filled)

    # Following a text

    def follow(self, words, register=None):
        """Yield, for each word of a text, the exact distribution of the token at its position.

        The distribution is a dict {token: probability}. It adds up the probabilities of all derivations of
        the words before this position, so it is the next-token distribution of a perfect model.

        words : the text's tokens. END stands for the end of the text. The last token may be None, which
            stands for a word that is not known yet
        register : the text's register, if it is known

        Raises CourseError if this grammar can't generate a word at its position.
        """
        if register is not None and register not in self.registers:
            raise CourseError(f"No register is called {register!r}: there are {', '.join(self.registers)}.")
        derivations = [
            (option.share, (option.nodes[0], None), dict([option.remember]))
            for option in self._opening()
            if register in (None, option.remember[1][1])
        ]
        for index, word in enumerate(words):
            ahead, after = defaultdict(float), []
            for share, next_words, rest, filled in self._frontier(derivations):
                ahead[next_words[0]] += share
                if next_words[0] == word:
                    after.append((share, (Words(next_words[1:]), rest) if next_words[1:] else rest, filled))
            if word is not None and not after:
                does = "ends" if word == END else f"says {word!r}"
                raise CourseError(
                    f"This world never {does} after {join(words[max(0, index - 8) : index])!r}."
                )
            total = sum(ahead.values())
            yield {token: share / total for token, share in ahead.items()}
            # Divide by the sum, so that the probabilities of a long text don't underflow to zero.
            total = sum(share for share, _, _ in after)
            derivations = [(share / total, rest, filled) for share, rest, filled in after]

    def _frontier(self, derivations):
        """Follow each derivation through all choices until it generates words, and yield the results.

        Yields (probability, words, nodes that follow, filled slots) for each way to continue.
        """
        while derivations:
            share, stack, filled = derivations.pop()
            if stack is None:
                yield share, (END,), None, filled
                continue
            node, rest = stack
            for option in self.options(node, filled):
                after = rest
                for inner in reversed(option.nodes):
                    after = (inner, after)
                known = filled | dict([option.remember]) if option.remember else filled
                if option.words:
                    yield share * option.share, option.words, after, known
                else:
                    derivations.append((share * option.share, after, known))

    # Means over all texts

    def expect(self, register) -> tuple[float, float]:
        """Return the exact mean number of bits, and of tokens, in the texts of a register.

        The end of a text counts as a token. The bits are those of the choices. Their mean is the entropy of
        the texts if no text can be generated by different choices, which the module `ambiguity` checks.
        """
        filled = (("register", ("register", register)),)
        totals = [0.0, 1.0]
        self._expect((self.plots[register],), {filled: 1.0}, totals)
        return tuple(totals)

    def _expect(self, nodes, states, totals):
        """Return the distribution of the filled slots after the nodes, and add bits and tokens to `totals`.

        states : {filled slots: their probability before the nodes}; the returned dict has the same form
        """
        for node in nodes:
            after = defaultdict(float)
            for state, mass in states.items():
                options = self.options(node, dict(state))
                totals[0] -= mass * sum(option.share * math.log2(option.share) for option in options)
                if self._is_immaterial(node):
                    options = [options[0]._replace(share=1.0)]
                for option in options:
                    share = mass * option.share
                    totals[1] += share * len(option.words)
                    filled = state
                    if option.remember:
                        filled = tuple(sorted([*state, option.remember]))
                    for key, part in self._expect(option.nodes, {filled: share}, totals).items():
                        after[key] += part
            states = after
        return states

    def _is_immaterial(self, node):
        """Return whether all options at a node lead to the same mean bits and tokens in the rest of the text.

        `_expect` then follows only one of the options.
        """
        return type(node) is Form or type(node) is Slot and node.list in self._interchangeable

    def _is_interchangeable(self, name):
        """Return whether all words of a list lead to the same mean bits and tokens."""
        words = self.lists[name]
        lengths = [{(share, len(self._tokens[word])) for word, share in words.items()}]
        for key, table in self.relations.items():
            if not isinstance(key, tuple) or key[0] == name:
                lengths.append({len(TOKEN.findall(table[word])) for word in words if word in table})
        return (
            all(len(found) <= 1 for found in lengths)
            and not any(word in self.pronouns for word in words)
            and not any(name in (key[0], key[2]) for key in self.excluded)
        )


def _word_in(filled, name, where):
    if name not in filled:
        raise CourseError(
            f"{{{where}}} uses {name!r} before the pattern has drawn one: put {{{name}}} first."
        )
    return filled[name]


def _drawn(options, chance):
    for option in options:
        chance -= option.share
        if chance < 0:
            return option
    return options[-1]


def _wanted(options, name, given):
    for option in options:
        if option.remember[1][1] == given[name]:
            return option
    raise CourseError(f"{name!r} can't be {given[name]!r} here.")
