"""Artifacts of trials: files that are too large for an attribute, listed as Optuna lists them.
One that changes as its trial goes on keeps its id.

A folder that cannot be written costs the trial nothing but the file. Knows nothing of what is in
one.
"""

import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from io import BytesIO
from urllib.parse import unquote

from optuna.artifacts import ArtifactMeta, FileSystemArtifactStore
from sqlalchemy.engine import make_url

from a3b_tune.storage.artifacts import artifact_folder
from a3b_tune.tuning.studies import StoredStudy

# The system attribute by which Optuna knows an artifact.
ARTIFACT = "artifacts:"
# What the model of a trial is called among its artifacts.
MODEL = "model.safetensors"


def keep_text(stored: StoredStudy, name: str, text: str) -> dict[str, str]:
    """Keeps a text as an artifact, without the storage's secrets.

    :returns: what is to be noted of the trial; nothing where it could not be kept.
    """
    content = without_secrets(text, stored.storage.url).encode()
    try:
        return keep_bytes(stored, name, content, "text/plain")
    except OSError:
        return {}


def keep_bytes(
    stored: StoredStudy, name: str, content: bytes, mimetype: str, artifact_id: str | None = None
) -> dict[str, str]:
    """Keeps an artifact, in place of an earlier one where its id is given; whoever reads that one
    finds the whole of the one or of the other.

    :returns: what is to be noted of the trial.
    :raises OSError: it could not be kept.
    """
    folder = artifact_folder(stored.storage.url)
    meta = ArtifactMeta(artifact_id or str(uuid.uuid4()), name, mimetype, None)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{meta.artifact_id}.{os.getpid()}.part"
    try:
        FileSystemArtifactStore(folder).write(part.name, BytesIO(content))
        part.replace(folder / meta.artifact_id)
    finally:
        part.unlink(missing_ok=True)
    return {f"{ARTIFACT}{meta.artifact_id}": json.dumps(asdict(meta))}


def kept(notes: Mapping[str, str], name: str) -> str | None:
    """The id of the artifact of that name among a trial's notes; None where there is none."""
    metas = [json.loads(note) for key, note in notes.items() if key.startswith(ARTIFACT)]
    return next((str(m["artifact_id"]) for m in metas if m.get("filename") == name), None)


def without_secrets(text: str, url: str) -> str:
    """A text in which neither the URL's password stands nor what it was typed as."""
    try:
        password = make_url(url).password
    except ValueError:
        return text
    typed = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    for secret in (str(password or ""), typed, unquote(typed)):
        text = text.replace(secret, "***") if secret else text
    return text
