import optuna
import pytest

from a3b_tune.data.load import load
from a3b_tune.errors import InputError
from a3b_tune.storage.opening import open_storage
from a3b_tune.study import loads, override
from a3b_tune.tuning import records
from a3b_tune.tuning.studies import begin_or_go_on, ceiling, open_study, study_names
from tests.tuning.conftest import begin


def test_a_new_study_holds_all_that_another_machine_needs(stored, file, xor):
    found = open_study(stored.storage, "small")
    assert found.file == file
    attrs = found.study.user_attrs
    assert attrs[records.STUDY_FORMAT] == 1
    assert attrs[records.STUDY_DATA]["hash"] == xor.dataset.data_hash
    assert attrs[records.STUDY_DATA]["validation"] == 25_000
    assert attrs[records.STUDY_VERSIONS]["optuna"] == optuna.__version__
    assert found.study.direction == optuna.study.StudyDirection.MAXIMIZE


def test_the_same_file_goes_on_also_with_another_budget(url, stored, file, xor):
    assert begin(url, file, xor, "study.trials=99", "study.timeout=5m").id == stored.id
    assert open_study(stored.storage, "small").file.study.trials == 99


def test_another_setting_stops_and_every_difference_is_named(url, stored, file, xor):
    with pytest.raises(InputError) as error:
        begin(url, file, xor, "model.width=16", "optimizer.lr=1e-3..1e-2:log")
    told = str(error.value)
    assert "model.width: stored 4|8, asked 16" in told
    assert "optimizer.lr" in told
    assert "--name" in told
    assert open_study(stored.storage, "small").file == file


def test_other_rows_stop_too(stored, file):
    with pytest.raises(InputError, match="the data"):
        begin_or_go_on(stored.storage, file, load("xor", seed=1))


def test_an_unknown_study_is_answered_with_the_nearest(stored):
    with pytest.raises(InputError, match=r"unknown study 'smal'; did you mean 'small'"):
        open_study(stored.storage, "smal")


def test_an_empty_storage_says_so(url):
    with pytest.raises(InputError, match="it holds none"):
        open_study(open_storage(url, create=True), "small")


def test_a_study_of_someone_else_is_left_alone(url, file, xor):
    storage = open_storage(url, create=True)
    optuna.create_study(study_name="small", storage=storage)
    with pytest.raises(InputError, match="not made by a3b-tune"):
        begin(url, file, xor)
    assert study_names(storage) == ["small"]


XOR = "[study]\nname='c'\n[data]\nname='xor'\n[model]\n"
SYNTH = "[study]\nname='c'\n[data]\nname='synth'\n[model]\n"


@pytest.mark.parametrize(
    ("text", "synth", "xor"),
    [
        ("name='baseline'\npool='mean'", 0.75536, 0.75),
        ("name='baseline'\npool='max'", 1.0, 1.0),
        ("name='baseline'\npool='select'", 0.5, 0.5),
        ("name='simple_attention'\npool='select'", 0.75536, 0.75),
        ("name='simple_attention'\npool='select'\npositions='learned'", 0.75536, 1.0),
        ("name='full_attention'\nheads=1\npool='select'", 0.75536, 0.75),
        ("name='full_attention'\nheads=2\npool='select'", 1.0, 1.0),
    ],
)
def test_the_ceilings_of_the_course(text, synth, xor):
    for head, data, wanted in ((SYNTH, "synth", synth), (XOR, "xor", xor)):
        found = ceiling(loads(head + text, "c.toml"), load(data))
        assert found["value"] == pytest.approx(wanted, abs=0.005)
        assert found["why"]
        if data == "synth" and wanted == 0.75536:
            assert found["value"] == pytest.approx(0.75536, abs=1e-9)
            assert 0.005 < found["margin"] < 0.006


def test_the_ceiling_of_a_search_is_that_of_its_best_draw():
    file = loads(SYNTH + "name='full_attention'\nheads={choices=[1,2]}\npool='select'", "c.toml")
    assert ceiling(file, load("synth"))["value"] == 1.0
    narrowed = override(file, ["model.heads=1"])
    assert ceiling(narrowed, load("synth"))["value"] == pytest.approx(0.75536, abs=1e-9)


def test_where_theory_is_silent_there_is_no_ceiling():
    file = loads(SYNTH + "name='transformer'\ndepth=2", "c.toml")
    assert ceiling(file, load("synth")) is None
