"""`bench search`, small."""

from __future__ import annotations

from benchmarks import search


def test_it_finds_what_an_exact_search_finds() -> None:
    figures = search.run(lambda line: None, embeddings="4000", values="256", queries="5")
    assert figures["recall_at_10"] >= 0.9
