"""ClickHouse's edge of the console: questions in, rows out, within limits; its errors become two of ours.

Several questions at once are asked side by side. Absent: who may ask (keys.py), and what is asked.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.httputil import get_pool_manager
from urllib3.exceptions import HTTPError

from console.finished import Finished
from console.question import Question
from runtime.clickhouse import NoAnswer, code_of, connect
from runtime.environment.settings import ClickHouseSettings, QuestionSettings

TOO_SLOW = {159, 160}  # TIMEOUT_EXCEEDED, TOO_SLOW
MARGIN_S = 2  # the server is to give up first, and to say why

Rows = list[Sequence[Any]]
T = TypeVar("T")


class TooSlow(NoAnswer):
    """The answer took longer than it may."""


class Store:
    """Safe for threads. `close` when nobody asks any more."""

    def __init__(self, clickhouse: ClickHouseSettings, settings: QuestionSettings) -> None:
        self._clickhouse = clickhouse
        self._timeout_s = settings.query_timeout_s
        self._pool = get_pool_manager(maxsize=settings.queries_max, block=True)
        self._threads = ThreadPoolExecutor(settings.queries_max, "question")
        self._making = Lock()
        self._client: Client | None = None
        self.finished = Finished()
        self._settings = {
            "max_execution_time": settings.query_timeout_s,
            "max_memory_usage": settings.query_memory_bytes_max,
            "max_threads": settings.query_threads_max,
        }
        self._settings_of_small = {**self._settings, "max_threads": 1}

    @property
    def database(self) -> str:
        return self._clickhouse.database

    def ask(self, question: Question) -> Rows:
        """Raises NoAnswer, TooSlow."""
        settings = self._settings_of_small if question.is_small else self._settings
        try:
            return list(
                self._connected()
                .query(question.sql, parameters=dict(question.parameters) or None, settings=settings)
                .result_rows
            )
        except (ClickHouseError, HTTPError, OSError) as error:
            raise _told(error, self._timeout_s) from error

    def ask_all(self, questions: Sequence[Question]) -> list[Rows]:
        """The answers in the same order; the first is asked on this thread. Raises as `ask` does; what has not begun by
        then is not asked."""
        others = [self._threads.submit(self.ask, question) for question in questions[1:]]
        try:
            return [*map(self.ask, questions[:1]), *(each.result() for each in others)]
        finally:
            for each in others:
                each.cancel()

    def begin(self, asking: Callable[[], T]) -> Callable[[], T]:
        """On a thread of its own, from now on; what is given back waits for it, and raises as it does. `asking` asks one question
        after the other, and begins nothing itself: there are as many threads as there may be questions."""
        return self._threads.submit(asking).result

    def problem(self) -> str:
        """Why nothing can be asked, "" when it can."""
        try:
            self.ask(Question("SELECT 1"))
        except NoAnswer as error:
            return str(error)
        return ""

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._client is not None:
            self._client.close()
        self._pool.clear()

    def _connected(self) -> Client:
        with self._making:
            if self._client is None:
                self._client = connect(
                    self._clickhouse, timeout_s=self._timeout_s + MARGIN_S, pool=self._pool
                )
            return self._client


def _told(error: Exception, timeout_s: int) -> NoAnswer:
    """Without the server's text, which may quote values."""
    code = code_of(error)
    if code in TOO_SLOW:
        return TooSlow(f"ClickHouse has not answered within {timeout_s} s (CONSOLE_QUERY_TIMEOUT_S)")
    if code:
        return NoAnswer(f"ClickHouse refuses the question with code {code}: has `stitchline migrate` run?")
    return NoAnswer(
        f"ClickHouse does not answer (see CLICKHOUSE_URL, STITCHLINE_DATABASE): {type(error).__name__}"
    )
