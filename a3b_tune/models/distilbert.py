"""DistilBERT with a linear layer on its first position (Sanh et al. 2019), from weights that others
have trained.

The only file that needs transformers, of the extra `pretrained`, and only where a model is built.
Knows no text: tokens come from the tokenizer that lies beside the weights. Letters: B batch, T
positions, C channels.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from a3b_tune.errors import InputError
from a3b_tune.models.dropout import Dropout
from a3b_tune.models.pretrained import WEIGHTS, checkpoint_folder, read_configuration

# Its numbers are those of the others to 1e-6, and it can be exported as it stands.
ATTENTION = "eager"
# What a configuration must say for the same body to be built again.
BODY = (
    "vocab_size", "max_position_embeddings", "sinusoidal_pos_embds", "n_layers", "n_heads", "dim",
    "hidden_dim", "dropout", "attention_dropout", "activation", "pad_token_id",
)  # fmt: skip


class DistilBert(nn.Module):
    """`tokens` (B, T) int64 with 0 for padding to logits (B, classes); a row begins with [CLS].

    `checkpoint` is a folder with `config.json`, `model.safetensors` and `tokenizer.json`, or a name
    that is looked up in the cache and fetched if it is not there. `freeze` trains the linear layer
    alone: the body then runs as it does when it answers. `dropout` is that of the linear layer's
    input; the body has its configuration's own. Under `torch.device("meta")` only the settings are
    checked, as files need not be here yet. ValueError: dropout outside [0, 1), rows that are longer
    than the body reads; InputError: a checkpoint that cannot be had or read.
    """

    stacks: ClassVar[bool] = False

    def __init__(
        self,
        *,
        vocabulary: int,
        classes: int,
        max_length: int,
        checkpoint: str = "distilbert-base-uncased",
        freeze: bool = False,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.rate = float(dropout)
        self.dropout = Dropout(self.rate)
        if torch.get_default_device().type == "meta":
            return
        folder = checkpoint_folder(checkpoint)
        configuration = read_configuration(folder)
        longest = configuration["max_position_embeddings"]
        if max_length > longest:
            raise ValueError(f"{checkpoint} reads {longest} tokens, not {max_length}")
        # Before the body, whose own start draws numbers too.
        self.classify = nn.Linear(configuration["dim"], classes)
        self._put(_loaded_body(folder), freeze)
        if vocabulary > (known := self.body.config.vocab_size):
            raise ValueError(f"{checkpoint} knows {known} tokens, its tokenizer {vocabulary}")

    def _put(self, body: Any, freeze: bool) -> None:  # noqa: ANN401
        """The body, with a key for its noise: a layer that drops nothing itself."""
        self.body, self.freeze = body, freeze
        body.requires_grad_(not freeze)
        own = max(body.config.dropout, body.config.attention_dropout)
        self.noise = Dropout(0.0 if freeze else float(own))
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if self.freeze:
            self.body.eval()
        return self

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) to (B, classes)."""
        with self._seeded(tokens.device):
            states = self.body(input_ids=tokens, attention_mask=(tokens != 0).long())
        logits: Tensor = self.classify(self.dropout(states.last_hidden_state[:, 0]))
        return logits

    def attention_weights(self, tokens: Tensor) -> Tensor:
        """(B, T): where the first position, which alone is read, looks in the last layer, as the
        mean of its heads; 0 on padding."""
        mask = (tokens != 0).long()
        states = self.body(input_ids=tokens, attention_mask=mask, output_attentions=True)
        weights: Tensor = states.attentions[-1][:, :, 0].mean(1)
        return weights

    def _seeded(self, device: torch.device) -> AbstractContextManager[None]:
        """The body drops by PyTorch's generators: within this they start from this step's key, so
        that a trial sees the same noise whenever it is run again."""
        if not self.noise.drops:
            return nullcontext()
        return _generators_from(int(self.noise.key), device)

    def configuration(self) -> dict[str, Any]:
        """What `from_configuration` needs, as plain JSON."""
        body = {name: getattr(self.body.config, name) for name in BODY}
        return {"body": body, "freeze": self.freeze, "dropout": self.rate}

    @classmethod
    def from_configuration(cls, configuration: Mapping[str, Any], classes: int) -> "DistilBert":
        """The model that a configuration tells of, with weights that mean nothing. Fetches and
        reads no file. ValueError for a configuration that cannot be."""
        body = configuration["body"]
        if set(body) != set(BODY):
            raise ValueError("a configuration with other keys")
        model = cls.__new__(cls)
        nn.Module.__init__(model)
        model.rate = float(configuration["dropout"])
        model.dropout = Dropout(model.rate)
        model.classify = nn.Linear(body["dim"], classes)
        model._put(_empty_body(body), bool(configuration["freeze"]))
        return model


@contextmanager
def _generators_from(key: int, device: torch.device) -> Iterator[None]:
    """PyTorch's generators, started from a key; behind it they are as they were."""
    with torch.random.fork_rng([] if device.type == "cpu" else [device]):
        torch.manual_seed(key)
        yield


def _transformers() -> Any:  # noqa: ANN401
    """The package, silent: its bars and warnings would tear the display."""
    package: Any = import_module("transformers")
    package.utils.logging.set_verbosity_error()
    package.utils.logging.disable_progress_bar()
    return package


def _loaded_body(folder: Path) -> Any:  # noqa: ANN401
    """The body with the weights that lie in a folder. InputError: they are not all there."""
    kind = _transformers().DistilBertModel
    try:
        body, found = kind.from_pretrained(
            folder,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
            attn_implementation=ATTENTION,
            dtype=torch.get_default_dtype(),
        )
    except (OSError, RuntimeError, ValueError, KeyError, SafetensorError) as error:
        first_line = str(error).strip().partition("\n")[0]
        raise InputError(f"model.checkpoint: {folder}: cannot be loaded ({first_line})") from error
    if missing := sorted(found["missing_keys"]):
        raise InputError(
            f"model.checkpoint: {folder}: {WEIGHTS} has no {missing[0]!r}, and is no DistilBERT's"
        )
    return body


def _empty_body(configuration: Mapping[str, Any]) -> Any:  # noqa: ANN401
    package = _transformers()
    asked = package.DistilBertConfig(**configuration, attn_implementation=ATTENTION)
    return package.DistilBertModel(asked)
