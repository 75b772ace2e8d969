import torch

from a3b_tune.training import Prepared


def test_the_same_cut_is_prepared_once(xor):
    assert xor.cut(None) is xor.cut(None)


def test_validation_is_distinct_rows_that_count_for_all(xor):
    part = xor.cut(None)
    counts = sum(int(counts.sum()) for _, _, counts in part.validation)
    assert part.distinct_rows == 4
    assert counts == part.validation_rows == 25_000


def test_a_cut_leaves_so_many_tokens(synth):
    part = synth.cut(3)
    assert part.longest == 3
    assert all(tokens.shape[1] <= 3 for tokens, _, _ in part.validation)
    assert synth.cut(None).longest == 6


def test_training_rows_are_all_there(synth):
    assert len(synth.cut(None).train) == len(synth.dataset.train) == 2000
    assert isinstance(synth, Prepared)
    assert synth.cut(None).train.tokens.device == torch.device("cpu")
