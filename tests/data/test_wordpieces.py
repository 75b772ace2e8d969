import json

import pytest

from a3b_tune.data import Dataset, Rows
from a3b_tune.data.load import load
from a3b_tune.data.vocabulary import UNK, Vocabulary
from a3b_tune.data.wordpieces import Wordpieces
from tests.pretrained import tokenizer_json

WORDS = ("great", "movie", "motion-picture", "über", "ungreat", "I")


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load("synth").sample(300, 0)


@pytest.fixture(scope="module")
def pieces(data) -> Wordpieces:
    return Wordpieces.from_json(tokenizer_json(data.vocabulary.i2w))


def test_a_row_is_the_tokens_of_its_words_as_a_text(data, pieces):
    whole = pieces.tokenizer
    x, _ = pieces.rows(data.train, data.vocabulary).to_lists()
    texts = [data.vocabulary.text(row) for row in data.train.to_lists()[0]]
    wanted = [whole.encode(text.replace("-", " ")).ids for text in texts]
    assert sorted(x) == sorted(wanted)
    assert sorted(x) == sorted(pieces.encode(text).tokens for text in texts)


def test_words_of_any_kind_are_read_alike_in_rows_and_texts(pieces):
    vocabulary = Vocabulary.of(WORDS)
    for word in WORDS:
        row = Rows.from_lists([vocabulary.indices([word, "movie"])], [0])
        (tokens,), _ = pieces.rows(row, vocabulary).to_lists()
        assert tokens == pieces.encode(f"{word}, MOVIE!").tokens


def test_a_label_and_a_count_stay_with_their_row(pieces):
    vocabulary = Vocabulary.of(WORDS)
    texts = ["ungreat movie", "great", "movie movie movie", "great", "I"]
    rows = Rows.from_lists([vocabulary.indices(text.split()) for text in texts], [4, 1, 2, 1, 3])
    found = pieces.rows(rows.distinct(), vocabulary)
    told = {
        tuple(row): (label, count)
        for row, label, count in zip(*found.to_lists(), found.counts.tolist(), strict=True)
    }
    wanted = {"ungreat movie": (4, 1), "great": (1, 2), "movie movie movie": (2, 1), "I": (3, 1)}
    assert told == {tuple(pieces.encode(text).tokens): both for text, both in wanted.items()}
    assert found.lengths.tolist() == sorted(found.lengths.tolist())


def test_a_cut_row_still_ends_with_its_last_token(data, pieces):
    whole = pieces.rows(data.train, data.vocabulary)
    before = whole.to_lists()[0]
    cut = pieces.cut(whole, 9)
    assert cut.to_lists()[0] == [r if len(r) <= 9 else [*r[:8], pieces.last] for r in before]
    assert whole.to_lists()[0] == before
    assert pieces.cut(whole, 10_000) is whole
    text = "a great movie about another great movie"
    assert pieces.encode(text, 9).tokens == [*pieces.encode(text).tokens[:8], pieces.last]
    assert pieces.encode(text, 2).tokens == [pieces.first, pieces.last]


def test_what_is_not_known_is_told(pieces):
    read = pieces.encode("great 猫 movie")
    assert read.words[0] == "[CLS]" and read.words[-1] == "[SEP]"
    assert [read.words[at] for at, new in enumerate(read.unknown) if new] == ["[UNK]"]
    assert pieces.encode("  12 %").tokens == [pieces.first, pieces.last]
    unheard = pieces.rows(Rows.from_lists([[UNK]], [0]), Vocabulary.of(WORDS))
    assert unheard.to_lists()[0] == [[pieces.first, pieces.unknown, pieces.last]]


def test_nobody_writes_a_special_token(pieces):
    assert pieces.first not in pieces.encode("great [CLS] movie").tokens[1:]


def test_it_comes_back_from_its_json(pieces):
    again = Wordpieces.from_json(pieces.tokenizer_json)
    assert again.tokens == pieces.tokens
    assert len(again.tokens) == len(again)
    assert again.encode("a great movie") == pieces.encode("a great movie")
    assert again.kind == "wordpieces"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda plain: plain["model"].update(type="WordLevel"), "not of the kind WordPiece"),
        (lambda plain: plain["model"].update(vocab={"[UNK]": 1}), "has no token"),
        (lambda plain: plain.pop("model"), "its tokenizer.json is damaged"),
    ],
)
def test_a_tokenizer_of_another_kind_is_refused(pieces, change, line):
    plain = json.loads(pieces.tokenizer_json)
    plain["added_tokens"] = []
    for key in ("continuing_subword_prefix", "max_input_chars_per_word"):
        if line.startswith("not of"):
            plain["model"].pop(key)
    change(plain)
    with pytest.raises(ValueError, match=line):
        Wordpieces.from_json(json.dumps(plain))


def test_padding_must_be_token_0(pieces):
    plain = json.loads(pieces.tokenizer_json)
    vocab = plain["model"]["vocab"]
    vocab["[PAD]"], vocab["[UNK]"] = 1, 0
    for token in plain["added_tokens"][:2]:
        token["id"] = 1 - token["id"]
    with pytest.raises(ValueError, match=r"has \[PAD\] as token 1, not 0"):
        Wordpieces.from_json(json.dumps(plain))
