"""Secrets: the key that signs sessions and tokens, and texts that nobody can guess.

The signing key is a file of its own beside the catalog, so that a backup of the catalog does not
hold it; a store that is restored without it makes a new one, and everybody signs in again.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from werkzeug.security import check_password_hash, generate_password_hash

from pipeline.errors import AccessError, StoreError

KEY_FILE = "secret.key"
KEY_BYTES = 32
SHORTEST, LONGEST = 10, 200
METHOD = "scrypt:32768:8:1"


def signing_key(data_dir: Path) -> bytes:
    """The key of the store, made where there is none; only its owner may read the file."""
    path = data_dir / KEY_FILE
    try:
        if not path.exists():
            _make(path)
        key = path.read_bytes()
    except OSError as error:
        fix = "check that the folder of the store is writable"
        raise StoreError(f"The key of sessions can't be used: {error}.", str(path), fix) from error
    if len(key) != KEY_BYTES:
        fix = "delete the file: a new one is made, and everybody signs in again"
        raise StoreError("The key of sessions is damaged.", str(path), fix)
    return key


def _make(path: Path) -> None:
    """Of two processes that make one at once, the first one's counts."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f"{KEY_FILE}.{secrets.token_hex(8)}")
    with open(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(os.urandom(KEY_BYTES))
        os.fsync(file.fileno())
    try:
        os.link(unfinished, path)
    except FileExistsError:
        return
    finally:
        unfinished.unlink()


def new_secret(prefix: str = "") -> str:
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is kept of a secret made by `new_secret`: it has 256 bits, so no salt is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def hashed(password: str) -> str:
    """Raises `AccessError` for one that is too short, or so long that hashing it is an attack."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccessError(
            f"A password has {SHORTEST} to {LONGEST} characters, not {len(password)}.",
            "several words are easier to keep than signs",
        )
    return generate_password_hash(password, METHOD)


#: Checked where there is no password, so that the time of an answer does not tell who is known.
_NOBODY = (
    "scrypt:32768:8:1$o8TzKp3kXWq1n0Zr$"
    "4f1dd2ed8f6e2a9c63a2bd4e39c0b6f8e3f6a1b7c5d2904ab3f5c0e7d8196a2b"
    "0c7e5f3a1d9b8264e7f0c3a5b1d2968e4f7a0c3b5d1e2f6987a4c0b3e5d1f2a6"
)


def fits(password: str, stored: str | None) -> bool:
    if len(password) > LONGEST:
        return False
    same = check_password_hash(stored or _NOBODY, password)
    return same and stored is not None
