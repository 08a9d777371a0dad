"""Folders whose names survive a power cut."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make it, and those above it that are missing. What is synced in it later is lost all the
    same if the folder itself is, so that is synced first."""
    make_folders([folder], mode)


def make_folders(folders: Iterable[Path], mode: int = 0o777) -> None:
    """Make many; what they are in is synced once."""
    above = set[Path]()
    for folder in folders:
        if not folder.is_dir():
            make_folder(folder.parent)
            folder.mkdir(mode, exist_ok=True)
            above.add(folder.parent)
    for folder in above:
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make what was made, renamed or deleted in the folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
