"""What may come next in a sentence, exactly: prefix probabilities over all parses.

An Earley parser whose items carry two numbers, as in Stolcke (1995, "An efficient probabilistic
context-free parsing algorithm that computes prefix probabilities"; Jelinek & Lafferty 1991 for the
left corners): the inner probability of what an item has read, and its forward probability, of which
those of the items that read the last word sum to the prefix's. Both are divided by that sum after
each word, so that nothing becomes too small. Sentences with the same beginning share it. Knows
classes of words, not their spelling.
"""

from collections import defaultdict
from heapq import heappop, heappush
from math import log2

from a3b_tune.data.grammar import Grammar, Node

LIMIT = 30_000  # beginnings that are remembered before all are forgotten

# A way that has been read up to the node, where it began, its inner and forward probabilities.
Item = tuple[Node, "Beginning", float, float]


class Beginning:
    """The first `place` words of a sentence. `waiting[symbol]` are the items that need the symbol
    next, already moved behind it; `next` the probability of each class of words; `bits` those of
    the last word's class; `spelt` is for who spells the next words."""

    __slots__ = ("after", "bits", "next", "place", "spelt", "waiting")

    def __init__(self, place: int, bits: float) -> None:
        self.place = place
        self.bits = bits
        self.waiting: dict[str, list[Item]] = defaultdict(list)
        self.next: dict[str, float] = {}
        self.after: dict[str, Beginning] = {}
        self.spelt: dict[str, list[float]] = {}


class Prefixes:
    """The beginnings of one grammar's sentences, each worked out when it is first asked for."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self._known = 0
        self._empty = self._nothing()

    @property
    def empty(self) -> Beginning:
        """Before the first word."""
        if self._known > LIMIT:
            self._known, self._empty = 0, self._nothing()
        return self._empty

    def after(self, beginning: Beginning, word: str) -> Beginning | None:
        """One class of words more; None where it cannot come next."""
        known = beginning.after.get(word)
        if known is None and beginning.next.get(word, 0.0) > 0.0:
            known = beginning.after[word] = self._read(beginning, word)
            self._known += 1
        return known

    def _nothing(self) -> Beginning:
        made = Beginning(0, 0.0)
        self._predict(made, {self.grammar.start: 1.0})
        return self._told(made)

    def _read(self, beginning: Beginning, word: str) -> Beginning:
        mass = beginning.next[word]
        made = Beginning(beginning.place + 1, -log2(mass))
        chart = _Chart()
        for node, origin, inner, forward in beginning.waiting[word]:
            chart.add(node, origin, inner / mass, forward / mass)
        self._complete(chart)
        wanted: dict[str, float] = defaultdict(float)
        for origin, nodes in chart.begun.items():
            for node, (inner, forward) in nodes.items():
                for symbol, target, weight in node.edges:
                    made.waiting[symbol].append((target, origin, inner * weight, forward * weight))
                    if symbol in self.grammar.ways:
                        wanted[symbol] += forward * weight
        self._predict(made, wanted)
        return self._told(made)

    def _complete(self, chart: "_Chart") -> None:
        """Every item that is read to its end moves those that waited for its symbol where it began.

        From the latest origin to the first, and there in the order in which symbols become one
        another, so that an item's inner probability is whole before it is used.
        """
        while origin := chart.latest():
            nodes = chart.begun[origin]
            for symbol in self.grammar.order:
                ended = sum(
                    nodes[node][0] * node.final
                    for node in self.grammar.finals[symbol]
                    if node in nodes
                )
                if ended:
                    for node, before, inner, forward in origin.waiting[symbol]:
                        chart.add(node, before, inner * ended, forward * ended)

    def _predict(self, made: Beginning, wanted: dict[str, float]) -> None:
        """The ways of each symbol that may begin here, through any depth of left corners."""
        begins: dict[str, float] = defaultdict(float)
        for symbol, mass in wanted.items():
            for corner, times in self.grammar.corners[symbol].items():
                begins[corner] += mass * times
        for corner, mass in begins.items():
            for symbol, target, weight in self.grammar.roots[corner].edges:
                made.waiting[symbol].append((target, made, weight, mass * weight))

    def _told(self, made: Beginning) -> Beginning:
        made.next = {
            word: sum(item[3] for item in items)
            for word, items in made.waiting.items()
            if word not in self.grammar.ways
        }
        return made


class _Chart:
    """The items of one beginning by where they began, and the origins that are still to be gone
    through, the latest first."""

    def __init__(self) -> None:
        self.begun: dict[Beginning, dict[Node, tuple[float, float]]] = {}
        self._open: list[tuple[int, int, Beginning]] = []

    def add(self, node: Node, origin: Beginning, inner: float, forward: float) -> None:
        nodes = self.begun.get(origin)
        if nodes is None:
            nodes = self.begun[origin] = {}
            heappush(self._open, (-origin.place, id(origin), origin))
        if (known := nodes.get(node)) is not None:
            inner, forward = inner + known[0], forward + known[1]
        nodes[node] = inner, forward

    def latest(self) -> Beginning | None:
        return heappop(self._open)[2] if self._open else None
