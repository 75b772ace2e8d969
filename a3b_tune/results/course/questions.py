"""The fourteen questions of assignment 3B: what each asks, what theory expects, which code answers.

The numbers are the assignment's. The wording is ours, and where the assignment's own was not at
hand so is what exactly is asked. Knows no study's trials and no page.
"""

from collections.abc import Sequence
from dataclasses import dataclass

WORDING = (
    "The numbers of the questions are those of the course's assignment; the wording is ours, and "
    "where the assignment's own was not at hand so is what exactly is asked."
)


@dataclass(frozen=True)
class Question:
    """One question. `code` names what implements it, as `module:Name.of.it`; `studies` are those
    that must be tuned for it, none where the code itself is tried out."""

    number: int
    title: str
    asks: str
    expects: str
    code: Sequence[str]
    studies: Sequence[str] = ()


_DATA = "a3b_tune.data"
_MODELS = "a3b_tune.models"
_TRAINING = "a3b_tune.training"

QUESTIONS = (
    Question(
        1,
        "Padding and conversion to tensors",
        "How do rows of unequal length become tensors, and does their padding change what a model "
        "says?",
        "Every row of a batch gets the length of its longest, filled up on the right with the "
        "index of the padding token. No token may be lost or changed, and since no model reads "
        "padding, more of it must not change an answer.",
        (f"{_DATA}.rows:Rows.from_lists", f"{_DATA}.batches:Batches._tokens"),
    ),
    Question(
        2,
        "Data loading and batches by length",
        "What is gained by cutting batches from rows that are sorted by length?",
        "A batch is as long as its longest row. In random order nearly every batch has a long row, "
        "and the others are mostly padding; among rows of about one length there is next to none. "
        "A budget of tokens, instead of rows, also makes batches cost about the same.",
        (f"{_DATA}.batches:Batches.order", f"{_DATA}.batches:_bounds"),
    ),
    Question(
        3,
        "The baseline with three pools",
        "Which pool does the baseline need on xor, synth and IMDb: mean, max or select?",
        "A mean is a sum with one term per word, which separates no exclusive-or: one of its four "
        "patterns stays wrong; and since such a sum has its least loss on an exclusive-or where it "
        "says nothing, training may well stay below even that. Select reads the first word alone, "
        "which says nothing. Max is bound by neither. On IMDb, where many words each say a little, "
        "theory knows no ceiling; mean and max should pass what the course asks for and select "
        "should stay near guessing.",
        (f"{_MODELS}.baseline:Baseline.forward", f"{_MODELS}.pools:pool"),
        ("baseline_xor", "baseline_synth", "baseline_imdb"),
    ),
    Question(
        4,
        "Simple self-attention",
        "How is self-attention without layers of its own computed, and is it what it is defined "
        "to be?",
        "Each output is a mean of all inputs, weighted by the softmax of its input's products with "
        "them. The weights of one output add up to one; the computation by matrices must give what "
        "the definition, written as a loop, gives; and inputs in another order give the same "
        "outputs in that order.",
        (f"{_MODELS}.simple_attention:SimpleAttention.forward", f"{_MODELS}.attend:attend_some"),
    ),
    Question(
        5,
        "Simple self-attention against the baseline",
        "What does simple self-attention with the select pool reach on xor and synth, and what the "
        "baseline?",
        "With the select pool the baseline reads a word that says nothing, and only attention can "
        "bring in the others. But the one query is the same in every row that matters, so the "
        "output is a mean with one term per word: like the baseline with a mean it should get "
        "three of the four patterns and never all of them, on synth too.",
        (f"{_MODELS}.simple_attention:SimpleAttention.forward",),
        ("simple_attention_xor", "simple_attention_synth", "baseline_xor", "baseline_synth"),
    ),
    Question(
        6,
        "Full self-attention: heads and scaling",
        "How are queries, keys, values and heads computed, and what is the scaling of their "
        "products for?",
        "Each head has queries, keys and values of its own, and one more layer unifies the heads: "
        "the same as PyTorch's layer on the same weights. Products of longer vectors spread more, "
        "by the root of their length; unscaled, the softmax then puts nearly all weight on one "
        "key and little gradient comes through. Divided by that root they spread alike.",
        (f"{_MODELS}.attention:SelfAttention.attend", f"{_MODELS}.attend:attend_some"),
    ),
    Question(
        7,
        "Full self-attention against simple self-attention",
        "Does full self-attention beat simple self-attention on xor and synth, and how many heads "
        "does it need?",
        "With one head the output is still a mean with one term per word and should stay where "
        "simple self-attention stays. Each further head divides by a sum of its own, which breaks "
        "that apart: with several heads every row can be right.",
        (f"{_MODELS}.full_attention:FullAttention.attend",),
        (
            *("full_attention_xor", "full_attention_synth"),
            *("simple_attention_xor", "simple_attention_synth"),
        ),
    ),
    Question(
        8,
        "Positions on and off",
        "Do position embeddings let simple self-attention solve xor?",
        "Without positions a mixed row gives a mean of what the two equal rows give, so it cannot "
        "lie on the far side of both. With a vector for each position the equal rows are means of "
        "two different vectors themselves, and all four rows can be told apart.",
        (f"{_MODELS}.positions:Positions.forward",),
        ("positions_xor",),
    ),
    Question(
        9,
        "Transformer blocks on IMDb",
        "Do transformer blocks come up to the tuned baseline on IMDb?",
        "Theory knows no ceiling here. Nothing is pre-trained and there are few reviews, so a "
        "model that knows the order of words has little to learn it from: it should come near the "
        "baseline, for many times its time.",
        (f"{_MODELS}.block:Block.forward", f"{_MODELS}.transformer:Transformer.forward"),
        ("transformer_imdb", "baseline_imdb"),
    ),
    Question(
        10,
        "Random windows of a text",
        "How is a batch of random windows cut out of a long text, and how quickly?",
        "The targets are the inputs one token on. All windows of a batch can be taken in one "
        "operation from a view of the text that holds each window there is and copies none; a loop "
        "over windows must give the same tokens, more slowly.",
        (f"{_DATA}.windows:all_windows", f"{_DATA}.windows:take"),
    ),
    Question(
        11,
        "Causal masking",
        "Does any output see what comes after it?",
        "With the mask an output hangs on its own input and those before it alone: its gradient "
        "with respect to every later input is exactly zero, not merely small. Without the mask it "
        "is not. The result must be PyTorch's own causal attention.",
        (f"{_MODELS}.causal:CausalAttention.forward", f"{_MODELS}.causal_op:by_pytorch"),
    ),
    Question(
        12,
        "Bits per character",
        "How many bits does a character model need for the next character, and how near is that "
        "to what the source allows?",
        "The text is drawn from a known grammar, so its entropy is known and no model can be below "
        "it for long. A model without context needs far more bits; a transformer should come near "
        "the grammar's own predictor on the very same characters, and the nearer the longer it "
        "learns.",
        (f"{_TRAINING}.bits:window_bits", f"{_TRAINING}.bits:mean_and_error"),
        ("toy",),
    ),
    Question(
        13,
        "Samples as bits fall",
        "How does what the model writes change while its bits fall?",
        "First come letters in the right shares, then words, then sentences of the grammar, and "
        "last brackets that are closed again. The share of sentences that the grammar can produce "
        "should rise as the bits fall.",
        (f"{_TRAINING}.sampling:sample",),
        ("toy",),
    ),
    Question(
        14,
        "Loss, gradient norm and warm-up",
        "How do loss and gradient norm go over the steps, and what does a warm-up of the learning "
        "rate change?",
        "The loss falls steeply, then slowly. The gradient's norm is largest in the first steps, "
        "where Adam's estimates are still poor: that is where a high rate does harm, and where a "
        "warm-up lets it be reached. At a low rate a warm-up only costs some time.",
        (f"{_TRAINING}.schedule:rate_factor", f"{_TRAINING}.gradients:clip_gradients"),
        ("toy", "warmup"),
    ),
)
"""In order."""
