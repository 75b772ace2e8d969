import pytest
import torch

from a3b_tune.data.load import load
from a3b_tune.errors import InputError
from a3b_tune.starting import available_cores
from a3b_tune.training import PlainLearner, Prepared
from a3b_tune.training.device import (
    check_precision,
    choose_device,
    describe_device,
)
from a3b_tune.training.stacked import StackedLearner
from tests.training.conftest import recipe
from tests.training.test_stacked import shape_of

no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")


def test_cpu_is_always_there():
    assert choose_device("cpu") == torch.device("cpu")
    assert "cpu" in describe_device(torch.device("cpu"))
    assert available_cores() >= 1


@no_gpu
def test_auto_takes_the_cpu_where_there_is_no_gpu():
    assert choose_device("auto").type == "cpu"


@no_gpu
@pytest.mark.parametrize("asked", ["cuda", "cuda:0", "cuda:3"])
def test_a_gpu_that_is_not_there_is_refused_with_the_way_out(asked):
    with pytest.raises(InputError, match=rf"--device {asked}: no GPU .* --device cpu"):
        choose_device(asked)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_auto_takes_a_gpu():
    assert choose_device("auto").type == "cuda"


@pytest.mark.parametrize("asked", ["gpu", "cudaa", "cpu:x", "auto:1", ""])
def test_another_word_is_refused_with_the_right_ones(asked):
    with pytest.raises(InputError, match=r"unknown device .* \(known: auto, cpu, cuda"):
        choose_device(asked)


def test_precisions_of_a_gpu_are_refused_on_a_cpu_and_unknown_ones_everywhere():
    cpu = torch.device("cpu")
    for known in ("auto", "float32"):
        check_precision(known, cpu)
    check_precision("bfloat16", torch.device("cuda"))
    with pytest.raises(InputError, match="--precision tf32: needs a GPU"):
        check_precision("tf32", cpu)
    with pytest.raises(InputError, match=r"unknown precision 'bfloat61'.*bfloat16"):
        check_precision("bfloat61", cpu)


def test_bfloat16_computes_the_models_so_and_learns():
    """On the CPU, where it is slow but there: the same code as on a GPU."""
    prepared = Prepared(load("xor"), torch.device("cpu"), "bfloat16")
    wanted = recipe(model__name="full_attention", optimizer__lr=1e-2, training__batch_size=128)
    learner = StackedLearner(shape_of(wanted), prepared, 2)
    learner.add(wanted)
    assert next(iter(learner.epoch().values())).value == 1.0
    assert next(PlainLearner(wanted, prepared).epochs()).value == 1.0
