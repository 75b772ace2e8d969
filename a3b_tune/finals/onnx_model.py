"""A model as an ONNX file that has been compared with PyTorch: the one file that imports onnx and
onnxruntime.

What PyTorch's tracing exporter makes is small and made in a moment, but it writes down the ways it
saw taken: of a model that asks for a batch's shape they may be wrong for another one. So every file
is run on batches of many shapes, and where the numbers differ PyTorch's newer exporter has a try.
Knows no command. Letters: B batch, T positions, V vocabulary.
"""

import json
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from a3b_tune.data.vocabulary import PAD
from a3b_tune.errors import InputError
from a3b_tune.models.plainly import plainly

if TYPE_CHECKING:
    from a3b_tune.finals.checkpoint import Checkpoint

OPSET = 18  # the oldest that both of PyTorch's exporters write
TOLERANCE = 1e-5  # times the logit, where that is larger than 1
LENGTH = 12  # of the rows that the exporter sees
LENGTHS = (1, 2, 3, 8, 9, 33, 128)  # of the rows compared, and the longest that the model reads
BATCHES = (1, 2, 5)
MOST = 2**16  # tokens in a batch that is compared: a model of long texts squares them
NEEDED = "onnx: needs the onnx extra: pip install 'a3b-tune[onnx]'"


class DiffersError(Exception):
    """No exporter made a file that answers as the model does."""


@dataclass(frozen=True)
class Exported:
    """A file's bytes, and the largest difference found in so many batches; relative to the logit
    where that is larger than 1."""

    content: bytes
    opset: int
    difference: float
    batches: int
    longest: int


def check_onnx() -> None:
    """InputError in one line where the packages that are needed are not installed."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError:
        raise InputError(NEEDED) from None


def export(checkpoint: "Checkpoint") -> Exported:
    """The checkpoint as ONNX: `tokens` (batch, sequence) int64 to `logits`, float32.

    :raises InputError: the onnx extra is missing.
    :raises DiffersError: what was made does not answer as the model does.
    """
    check_onnx()
    model, text = checkpoint.model.float().eval(), checkpoint.alphabet is not None
    batches = list(_batches(_vocabulary(checkpoint), checkpoint.longest, padded=not text))
    with torch.no_grad():
        wanted = [model(tokens) for tokens in batches]
    told = ""
    for exporter in (_traced, _captured):
        try:
            content = _with_facts(exporter(model, batches[-1], text), _facts(checkpoint))
            difference = largest_difference(content, batches, wanted)
        except Exception as error:  # noqa: BLE001  an exporter may fail in any way
            told = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            continue
        if difference <= TOLERANCE:
            lengths = {tokens.shape[1] for tokens in batches}
            return Exported(content, OPSET, difference, len(batches), max(lengths))
        told = f"its logits differ from PyTorch's by {difference:.1e}, more than {TOLERANCE:.0e}"
    raise DiffersError(f"{checkpoint.path}: no ONNX file can be made of this model: {told}")


def largest_difference(content: bytes, batches: list[Tensor], wanted: list[Tensor]) -> float:
    """What onnxruntime makes of batches (B, T) against the logits that were wanted, relative to a
    logit where that is larger than 1."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised
    # As many threads as PyTorch has: onnxruntime would count the machine's cores itself.
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    worst = 0.0
    for tokens, logits in zip(batches, wanted, strict=True):
        found = torch.from_numpy(session.run(None, {"tokens": tokens.numpy()})[0])
        if found.shape != logits.shape:
            raise ValueError(f"logits of shape {list(found.shape)}, not {list(logits.shape)}")
        apart = (found - logits).abs() / logits.abs().clamp(min=1.0)
        if not bool(apart.isfinite().all()):
            return float("inf")
        worst = max(worst, float(apart.max()))
    return worst


