"""The causal transformer: equal to PyTorch's, alone, in a stack, and token by token."""

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

from a3b_tune.models import build
from a3b_tune.models.causal_transformer import CausalTransformer
from a3b_tune.models.dropout import Dropout

WORDS, LENGTH, MEMBERS = 11, 24, 3
SETTINGS = [
    {},
    {"norm": "post", "positions": "sinusoidal", "tied": True},
    {"positions": "none", "heads": 1, "depth": 1},
]


def made(seed: int = 0, dtype: torch.dtype = torch.float64, **settings) -> CausalTransformer:
    torch.manual_seed(seed)
    sizes = {"vocabulary": WORDS, "classes": WORDS, "max_length": LENGTH}
    model = build("causal_transformer", **sizes, **{"heads": 2, "width": 12, "depth": 2} | settings)
    for parameter in model.parameters():
        if parameter.dim() == 1:  # norms and biases that do nothing would hide what is wrong
            nn.init.normal_(parameter, mean=0.5, std=0.5)
    return model.to(dtype).eval()


def text(rows: int = 4, length: int = LENGTH, seed: int = 0) -> Tensor:
    """All words, 0 too: here it is no padding."""
    return torch.randint(WORDS, (rows, length), generator=torch.Generator().manual_seed(seed))


class Theirs(nn.Module):
    """PyTorch's layers with the weights of one of ours."""

    def __init__(self, ours: CausalTransformer) -> None:
        super().__init__()
        self.ours = ours
        self.blocks = nn.ModuleList(self.layer(block) for block in ours.blocks)

    def layer(self, block: nn.Module) -> nn.TransformerEncoderLayer:
        attention = block.attention
        found = nn.TransformerEncoderLayer(
            attention.width, attention.heads, 4 * attention.width, dropout=0.0, batch_first=True,
            norm_first=block.norm == "pre", dtype=torch.float64,
        )  # fmt: skip
        weights = {
            "self_attn.in_proj_weight": attention.project.weight,
            "self_attn.in_proj_bias": attention.project.bias,
        }
        for name, own in {
            "self_attn.out_proj": attention.unify,
            "linear1": block.feed_forward[0],
            "linear2": block.feed_forward[3],
            "norm1": block.attention_norm,
            "norm2": block.feed_forward_norm,
        }.items():
            weights |= {f"{name}.weight": own.weight, f"{name}.bias": own.bias}
        found.load_state_dict(weights)
        return found

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.ours.positions(self.ours.embedding(tokens))
        mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1], dtype=x.dtype)
        for block in self.blocks:
            x = block(x, src_mask=mask)
        return self.ours.logits(x)


@pytest.mark.parametrize("settings", SETTINGS)
def test_it_equals_pytorchs_layers_with_a_causal_mask(settings):
    ours = made(**settings)
    theirs, tokens = Theirs(ours), text()
    torch.testing.assert_close(ours(tokens), theirs(tokens), rtol=0, atol=1e-12)


