import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3b_tune.data import table
from a3b_tune.errors import InputError


def write(tmp_path, text: str, name: str = "films.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8"))
    return path


FILMS = "text,label\n" + "".join(
    f'"Film {n}, it\'s fine!",{"bad" if n % 2 else "good"}\n' for n in range(10)
)


def test_a_csv_becomes_rows_words_and_classes(tmp_path):
    data = table.load(write(tmp_path, FILMS))
    assert (len(data.train), len(data.validation)) == (8, 2)
    assert data.class_names == ("bad", "good")
    assert data.vocabulary.i2w[4:] == ["film", "it", "s", "fine"]
    assert data.vocabulary.text(data.train.to_lists()[0][0]) == "film it s fine"


def test_other_columns_and_a_quoted_line_break(tmp_path):
    text = 'id,review,stars\n1,"one\ntwo",5\n2,three,1\n3,four,1\n4,five,5\n'
    data = table.load(write(tmp_path, text), "review", "stars", split=0.25)
    assert data.class_names == ("1", "5")
    assert data.train.total + data.validation.total == 5


def test_tsv_txt_and_csv_of_the_same_rows_are_the_same_data(tmp_path):
    rows = [(f"word {'x' * n}", "ab"[n % 2]) for n in range(1, 9)]
    made = {
        "a.csv": "text,label\n" + "".join(f"{x},{y}\n" for x, y in rows),
        "a.tsv": "text\tlabel\r\n" + "".join(f"{x}\t{y}\r\n" for x, y in rows),
        "a.txt": "".join(f"{y}\t{x}\n" for x, y in rows),
        "b.csv": "\ufefftext,label\n" + "".join(f"{x},{y}\n" for x, y in rows),
    }
    assert (
        len({table.load(write(tmp_path, text, name)).data_hash for name, text in made.items()}) == 1
    )


def test_words_stand_by_falling_count_over_the_training_rows_only(tmp_path):
    lines = [f"{'ab'[n % 2]}\tcommon rare{chr(97 + n)}" for n in range(20)]
    data = table.load(write(tmp_path, "\n".join(lines), "a.txt"))
    assert data.vocabulary.i2w[4] == "common"
    assert len(data.vocabulary) == 4 + 1 + len(data.train)
    assert all(row == [4, 3] for row in data.validation.to_lists()[0])


def test_the_split_is_of_the_seed(tmp_path):
    path = write(tmp_path, FILMS.replace("Film", "Film word"))
    hashes = [table.load(path, seed=seed).data_hash for seed in (1, 1)]
    assert hashes[0] == hashes[1]
    assert len(table.load(path, split=0.5).validation) == 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's 3 FILMS!", ["it", "s", "films"]),
        ("naïve_Straße", ["naïve", "straße"]),
        ("Кино 2", ["кино"]),
        (":-) 10/10", []),
    ],
)
def test_words_are_lower_cased_runs_of_letters(text, words):
    assert table.tokenise(text) == words


def test_a_text_without_a_letter_is_one_unknown_word(tmp_path):
    data = table.load(write(tmp_path, "a\t10/10\nb\t10/10\na\t9\nb\t8", "a.txt"), split=0.25)
    assert data.train.to_lists()[0] == [[3]] * 3


BAD = {
    "no such column": ("txt,label\na,b\n", r"line 1: unknown column 'text'; did you mean 'txt'\?"),
    "one class": ("text,label\na,x\nb,x\n", "only one class, 'x', in 2 rows"),
    "an empty row": ("text,label\na,x\n\nb,y\n", "line 3: no text; fill it or delete the row"),
    "no text": ('text,label\n"a\nb",x\n" ",y\n', "line 4: no text"),
    "no label": ("text,label\na,x\nb,\n", "line 3: no label"),
    "header only": ("text,label\n", "no rows"),
    "nothing": (" \n", "no rows"),
    "a field too many": ("text,label\na,b,x\n", "line 2: 3 fields, but the header has 2"),
    "an open quote": ('text,label\n"a,x\nb,y\n', "unexpected end of data"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_a_bad_table_is_one_line_with_file_and_line(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        table.load(path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


def test_latin_1_is_named_with_line_byte_and_cure(tmp_path):
    path = tmp_path / "films.csv"
    path.write_bytes("text,label\nfine,x\ncafé,y\n".encode("latin-1"))
    with pytest.raises(InputError) as caught:
        table.load(path)
    assert str(caught.value) == (
        f"{path}: line 3, byte 4: not UTF-8 (0xe9); if it is Latin-1, convert it:"
        " iconv -f latin1 -t utf-8 films.csv > new.csv"
    )


def test_a_line_without_a_tab(tmp_path):
    path = write(tmp_path, "a\tone\njust text\n", "a.txt")
    with pytest.raises(InputError, match="line 2: no tab between label and text, 'just text'"):
        table.load(path)


def test_no_file_a_folder_and_another_kind_of_file(tmp_path):
    with pytest.raises(InputError, match=r"gone.csv: no such file$"):
        table.load(tmp_path / "gone.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match=r"folder.csv: cannot be read"):
        table.load(tmp_path / "folder.csv")
    with pytest.raises(InputError, match=r"unknown kind of table '.xls'; did you mean"):
        table.load(tmp_path / "films.xls")


@pytest.mark.parametrize("split", [0.0, 1.0, -0.2, 0.01])
def test_a_split_that_leaves_a_part_empty(tmp_path, split):
    with pytest.raises(InputError, match="leaves a part of its 10 rows empty"):
        table.load(write(tmp_path, FILMS), split=split)


def test_a_class_that_only_validates(tmp_path):
    path = write(tmp_path, "a\tx\nb\ty\n", "a.txt")
    with pytest.raises(InputError, match="one class to train on"):
        table.load(path, split=0.5)


def test_a_long_field_is_read_and_the_modules_limit_left_alone(tmp_path):
    before = csv.field_size_limit()
    data = table.load(
        write(tmp_path, f"text,label\n{'a ' * 100_000},x\nb,y\nc,x\nd,y\n"), split=0.25
    )
    assert max(data.train.longest, data.validation.longest) == 100_000
    assert csv.field_size_limit() == before


@given(st.text(st.characters(max_codepoint=127) | st.characters(), max_size=30))
def test_words_are_the_same_whichever_way_they_are_found(text):
    assert table.tokenise(text) == table.WORD.findall(text.lower())
