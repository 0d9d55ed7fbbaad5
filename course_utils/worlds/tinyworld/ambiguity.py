"""Proves that no text of a grammar has two derivations.

A derivation is a sequence of choices that generates a text from the grammar's templates. We turn the
templates into one automaton, whose positions each have a set of possible words (Glushkov, 1961). A text with
two derivations has two different paths through the automaton, with the same words. So we follow two paths at
a time, as long as both can have the same words. Suppose that two paths have separated. If they can meet
again, or can end after the same word, a text may have two derivations. If no two paths can do so, no text has
two derivations (Book, Even, Greibach and Ott, "Ambiguity in graphs and expressions", 1971).

The automaton allows every text of the grammar, and more, because it does not remember the words in the slots.
It has a single rule for slots: where two paths separate at two slots of the same list, and one of these slots
was filled before, the words in the two slots differ. So if the automaton is unambiguous, the grammar is
unambiguous, too.
"""

from course_utils.worlds.tinyworld.grammar import Choice, Grammar, Slot, join

_START = 0


def ambiguous_beginning(grammar: Grammar) -> str | None:
    """Return the beginning of a text that might have two derivations, or None if there is no such text."""
    automaton = _Automaton(grammar)
    seen = {(position, position): None for position in automaton.after}
    pairs = list(seen)
    for pair in pairs:
        left, right = pair
        if left != right and left in automaton.last and right in automaton.last:
            return automaton.text(pair, seen)
        for one in automaton.after[left]:
            for other in automaton.after[right]:
                if (
                    one == other
                    and left == right
                    or automaton.words_at[one].isdisjoint(automaton.words_at[other])
                ):
                    continue
                if left == right and automaton.must_differ(one, other):
                    continue
                following = (min(one, other), max(one, other))
                if one == other:
                    return automaton.text(pair, seen)
                if following not in seen:
                    seen[following] = pair
                    pairs.append(following)
    return automaton.two_empty_branches


class _Automaton:
    """The positions of a grammar, each with its possible words and with the positions that can follow it."""

    def __init__(self, grammar):
        self.grammar = grammar
        self.words_at, self.after = {_START: frozenset()}, {_START: set()}
        self.two_empty_branches = None
        self._slots, self._filled = {}, frozenset()
        plots = Choice(tuple(branch for choice in grammar.plots.values() for branch in choice.branches))
        skips, first, self.last = self._add((plots,))
        self.after[_START] = first
        if skips:
            self.last = self.last | {_START}

    def text(self, pair, seen):
        """Return a text that leads to a pair of positions. Each of its words is possible on both paths."""
        words = []
        while pair is not None and pair[0] != _START:
            words.append(min(self.words_at[pair[0]] & self.words_at[pair[1]]))
            pair = seen[pair]
        return join(words[::-1])

    def must_differ(self, one, other):
        """Return whether the words at two positions must differ, if a text can go on at either position.

        The words must differ if the positions belong to two slots with words from the same list, and one of
        these slots was already filled earlier in the text.
        """
        one, other = self._slots.get(one), self._slots.get(other)
        if one is None or other is None or one[:1] == other[:1] or "_" in (one[0], other[0]):
            return False
        return one[1] == other[1] and (one[2] or other[2])

    def _add(self, nodes):
        """Add a sequence of nodes. Return (whether all can be empty, first positions, last positions)."""
        skips, first, last = True, set(), set()
        for node in nodes:
            inner_skips, inner_first, inner_last = self._node(node)
            for position in last:
                self.after[position] |= inner_first
            first = first | inner_first if skips else first
            last = last | inner_last if inner_skips else inner_last
            skips = skips and inner_skips
        return skips, first, last

    def _node(self, node):
        if type(node) is Choice:
            before, parts, filled = self._filled, [], []
            for branch in node.branches:
                self._filled = before
                parts.append(self._add(branch))
                filled.append(self._filled)
            self._filled = frozenset.intersection(*filled)
            if sum(skips for skips, _, _ in parts) > 1:
                self.two_empty_branches = "(a choice with two empty branches)"
            return (
                any(skips for skips, _, _ in parts),
                set().union(*(first for _, first, _ in parts)),
                set().union(*(last for _, _, last in parts)),
            )
        ends = [self._chain(words) for words in self.grammar.possible_words(node)]
        if type(node) is Slot:
            self._slots |= {last: (node.name, node.list, node.name in self._filled) for _, last in ends}
            self._filled |= {node.name}
        return False, {first for first, _ in ends}, {last for _, last in ends}

    def _chain(self, sets):
        chain = []
        for words in sets:
            position = len(self.words_at)
            self.words_at[position], self.after[position] = frozenset(words), set()
            if chain:
                self.after[chain[-1]].add(position)
            chain.append(position)
        return chain[0], chain[-1]
