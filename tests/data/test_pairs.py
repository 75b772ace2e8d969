import random

import torch

from a3b_tune.data.dataset import Dataset
from a3b_tune.data.pairs import Pairs
from a3b_tune.data.rows import Rows
from a3b_tune.data.vocabulary import Vocabulary

WORDS = ("not", "very", "good", "bad", "film")
VOCABULARY = Vocabulary.of(WORDS)
SIZE = len(VOCABULARY)


def rows(*texts):
    return Rows.from_lists(
        [VOCABULARY.indices(text.split()) for text in texts], [n % 2 for n in range(len(texts))]
    )


def dataset(train, validation):
    return Dataset("table", train, validation, VOCABULARY, ("no", "yes"))


def plain(rows_, known):
    """What `beside` is to give, row by row, with no tensor: (tokens, label) of each row."""
    x, y = rows_.to_lists()
    found = []
    for row, label in zip(x, y, strict=True):
        out = []
        for place, token in enumerate(row):
            out.append(token)
            pair = (token, row[place + 1]) if place + 1 < len(row) else None
            if pair in known:
                out.append(known[pair])
        found.append((out, label))
    return found


def test_the_most_frequent_pairs_come_first_and_are_called_by_their_words():
    train = rows("not good film", "not good", "very bad film", "very bad", "not good", "bad film")
    found = dataset(train, rows("not good")).with_pairs(3)
    assert found.vocabulary.i2w[SIZE:] == ["not good", "very bad", "bad film"]
    assert len(found.pairs) == 3


def test_each_known_pair_stands_behind_its_first_word():
    train = rows("not good film", "not good", "very bad")
    found = dataset(train, train).with_pairs(1)
    (row,), _ = found.pairs.beside(rows("film not good film not very good")).to_lists()
    assert found.vocabulary.text(row) == "film not not good good film not very good"


def test_random_rows_are_what_a_plain_loop_gives():
    draw = random.Random(0)
    for _ in range(20):
        texts = [
            " ".join(draw.choices((*WORDS, "unheard"), k=draw.randint(1, 9))) for _ in range(30)
        ]
        own = rows(*texts)
        own = own.cut(draw.randint(1, 9)) if draw.random() < 0.5 else own
        pairs = Pairs.most_common(own, SIZE, draw.randint(1, 12))
        names = pairs.names(VOCABULARY)
        known = {
            tuple(VOCABULARY.indices(name.split(" "))): SIZE + place
            for place, name in enumerate(names)
        }
        got = pairs.beside(own)
        x, y = got.to_lists()
        assert sorted(zip(x, y, strict=True)) == sorted(plain(own, known))
        assert got.lengths.tolist() == sorted(got.lengths.tolist())


def test_a_pair_does_not_reach_over_the_end_of_a_row_nor_over_a_special_word():
    pairs = Pairs.most_common(rows("good", "bad", "not unheard good"), SIZE, 10)
    assert len(pairs) == 0
    assert pairs.beside(rows("not good")).to_lists() == rows("not good").to_lists()


def test_counts_of_merged_rows_stay_with_their_rows():
    own = rows("not good", "film", "not good", "not good").distinct()
    pairs = Pairs.most_common(own, SIZE, 1)
    widened = pairs.beside(own)
    assert int(widened.counts.sum()) == 4
    for length, count in zip(widened.lengths.tolist(), widened.counts.tolist(), strict=True):
        assert (length, count) in {(1, 1), (3, 1), (3, 2)}


def test_the_data_hash_tells_pairs_apart():
    train = rows("not good film", "not good", "very bad")
    one = dataset(train, train)
    hashes = {one.data_hash, one.with_pairs(1).data_hash, one.with_pairs(2).data_hash}
    assert len(hashes) == 3


def test_nothing_is_taken_from_validation_rows():
    found = dataset(rows("not good"), rows("very bad very bad")).with_pairs(5)
    assert found.vocabulary.i2w[SIZE:] == ["not good"]
    assert torch.equal(found.train.tokens, rows("not good").tokens)
