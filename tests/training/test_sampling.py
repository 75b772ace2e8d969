"""Text that is sampled: by settings, by seed, and the same with what was read kept or read anew."""

import pytest
import torch

from a3b_tune.data.alphabet import Alphabet
from a3b_tune.errors import InputError
from a3b_tune.models import build
from a3b_tune.training import Stopped
from a3b_tune.training.sampling import check_sampling, choose, sample, seed_tokens

LONGEST = 16
SIZES = {"vocabulary": 12, "classes": 12, "max_length": LONGEST}


def model(dtype=torch.float32, **settings):
    torch.manual_seed(3)
    made = build(
        "causal_transformer", **SIZES, heads=2, head_width=4, embedding_std=1.0, **settings
    )
    return made.to(dtype)


def written(model, *, length=60, seed=((1, 2, 3), (4, 5, 6)), number=7, **settings):
    given = {"temperature": 1.0, "top_k": 0, **settings}
    generator = torch.Generator().manual_seed(number)
    return sample(
        model, torch.tensor(seed), length, longest=LONGEST, generator=generator, **given
    ).tolist()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "none"])
@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_with_the_keys_and_values_kept_it_is_the_same_text(dtype, positions, temperature):
    """Past the point where what is in view is cut, several times."""
    one = model(dtype, positions=positions)
    kept = written(one, temperature=temperature, cached=True)
    assert kept == written(one, temperature=temperature, cached=False)
    assert len(kept[0]) > 3 * LONGEST


def test_texts_side_by_side_are_each_their_own():
    one = model(torch.float64)
    both = written(one, temperature=0.0)
    assert both == [written(one, temperature=0.0, seed=[own])[0] for own in [(1, 2, 3), (4, 5, 6)]]
    assert both[0] != both[1]


def test_the_generator_decides_and_nothing_else():
    one = model()
    torch.manual_seed(0)
    first = written(one)
    torch.manual_seed(1)
    assert written(one) == first
    assert written(one, number=8) != first


def test_at_temperature_0_or_with_one_to_choose_from_it_is_the_likeliest():
    one = model(torch.float64)
    tokens, likeliest = [1, 2, 3], []
    for _ in range(LONGEST - 3):
        with torch.no_grad():
            likeliest.append(int(one.eval()(torch.tensor([tokens]))[0, -1].argmax()))
        tokens.append(likeliest[-1])
    for settings in ({"temperature": 0.0}, {"top_k": 1}, {"temperature": 1e-300}):
        found = written(one, seed=[(1, 2, 3)], length=LONGEST - 3, **settings)
        assert found == [likeliest]


def test_a_seed_longer_than_the_model_reads_is_read_from_its_end():
    one = model(torch.float64)
    seed = [token % 12 for token in range(40)]
    assert written(one, seed=[seed]) == written(one, seed=[seed[-LONGEST:]])


def test_dropout_is_off_and_the_model_is_left_as_it_was():
    noisy = model(dropout=0.5)
    assert written(noisy) == written(noisy)
    assert noisy.training


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, [0.1, 0.2, 0.3, 0.4]),
        ({"top_k": 2}, [0.0, 0.0, 3 / 7, 4 / 7]),
        ({"top_k": 9}, [0.1, 0.2, 0.3, 0.4]),
        ({"temperature": 0.5}, [1 / 30, 4 / 30, 9 / 30, 16 / 30]),
    ],
)
def test_tokens_come_as_often_as_they_should(settings, wanted):
    """Noise that is evenly spread gives the probabilities themselves."""
    count = 10_000
    noise = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    logits = torch.tensor([0.1, 0.2, 0.3, 0.4]).double().log().expand(count, 4) + 5.0
    given = {"temperature": 1.0, "top_k": 0, **settings}
    shares = choose(logits, noise, **given).bincount(minlength=4) / count
    assert shares.tolist() == pytest.approx(wanted, abs=2e-4)


def test_a_token_of_no_probability_never_comes():
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf]]).expand(2, 3)
    noise = torch.tensor([0.0, 1.0 - 2**-53], dtype=torch.float64)
    assert choose(logits, noise, 1.0, 0).tolist() == [1, 1]


def test_nothing_to_write_is_nothing():
    assert written(model(), length=0) == [[], []]


def test_it_stops_when_asked():
    with pytest.raises(Stopped):
        written(model(), should_stop=lambda: True)


@pytest.mark.parametrize(
    ("temperature", "top_k", "told"),
    [(-0.5, 0, "temperature: -0.5"), (float("nan"), 0, "temperature: nan"), (1.0, -3, "top_k: -3")],
)
def test_what_cannot_be_sampled_is_told_in_one_line(temperature, top_k, told):
    with pytest.raises(InputError, match=told) as caught:
        check_sampling(temperature, top_k)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError):
        written(model(), temperature=temperature, top_k=top_k)


def test_a_seed_is_characters_that_the_alphabet_knows():
    letters = Alphabet(tuple("abc"))
    assert seed_tokens(letters, "cab").tolist() == [[2, 0, 1]]
    with pytest.raises(InputError, match="seed text: character 2, 'X'"):
        seed_tokens(letters, "aXb")
    with pytest.raises(InputError, match="empty"):
        seed_tokens(letters, "")
