"""A context-free grammar with probabilities, in the form that the exact algorithms read.

Words that stand in the same places of the same rules, each alone, are equally likely wherever one
of them may stand; they make a class, and everything but the spelling is worked out for classes. The
ways of a symbol are a tree, so that ways with the same beginning share it. Knows no sentence: its
probability is in `inside`, what comes next in `prefixes`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import accumulate
from math import log2
from random import Random
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Way = tuple[str, ...]
Ways = dict[Way, float]  # with their probabilities, which sum to 1


@dataclass
class Node:
    """A place in the tree of a symbol's ways: what has been read of them so far. An edge is a
    symbol, the node behind it and the probability of going there; `final` is that of ending here.
    """

    symbol: str
    edges: list[tuple[str, "Node", float]] = field(default_factory=list)
    final: float = 0.0

    __hash__ = object.__hash__


class Expected(NamedTuple):
    """Of one sentence: the bits of its derivation, and how often each class of words is in it."""

    bits: float
    words: dict[str, float]


class Grammar:
    """`rules[symbol]` are the ways to rewrite it, as words with blanks between, all equally likely
    (one that stands there twice is twice as likely); what has no ways is a word.

    Ambiguity and left recursion are welcome. Raises ValueError for an empty way, and for symbols
    that become one another without a word (a way of one symbol, round in a circle).
    """

    def __init__(self, rules: Mapping[str, Iterable[str]], start: str) -> None:
        self.start = start
        plain = {symbol: _ways(way.split() for way in ways) for symbol, ways in rules.items()}
        self.classes = _classes(plain)  # the first word of a class -> all of them
        self.class_of = {word: name for name, words in self.classes.items() for word in words}
        self.ways = {symbol: self._merged(ways) for symbol, ways in plain.items()}
        self.roots = {symbol: _tree(symbol, ways) for symbol, ways in self.ways.items()}
        self.order = self._one_after_the_other()
        self.finals = {
            symbol: [node for node in _below(root) if node.final]
            for symbol, root in self.roots.items()
        }

    @cached_property
    def corners(self) -> dict[str, dict[str, float]]:
        """How often, on average, a symbol's leftmost descendants are each symbol, itself among
        them, all lengths of descent together: (I - L)^-1 of the first steps L."""
        first = self._matrix(lambda way: way[:1])
        return self._sparse(np.linalg.inv(np.eye(len(first)) - first))

    @cached_property
    def expected(self) -> Expected:
        """Exact means over all sentences. Raises ValueError where sentences grow without end."""
        steps = self._matrix(lambda way: way)
        if max(abs(np.linalg.eigvals(steps))) >= 1.0:
            raise ValueError("the grammar's sentences have no mean length")
        used = self._sparse(np.linalg.inv(np.eye(len(steps)) - steps))[self.start]
        words: dict[str, float] = defaultdict(float)
        bits = 0.0
        for symbol, times in used.items():
            for way, share in self.ways[symbol].items():
                bits -= times * share * log2(share)
                for word in way:
                    if word not in self.ways:
                        words[word] += times * share
        return Expected(bits, dict(words))

    def draw(self, random: Random) -> tuple[list[str], float]:
        """A sentence in classes, and the bits of the derivation that it came from."""
        sentence, waiting, bits = [], [self.start], 0.0
        while waiting:
            symbol = waiting.pop()
            if symbol not in self.ways:
                sentence.append(symbol)
                continue
            ways, sums = self._drawn[symbol]
            way, share = random.choices(ways, cum_weights=sums)[0]
            bits -= log2(share)
            waiting.extend(reversed(way))
        return sentence, bits

    @cached_property
    def _drawn(self) -> dict[str, tuple[list[tuple[Way, float]], list[float]]]:
        return {
            symbol: (list(ways.items()), list(accumulate(ways.values())))
            for symbol, ways in self.ways.items()
        }

    def _merged(self, ways: Ways) -> Ways:
        """The ways in classes instead of words."""
        merged: Ways = defaultdict(float)
        for way, share in ways.items():
            merged[tuple(self.class_of.get(word, word) for word in way)] += share
        return dict(merged)

    def _one_after_the_other(self) -> list[str]:
        """The symbols, each after those that it may become without anything else."""
        single = {
            symbol: {way[0] for way in ways if len(way) == 1 and way[0] in self.ways}
            for symbol, ways in self.ways.items()
        }
        try:
            return list(TopologicalSorter(single).static_order())
        except CycleError as error:
            raise ValueError(f"{' -> '.join(error.args[1])} become one another") from None

    def _matrix(self, part: Callable[[Way], Way]) -> npt.NDArray[np.float64]:
        """(symbols, symbols) how often, on average, one step from the first has the second in a
        part of what it becomes."""
        index = {symbol: at for at, symbol in enumerate(self.ways)}
        matrix = np.zeros((len(index), len(index)))
        for symbol, ways in self.ways.items():
            for way, share in ways.items():
                for other in part(way):
                    if other in index:
                        matrix[index[symbol], index[other]] += share
        return matrix

    def _sparse(self, matrix: npt.NDArray[np.floating[Any]]) -> dict[str, dict[str, float]]:
        rows = zip(self.ways, matrix.tolist(), strict=True)
        return {
            symbol: {other: value for other, value in zip(self.ways, row, strict=True) if value}
            for symbol, row in rows
        }


def _ways(ways: Iterable[list[str]]) -> Ways:
    each = [tuple(way) for way in ways]
    if not all(each):
        raise ValueError("a symbol may not become nothing")
    shares: Ways = defaultdict(float)
    for way in each:
        shares[way] += 1 / len(each)
    return dict(shares)


def _classes(rules: Mapping[str, Ways]) -> dict[str, tuple[str, ...]]:
    """The words that may be exchanged for one another, one at a time, in every rule."""
    places: dict[str, set[tuple[str, Way, Way, float]]] = defaultdict(set)
    for symbol, ways in rules.items():
        for way, share in ways.items():
            for at, word in enumerate(way):
                if word not in rules:
                    places[word].add((symbol, way[:at], way[at + 1 :], share))
    alike: dict[frozenset[tuple[str, Way, Way, float]], list[str]] = defaultdict(list)
    for word, found in places.items():
        alike[frozenset(found)].append(word)
    return {words[0]: tuple(words) for words in alike.values()}


def _tree(symbol: str, ways: Ways) -> Node:
    node, total = Node(symbol), sum(ways.values())
    node.final = ways.get((), 0.0) / total
    heads = dict.fromkeys(way[0] for way in ways if way)
    for head in heads:
        rest = {way[1:]: share for way, share in ways.items() if way[:1] == (head,)}
        node.edges.append((head, _tree(symbol, rest), sum(rest.values()) / total))
    return node


def _below(node: Node) -> list[Node]:
    return [node, *(other for _, behind, _ in node.edges for other in _below(behind))]
