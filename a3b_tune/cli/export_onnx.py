"""The command `export-onnx`: a checkpoint's model as an ONNX file that answers as PyTorch does.

Knows how a person asks; what is made and compared is `finals/onnx_model.py`'s.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from a3b_tune.cli.options import JsonOption, OwnCodeOption
from a3b_tune.errors import InputError

SUFFIX = ".onnx"


def export_onnx(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="A folder that `a3b-tune train` wrote.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"The file; by default the folder's name with {SUFFIX}, in this folder.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file if it is there.")
    ] = False,
    own_code: OwnCodeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write a trained model as ONNX, having compared its logits with PyTorch's.

    The file takes `tokens` (batch, sequence), int64, both of any size, and gives `logits`; a row's
    end is filled with token 0. Class names, the vocabulary's sha256 and the longest row stand in
    its metadata. It is run in onnxruntime on random batches of many shapes; where a logit differs
    by more than 1e-5 (times the logit, if that is larger than 1) the exit code is 1 and no file is
    left. Needs `pip install 'a3b-tune[onnx]'`.

    Examples:

    - `a3b-tune export-onnx imdb-trial3`
    - `a3b-tune export-onnx imdb-trial3 --out served/imdb.onnx --force`
    """
    path = out or Path(checkpoint.resolve().name + SUFFIX)
    _check(path, force=force)
    from a3b_tune.finals.checkpoint import open_checkpoint
    from a3b_tune.finals.onnx_model import DiffersError, check_onnx, export, write

    check_onnx()
    try:
        made = export(open_checkpoint(checkpoint, own_code=own_code))
    except DiffersError as error:
        typer.echo(f"a3b-tune: {error}", err=True)
        raise typer.Exit(1) from None
    write(path, made.content)
    if as_json:
        about = {key: value for key, value in vars(made).items() if key != "content"}
        typer.echo(json.dumps({"file": str(path), "bytes": len(made.content), **about}, indent=2))
        return
    from a3b_tune.cli.figures import count, size

    typer.echo(f"{path}: opset {made.opset}, {size(len(made.content))}")
    typer.echo(
        f"largest difference from PyTorch {made.difference:.1e}, in"
        f" {count(made.batches, 'batch', 'batches')} of 1 to {made.longest} tokens a row"
    )


def _check(path: Path, *, force: bool) -> None:
    """Before anything is worked out."""
    if path.suffix != SUFFIX:
        raise InputError(f"--out {path}: an ONNX file ends with {SUFFIX}")
    if path.is_dir():
        raise InputError(f"--out {path}: is a folder")
    if path.exists() and not force:
        raise InputError(f"{path}: is there already; add --force to replace it, or name another")
    if not path.absolute().parent.is_dir():
        raise InputError(f"--out {path}: there is no folder {path.parent}")
