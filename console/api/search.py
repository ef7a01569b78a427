"""REST: search by example among recorded sounds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from console.services.search.models import ExampleQuery, NextQuery, NextSounds, SearchAnswer, SearchIndexView
from console.services.search.similar import find_similar, index_view
from console.services.search.teaching import next_sounds
from console.web.permissions import Runtime, needs
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/search", tags=["Search"], dependencies=[needs(Permission.VIEW)])


@router.get("")
def search_by_example(runtime: Runtime, query: Annotated[ExampleQuery, Query()]) -> SearchAnswer:
    """The recorded sounds that are most similar to an example, with what was detected then.

    The example is a detection, an annotation, or a section of a channel. Recordings are compared by the embeddings of
    their windows.
    """
    return find_similar(runtime.settings, runtime.store, runtime.examples, query, runtime.time_zone)


@router.get("/index")
def read_index(runtime: Runtime) -> SearchIndexView:
    """What is in the index that is searched."""
    return index_view(runtime.settings)


@router.get("/next")
def label_next(runtime: Runtime, query: Annotated[NextQuery, Query()]) -> NextSounds:
    """The recorded sounds that would teach a recognizer most if they were annotated.

    They are uncertain, unlike what is annotated, and unlike one another. Annotated ones are not offered.
    """
    return next_sounds(runtime.settings, runtime.store, query, runtime.time_zone)
