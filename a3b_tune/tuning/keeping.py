"""Artifacts of trials: files that are too large for an attribute, listed as Optuna lists them.

A folder that cannot be written costs the trial nothing but the file. Knows nothing of what is in
one.
"""

import json
import uuid
from dataclasses import asdict
from io import BytesIO
from urllib.parse import unquote

from optuna.artifacts import ArtifactMeta, FileSystemArtifactStore
from sqlalchemy.engine import make_url

from a3b_tune.storage.artifacts import artifact_folder
from a3b_tune.tuning.studies import StoredStudy

# The system attribute by which Optuna knows an artifact.
ARTIFACT = "artifacts:"


def keep_text(stored: StoredStudy, name: str, text: str) -> dict[str, str]:
    """Keeps a text as an artifact, without the storage's secrets.

    :returns: what is to be noted of the trial; nothing where it could not be kept.
    """
    folder = artifact_folder(stored.storage.url)
    meta = ArtifactMeta(str(uuid.uuid4()), name, "text/plain", None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        content = BytesIO(without_secrets(text, stored.storage.url).encode())
        FileSystemArtifactStore(folder).write(meta.artifact_id, content)
    except OSError:
        return {}
    return {f"{ARTIFACT}{meta.artifact_id}": json.dumps(asdict(meta))}


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
