"""The exact probability of a sentence: an inside algorithm over all its parses.

Spans are found from the last word to the first (Baker 1979 for the sums, and as in a left-corner
chart only spans that do derive something are looked at). What begins at a word depends only on the
words from there on, so it is worked out once for all sentences that end alike. Knows nothing of
letters.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import inf, log2

from a3b_tune.data.grammar import Grammar, Node

LIMIT = 100_000  # endings that are remembered before all are forgotten


class Ending:
    """The last `length` words of a sentence, and all that begins with the first of them: `spans`
    are symbol, what is left of the sentence behind it, and the probability of the words between."""

    __slots__ = ("before", "length", "spans")

    def __init__(self, length: int) -> None:
        self.length = length
        self.spans: list[tuple[str, Ending, float]] = []
        self.before: dict[str, Ending] = {}


class Inside:
    """The sentences of one grammar. Probabilities are plain floats: good for sentences of a few
    hundred words, as a grammar with a mean length makes."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self._starting: dict[str, list[tuple[Node, float]]] = defaultdict(list)
        for root in grammar.roots.values():
            for symbol, node, weight in root.edges:
                self._starting[symbol].append((node, weight))
        self._end, self._known = Ending(0), 0

    def sentence_bits(self, words: Iterable[str]) -> float:
        """-log2 of the probability of a sentence, all its parses together; inf where the grammar
        cannot produce it."""
        classes, bits = [], 0.0
        for word in words:
            if word not in self.grammar.class_of:
                return inf
            classes.append(self.grammar.class_of[word])
            bits += log2(len(self.grammar.classes[classes[-1]]))
        return bits + self.class_bits(classes)

    def accepts(self, words: Iterable[str]) -> bool:
        return self.sentence_bits(words) < inf

    def class_bits(self, classes: Sequence[str]) -> float:
        """As `sentence_bits`, of the classes of the words alone."""
        if self._known > LIMIT:
            self._end, self._known = Ending(0), 0
        ending = self._end
        for word in reversed(classes):
            known = ending.before.get(word)
            if known is None:
                known = ending.before[word] = self._begin(word, ending)
                self._known += 1
            ending = known
        whole = (
            p
            for symbol, rest, p in ending.spans
            if symbol == self.grammar.start and not rest.length
        )
        found = sum(whole)
        return -log2(found) if found else inf

    def _begin(self, word: str, behind: Ending) -> Ending:
        """One word more at the beginning.

        Ends are gone through from the nearest: a symbol that ends there may begin a way of another,
        which goes on with whatever begins there. That also does for left recursion, as each turn of
        it ends later than the one before.
        """
        made = Ending(behind.length + 1)
        ends = {behind.length: behind}
        begun: dict[int, dict[Node, float]] = {behind.length: defaultdict(float)}
        made.spans.append((word, behind, 1.0))
        self._start(word, 1.0, begun[behind.length])
        for length in range(behind.length, -1, -1):
            if length not in begun:
                continue
            end, nodes = ends[length], begun[length]
            for symbol in self.grammar.order:
                found = sum(
                    nodes.get(node, 0.0) * node.final for node in self.grammar.finals[symbol]
                )
                if found:
                    made.spans.append((symbol, end, found))
                    self._start(symbol, found, nodes)
            for node, so_far in nodes.items():
                for symbol, target, weight in node.edges:
                    for other, rest, p in end.spans:
                        if other == symbol:
                            ends[rest.length] = rest
                            later = begun.setdefault(rest.length, defaultdict(float))
                            later[target] += so_far * weight * p
        return made

    def _start(self, symbol: str, p: float, nodes: dict[Node, float]) -> None:
        for node, weight in self._starting[symbol]:
            nodes[node] += p * weight
