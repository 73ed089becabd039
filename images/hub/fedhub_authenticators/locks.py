"""One thing at a time for one person: a refresh token may be good for one use only."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


def per_user(name: str) -> asyncio.Lock:
    """Return the lock of a user of the hub; it lives as long as somebody holds or awaits it."""
    lock = _locks.get(name)
    if lock is None:
        lock = _locks[name] = asyncio.Lock()
    return lock
