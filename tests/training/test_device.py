import pytest
import torch

from a3b_tune.errors import InputError
from a3b_tune.training.device import available_cores, choose_device, describe_device

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