@pytest.mark.parametrize("settings", SETTINGS)
def test_gradients_equal_pytorchs(settings):
    ours = made(**settings)
    theirs, tokens = Theirs(ours), text()
    shared = [ours.embedding.weight, ours.last_norm.weight if settings == {} else None]
    shared = [parameter for parameter in shared if parameter is not None]
    own = torch.autograd.grad(ours(tokens).sin().sum(), shared)
    wanted = torch.autograd.grad(theirs(tokens).sin().sum(), shared)
    torch.testing.assert_close(own, wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_nothing_that_comes_later_is_seen(dtype):
    model, tokens = made(dtype=dtype), text()
    for place in (1, 7, LENGTH - 1):
        other = tokens.clone()
        other[:, place:] = (other[:, place:] + 1) % WORDS
        assert torch.equal(model(tokens)[:, :place], model(other)[:, :place])
        assert not torch.equal(model(tokens)[:, place], model(other)[:, place])


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize(("dtype", "error"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_going_on_token_by_token_gives_the_numbers_of_the_whole(settings, dtype, error):
    model, tokens = made(dtype=dtype, **settings), text()
    whole = model(tokens)
    logits, cache = model.begin(tokens[:, :5])
    torch.testing.assert_close(logits, whole[:, 4], rtol=0, atol=error)
    for place in range(5, LENGTH):
        logits, cache = model.go_on(tokens[:, place], cache)
        torch.testing.assert_close(logits, whole[:, place], rtol=0, atol=error)


def test_a_stack_goes_on_as_each_member_does():
    members = [made(seed) for seed in range(MEMBERS)]
    state = stack_module_state(members)
    tokens = torch.stack([text(2, 6, seed) for seed in range(MEMBERS)])

    class Steps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = members[0]

        def forward(self, tokens: Tensor) -> Tensor:
            _, cache = self.model.begin(tokens[:, :4])
            _, cache = self.model.go_on(tokens[:, 4], cache)
            return self.model.go_on(tokens[:, 5], cache)[0]

    named = tuple({f"model.{key}": value for key, value in part.items()} for part in state)
    logits = vmap(lambda *args: functional_call(Steps(), args[:2], args[2:]))(*named, tokens)
    for own, member, read in zip(logits, members, tokens, strict=True):
        torch.testing.assert_close(own, member(read)[:, -1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("outside", [True, False])
def test_a_stack_gives_what_each_member_gives(settings, outside):
    members = [made(seed, **settings) for seed in range(MEMBERS)]
    state = stack_module_state(members)
    read = torch.stack([text(seed=seed) for seed in range(MEMBERS)])

    def loss(parameters, buffers, tokens):
        return functional_call(members[0], (parameters, buffers), (tokens,)).sin().sum()

    if outside:
        gradients = grad(lambda *args: vmap(loss)(*args).sum())(*state, read)
    else:
        gradients = vmap(grad(loss))(*state, read)
    for k, member in enumerate(members):
        member(read[k]).sin().sum().backward()
        for key, parameter in member.named_parameters():
            torch.testing.assert_close(gradients[key][k], parameter.grad, rtol=0, atol=1e-9)


def test_tied_there_is_one_table_and_no_second():
    tied, free = made(tied=True), made()
    more = {key for key, _ in free.named_parameters()} - dict(tied.named_parameters()).keys()
    assert more == {"classify.weight", "classify.bias"}
    with torch.no_grad():
        before = tied(text())
        tied.embedding.weight[3] += 1.0
        assert not torch.equal(tied(text())[..., 3], before[..., 3])


def test_blocks_begin_by_adding_little():
    torch.manual_seed(1)
    sizes = {"vocabulary": 9, "classes": 9, "max_length": 8, "width": 64}
    shallow, deep = (build("causal_transformer", **sizes, depth=depth) for depth in (1, 9))
    for layer in (lambda b: b.attention.unify, lambda b: b.feed_forward[3]):
        first, other = (layer(model.blocks[0]).weight.detach().std() for model in (shallow, deep))
        assert 2.8 < first / other < 3.2  # sqrt(9)
    assert 0.01 < deep.embedding.weight.detach().std() < 0.03


def test_dropout_acts_in_training_alone():
    model, tokens = made(dropout=0.5), text()
    assert torch.equal(model(tokens), model(tokens))
    model.train()
    first = model(tokens)
    for layer in (part for part in model.modules() if isinstance(part, Dropout)):
        layer.key = layer.key + 1
    assert not torch.equal(first, model(tokens))


def test_a_text_that_is_too_long_is_refused():
    model = made()
    with pytest.raises(ValueError, match="25 positions in a batch, but the model has 24"):
        model(text(1, LENGTH + 1))
    _, cache = model.begin(text(1))
    with pytest.raises(ValueError, match="25 positions"):
        model.go_on(text(1, 1)[:, 0], cache)


def test_it_can_be_checked_without_its_tensors():
    with torch.device("meta"):
        model = build("causal_transformer", vocabulary=9, classes=9, max_length=8)
        assert model(torch.zeros(2, 8, dtype=torch.int64)).shape == (2, 8, 9)
    assert all(parameter.is_meta for parameter in model.parameters())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"depth": 0}, "depth 0 is not at least 1"),
        ({"norm": "prr"}, "unknown norm 'prr'; did you mean 'pre'"),
        ({"dropout": 1.0}, "dropout 1.0 is not in"),
        ({"width": 10, "heads": 4}, "width 10 does not divide into 4 heads"),
        ({"tied": True}, "tied output of 2 classes over 9 words"),
    ],
)
def test_what_cannot_be_is_named(settings, words):
    with pytest.raises(ValueError, match=words):
        CausalTransformer(vocabulary=9, classes=2, max_length=4, **settings)
