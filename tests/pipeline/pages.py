"""The worked examples of a page: what they send, what they ask, and what they say comes out, read from the page itself.

An example is the part below a heading of the third level. Its blocks are `sh` (a curl that sends a batch), `sql` followed by
`text` (a question and its answer) and `console` (commands after `$ `, each with its output). Profile ids differ from one
deployment to the next, since the hash key does: 16 hex digits are compared as such.

`python -m tests.pipeline.pages docs/identity.md` starts a stack and writes what comes out into the page.
"""

import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from typer.testing import CliRunner

from deploy.cli import app
from tests.pipeline.up import SETTLE_S, Up

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^### (.+)$", re.MULTILINE)
_PROFILE_ID = re.compile(r"\b[0-9a-f]{16}\b")
_WAIT_S = 0.2


@dataclass(frozen=True)
class Asked:
    """A question of the page and what it says is the answer; `kind` is sql or console."""

    kind: str
    question: str
    answer: str


@dataclass(frozen=True)
class Example:
    title: str
    batches: list[str]
    asked: list[Asked]


def examples(page: str) -> list[Example]:
    """Those parts that send something."""
    starts = [found.start() for found in _HEADING.finditer(page)]
    parts = [page[start:end] for start, end in zip(starts, [*starts[1:], len(page)], strict=True)]
    found = [_example(part) for part in parts]
    return [each for each in found if each.batches]


def comparable(answer: str) -> str:
    """Without what differs between deployments, and without blanks at the ends of lines."""
    lines = [line.rstrip() for line in _PROFILE_ID.sub("0" * 16, answer).strip().splitlines()]
    return "\n".join(lines)


def send(up: Up, example: Example) -> None:
    for batch in example.batches:
        assert up.post("/v1/batch", batch.encode()) == 200


def answer(up: Up, asked: Asked) -> str:
    if asked.kind == "sql":
        return up.sql.raw_query(asked.question, fmt="PrettyCompactMonoBlock").decode()
    environ = {"CLICKHOUSE_URL": up.addresses["clickhouse"], "KAFKA_BOOTSTRAP_SERVERS": up.addresses["kafka"]}
    ran = CliRunner().invoke(app, asked.question.split()[1:], env=environ)
    return ran.output if ran.exception is None else repr(ran.exception)


def settled(ask: Callable[[], str], wanted: str) -> str:
    """The answer once it is the wanted one, or the last one when it never is."""
    end = time.monotonic() + SETTLE_S
    while (found := ask()) != wanted and time.monotonic() < end:
        time.sleep(_WAIT_S)
    return found


def what_the_page_says_comes_out(up: Up, page: str) -> set[str]:
    """Of every example; the titles of those there are."""
    found = examples(page)
    for example in found:
        assert "sql" in {asked.kind for asked in example.asked}, example.title
        send(up, example)
    for asked in (each for example in found for each in example.asked):
        said = comparable(asked.answer)
        assert settled(partial(_comparable_answer, up, asked), said) == said, asked.question
    return {example.title for example in found}


def _comparable_answer(up: Up, asked: Asked) -> str:
    return comparable(answer(up, asked))


def _example(part: str) -> Example:
    heading = _HEADING.match(part)
    assert heading
    blocks = _BLOCK.findall(part)
    batches = [text.partition("-d '")[2].strip().removesuffix("'") for kind, text in blocks if kind == "sh"]
    return Example(heading[1], batches, list(_asked(blocks)))


def _asked(blocks: list[tuple[str, str]]) -> Iterator[Asked]:
    for place, (kind, text) in enumerate(blocks):
        if kind == "sql":
            yield Asked(kind, text, blocks[place + 1][1])
        elif kind == "console":
            for command in text.removeprefix("$ ").split("\n$ "):
                question, _, said = command.partition("\n")
                yield Asked(kind, question, said)


def rewritten(page: str, up: Up, patience_s: float) -> str:
    """The page with what really comes out."""
    found = examples(page)
    for example in found:
        send(up, example)
    time.sleep(patience_s)
    for asked in (each for example in found for each in example.asked):
        said = "\n".join(line.rstrip() for line in answer(up, asked).rstrip().splitlines()) + "\n"
        if comparable(said) == comparable(asked.answer):
            continue
        if asked.kind == "sql":
            before = f"```sql\n{asked.question}```\n\n```text\n"
            page = page.replace(f"{before}{asked.answer}", f"{before}{said}")
        else:
            page = page.replace(f"$ {asked.question}\n{asked.answer}", f"$ {asked.question}\n{said}", 1)
    return page


def main(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        up = Up(Path(folder) / "data")
        try:
            path.write_text(rewritten(path.read_text(), up, patience_s=10))
        finally:
            up.end(signal.SIGTERM)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
