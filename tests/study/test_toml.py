import tomllib

from hypothesis import given

from a3b_tune.study.file import loads
from a3b_tune.study.toml import dumps_toml
from tests.study.strategies import study_files

WRITTEN = """[study]
name = "small"
question = "Is \\"it\\" so?"
metric = "accuracy"
sampler = "random"
pruner = { name = "hyperband", min_resource = 1, reduction_factor = 3 }
trials = 100
timeout = "1h30m"
seed = 0
retries = 2
heartbeat = "10s"
checkpoint = "1m"

[data]
name = "xor"
seed = 0

[model]
name = "full_attention"
heads = { choices = [1, 2] }
bias = true

[optimizer]
name = "adam"
lr = { low = 1e-05, high = 0.1, log = true }
weight_decay = 0.0
momentum = 0.0
beta1 = 0.9
beta2 = 0.999

[training]
epochs = { low = 2, high = 8, step = 2 }
batch_size = 32
warmup = 0.0
schedule = "constant"
label_smoothing = 0.0
word_dropout = 0.0
"""


def test_what_is_written_is_what_was_read():
    assert dumps_toml(loads(WRITTEN, "a.toml")) == WRITTEN


@given(study_files)
def test_a_file_survives_toml(file):
    again = loads(dumps_toml(file), "a.toml")
    assert again == file
    assert repr(again) == repr(file)


@given(study_files)
def test_each_key_stands_on_a_line_of_its_own_and_sections_in_order(file):
    text = dumps_toml(file)
    keys = sum(len(section) for section in tomllib.loads(text).values())
    lines = text.splitlines()
    heads = ["[study]", "[data]", "[model]", "[optimizer]", "[training]"]
    heads += ["[samples]"] * file.is_text
    assert [line for line in lines if line.startswith("[")] == heads
    assert len(lines) == keys + 2 * len(heads) - 1
