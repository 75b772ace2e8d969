"""The files that workers and people have put beside studies and trials.

Knows no request and no trial.
"""

from pathlib import Path
from typing import BinaryIO

from optuna.artifacts import FileSystemArtifactStore
from optuna.artifacts.exceptions import ArtifactNotFound


class Artifacts:
    """Optuna's store in a folder, but one that is made when it is needed, and in which a file that
    is gone can be taken away: a study could else not be deleted any more."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._store = FileSystemArtifactStore(folder)

    def open_reader(self, artifact_id: str) -> BinaryIO:
        return self._store.open_reader(artifact_id)

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._store.write(artifact_id, content_body)

    def remove(self, artifact_id: str) -> None:
        try:
            self._store.remove(artifact_id)
        except ArtifactNotFound:
            return
