"""Inserts beside each other: a few threads, each with a connection of its own, that store blocks.

The loop starts blocks and collects how they ended; it alone talks to Kafka, and never starts two blocks of one partition. The
threads are daemons: an insert that hangs does not hold up the end of the process, and its block is repeated by whoever comes.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from sinks.storing.block import Block


class Ended(msgspec.Struct, frozen=True):
    """How one block's insert ended: how many of its records became dead letters, or what stopped it."""

    block: Block
    seconds: float
    refused: int = 0
    error: BaseException | None = None


class Inserts(Protocol):
    """What the loop needs: where blocks go, a few at once."""

    @property
    def at_once(self) -> int: ...
    def start(self, block: Block) -> None: ...
    def ended(self, wait_s: float) -> list[Ended]:
        """Those that have ended; waits for the first of them."""


class InsertThreads:
    """`stores` are what the threads call, one each: they store a block and return how many records were refused."""

    def __init__(self, name: str, stores: Sequence[Callable[[Block], int]]) -> None:
        self._started: queue.SimpleQueue[Block | None] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, args=(store,), name=f"{name}-insert", daemon=True)
            for store in stores
        ]
        for thread in self._threads:
            thread.start()

    @property
    def at_once(self) -> int:
        return len(self._threads)

    def start(self, block: Block) -> None:
        self._started.put(block)

    def ended(self, wait_s: float) -> list[Ended]:
        found: list[Ended] = []
        try:
            found.append(self._ended.get(timeout=wait_s) if wait_s > 0 else self._ended.get_nowait())
            while True:
                found.append(self._ended.get_nowait())
        except queue.Empty:
            return found

    def close(self) -> None:
        """No more blocks; does not wait for those that run."""
        for _ in self._threads:
            self._started.put(None)

    def _work(self, store: Callable[[Block], int]) -> None:
        while (block := self._started.get()) is not None:
            self._ended.put(_outcome(store, block))


def _outcome(store: Callable[[Block], int], block: Block) -> Ended:
    began = time.monotonic()
    try:
        refused = store(block)
    except (
        Exception
    ) as error:  # a thread's root: the loop's thread judges it, and raises what it does not know
        return Ended(block, time.monotonic() - began, error=error)
    return Ended(block, time.monotonic() - began, refused)