def _batches(vocabulary: int, longest: int, *, padded: bool) -> Iterator[Tensor]:
    """Random rows of many shapes; last, the one that an exporter is shown."""
    generator = torch.Generator().manual_seed(0)
    lengths = sorted({length for length in LENGTHS if length < longest} | {min(longest, MOST)})
    shapes = [(batch, length) for length in lengths for batch in BATCHES]
    shapes = [(batch, length) for batch, length in shapes if batch == 1 or length**2 * batch < MOST]
    for batch, length in [*shapes, (2, min(LENGTH, longest))]:
        least = PAD + 1 if padded and vocabulary > 1 else 0
        tokens = torch.randint(least, vocabulary, (batch, length), generator=generator)
        if padded:
            for row in range(1, batch):
                tokens[row, 1 + (row * length) // (batch + 1) :] = PAD
        yield tokens


def _traced(model: nn.Module, tokens: Tensor, text: bool) -> bytes:
    """By the exporter that records what a forward does."""
    named = {0: "batch", 1: "sequence"}
    with TemporaryDirectory() as folder, _quietly(), plainly(), torch.no_grad():
        made = Path(folder) / "model.onnx"
        torch.onnx.export(
            model,
            (tokens,),
            str(made),
            dynamo=False,
            opset_version=OPSET,
            input_names=["tokens"],
            output_names=["logits"],
            dynamic_axes={"tokens": named, "logits": named if text else {0: "batch"}},
        )
        return made.read_bytes()


def _captured(model: nn.Module, tokens: Tensor, text: bool) -> bytes:
    """By the exporter that reads what a forward means; a hundred times slower, it needs
    onnxscript."""
    free = torch.export.Dim.DYNAMIC
    with _quietly(), plainly(), torch.no_grad():
        program: Any = torch.onnx.export(
            model,
            (tokens,),
            dynamo=True,
            opset_version=OPSET,
            input_names=["tokens"],
            output_names=["logits"],
            dynamic_shapes=({0: free, 1: free},),
            verbose=False,
        )
    content: bytes = program.model_proto.SerializeToString()
    return content


@contextmanager
def _quietly() -> Iterator[None]:
    """Exporters talk on all channels; what matters is raised. PyTorch's fused layers, which no
    exporter knows, are left aside."""
    fused = torch.backends.mha.get_fastpath_enabled()
    disabled = logging.root.manager.disable
    torch.backends.mha.set_fastpath_enabled(False)
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            redirect_stdout(StringIO()),
            redirect_stderr(StringIO()),
            _no_native_stderr(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        torch.backends.mha.set_fastpath_enabled(fused)


@contextmanager
def _no_native_stderr() -> Iterator[None]:
    """The exporter's C++ writes to the descriptor itself."""
    sys.__stderr__.flush() if sys.__stderr__ else None
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _vocabulary(checkpoint: "Checkpoint") -> int:
    size: int = checkpoint.config["sizes"]["vocabulary"]
    return size


def _facts(checkpoint: "Checkpoint") -> dict[str, str]:
    """What whoever runs the file must know, as ONNX keeps it: words."""
    config = checkpoint.config
    rows = checkpoint.alphabet is None
    return {
        "producer": f"a3b-tune {config['a3b-tune']}",
        "model": json.dumps(dict(checkpoint.settings), sort_keys=True),
        "class_names": json.dumps(list(checkpoint.class_names), ensure_ascii=False),
        "vocabulary_sha256": config["files"]["vocabulary.json"],
        "data": checkpoint.data,
        "longest": str(checkpoint.longest),
        **({"padding": str(PAD)} if rows else {}),
        **({"max_words": str(checkpoint.max_words)} if checkpoint.max_words else {}),
    }


def _with_facts(content: bytes, facts: Mapping[str, str]) -> bytes:
    """The file with facts about it, having been looked through by onnx's checker."""
    import onnx

    model = onnx.load_from_string(content)
    onnx.helper.set_model_props(model, dict(facts))
    onnx.checker.check_model(model, full_check=True)
    made: bytes = model.SerializeToString()
    return made


def write(path: Path, content: bytes) -> None:
    """The whole file or none.

    :raises InputError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    finally:
        beside.unlink(missing_ok=True)
