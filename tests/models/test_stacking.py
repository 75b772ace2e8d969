"""Models of one shape as one: under functional_call and vmap each is what it is alone."""

import pytest
import torch
from torch.func import functional_call, grad, stack_module_state, vmap

from tests.models.examples import label, model, tokens, variants

MEMBERS = 3
pytestmark = pytest.mark.filterwarnings(
    "ignore:There is a performance drop because we have not yet implemented the batching rule"
)


@pytest.mark.parametrize("length", [2, 6, 12])
@pytest.mark.parametrize("variant", variants(), ids=label)
def test_a_stack_gives_what_each_member_gives(variant, length):
    name, settings = variant
    members = [model(name, seed=seed, **settings) for seed in range(MEMBERS)]
    state = stack_module_state(members)
    read = torch.stack([tokens(5, length, seed) for seed in range(MEMBERS)])

    def loss(parameters, buffers, tokens):
        logits = functional_call(members[0], (parameters, buffers), (tokens,))
        return logits.sin().sum(), logits

    gradients, logits = vmap(grad(loss, has_aux=True))(*state, read)
    for k, member in enumerate(members):
        alone = member(read[k])
        torch.testing.assert_close(logits[k], alone, rtol=0, atol=1e-12)
        alone.sin().sum().backward()
        for key, parameter in member.named_parameters():
            torch.testing.assert_close(gradients[key][k], parameter.grad, rtol=0, atol=1e-11)


@pytest.mark.parametrize("variant", variants(), ids=label)
def test_one_backward_reaches_every_member(variant):
    name, settings = variant
    members = [model(name, seed=seed, **settings) for seed in range(MEMBERS)]
    parameters, buffers = stack_module_state(members)
    read = tokens()

    def run(parameters, buffers):
        return functional_call(members[0], (parameters, buffers), (read,))

    vmap(run)(parameters, buffers).sin().sum().backward()
    for k, member in enumerate(members):
        member(read).sin().sum().backward()
        for key, parameter in member.named_parameters():
            torch.testing.assert_close(parameters[key].grad[k], parameter.grad, rtol=0, atol=1e-11)
