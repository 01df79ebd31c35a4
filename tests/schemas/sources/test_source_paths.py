"""Paths that sites chose."""

from typing import Any

import pytest

from schemas.sources.source_paths import chosen_paths, refuse_clashing_paths
from schemas.sources.sources import Paths, Source


def source(name: str, **paths: Any) -> Source:
    return Source(id=name, write_key_hashes=[], paths=Paths(**paths))


def test_a_path_stands_for_the_usual_one() -> None:
    chosen = chosen_paths([source("shop", script="/a/s.js", calls="/a/c", redirect="/go"), source("blog")])
    assert chosen.usual("/a/c/batch") == "/v1/batch"
    assert chosen.usual("/go/x/y") == "/r/x/y"
    assert [chosen.usual(path) for path in ("/a/c", "/a/cc/batch", "/v1/batch", "/")] == ["", "", "", ""]
    assert {path: each.id for path, each in chosen.scripts.items()} == {"/a/s.js": "shop"}


@pytest.mark.parametrize(
    "sources",
    [
        [source("a", script="/a/s.js", calls="/a/c", redirect="/go"), source("b", script="/b/s.js")],
        [source("a", calls="/c", redirect="/go"), source("b", calls="/c", redirect="/go")],
        [source("a", calls="/c"), source("b", calls="/cc")],
        [source("a"), source("b")],
    ],
)
def test_paths_that_do_not_meet_are_taken(sources: list[Source]) -> None:
    refuse_clashing_paths(sources)


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        (
            [source("a", script="/s.js"), source("b", script="/s.js")],
            "/s.js of source b and /s.js of source a meet",
        ),
        ([source("a", calls="/c", redirect="/c")], "of source a and /c of source a meet"),
        ([source("a", calls="/c"), source("b", redirect="/c/go")], "source b and /c of source a meet"),
        ([source("a", calls="/c/x"), source("b", calls="/c")], "meet"),
        ([source("a", calls="/c", script="/c/s.js")], "meet"),
        ([source("a", calls="/v1")], "begins with /v1, which is the collector's own"),
        ([source("a", script="/pixel.js")], "collector's own"),
        ([source("a", redirect="/metrics/go")], "collector's own"),
        ([source("a", calls="/a/../v1")], "a part `.` or `..`"),
    ],
)
def test_paths_that_meet_others_or_the_collector_s_own_are_refused(sources: list[Source], said: str) -> None:
    with pytest.raises(ValueError, match=said.replace(".", r"\.")):
        refuse_clashing_paths(sources)
