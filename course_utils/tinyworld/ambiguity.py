"""A proof that no text can be told in two ways.

The templates are read as one automaton of positions, each of which says any word of a set (Glushkov, 1961).
Two ways to tell a text are two different paths that say the same words, so we walk pairs of paths at once. If
a pair that has parted can meet again, or end at the same moment, there may be such a text, and otherwise none
(Book, Even, Greibach and Ott, "Ambiguity in graphs and expressions", 1971).

The automaton allows more than the grammar does: it forgets what slots hold, save that two slots of one list
hold different words where the ways part. So what is proved of it holds for the grammar too.
"""

from .grammar import Choice, Grammar, Slot, join

_START = 0


def ambiguity(grammar: Grammar) -> str | None:
    """The beginning of a text that might be told in two ways, or None: then every text has one telling."""
    automaton = _Automaton(grammar)
    seen = {(position, position): None for position in automaton.after}
    pairs = list(seen)
    for pair in pairs:
        left, right = pair
        if left != right and left in automaton.last and right in automaton.last:
            return automaton.words(pair, seen)
        for one in automaton.after[left]:
            for other in automaton.after[right]:
                if one == other and left == right or automaton.says[one].isdisjoint(automaton.says[other]):
                    continue
                if left == right and automaton.hold_apart(one, other):
                    continue
                following = (min(one, other), max(one, other))
                if one == other:
                    return automaton.words(pair, seen)
                if following not in seen:
                    seen[following] = pair
                    pairs.append(following)
    return automaton.silent


class _Automaton:
    """Positions: the words each may say, the positions that may come after, and those that may be last."""

    def __init__(self, grammar):
        self.grammar = grammar
        self.says, self.after, self.silent = {_START: frozenset()}, {_START: set()}, None
        self._slots, self._filled = {}, frozenset()
        plots = Choice(tuple(branch for choice in grammar.plots.values() for branch in choice.branches))
        skips, first, self.last = self._add((plots,))
        self.after[_START] = first
        if skips:
            self.last = self.last | {_START}

    def words(self, pair, seen):
        """Words that lead to a pair of positions, one possible word for each."""
        said = []
        while pair is not None and pair[0] != _START:
            said.append(min(self.says[pair[0]] & self.says[pair[1]]))
            pair = seen[pair]
        return join(said[::-1])

    def hold_apart(self, one, other):
        """Whether two positions after one beginning are slots of one list, one of which was filled before."""
        one, other = self._slots.get(one), self._slots.get(other)
        if one is None or other is None or one[:1] == other[:1] or "_" in (one[0], other[0]):
            return False
        return one[1] == other[1] and (one[2] or other[2])

    def _add(self, nodes):
        """Add nodes: whether they can say nothing, the first positions, the last ones."""
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
                self.silent = "(a choice with two empty branches)"
            return (
                any(skips for skips, _, _ in parts),
                set().union(*(first for _, first, _ in parts)),
                set().union(*(last for _, _, last in parts)),
            )
        ends = [self._chain(words) for words in self.grammar.sayings(node)]
        if type(node) is Slot:
            self._slots |= {last: (node.name, node.list, node.name in self._filled) for _, last in ends}
            self._filled |= {node.name}
        return False, {first for first, _ in ends}, {last for _, last in ends}

    def _chain(self, sets):
        chain = []
        for words in sets:
            position = len(self.says)
            self.says[position], self.after[position] = frozenset(words), set()
            if chain:
                self.after[chain[-1]].add(position)
            chain.append(position)
        return chain[0], chain[-1]
