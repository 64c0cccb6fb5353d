"""TerminologyCapabilities (R4 2.6): what the terminology operations offer, made from what they read."""

from functools import lru_cache

import orjson

from terminology.requests import EXPANSION


@lru_cache(maxsize=8)
def statement(base: str) -> bytes:
    """Return the statement of the server at `base`."""
    return orjson.dumps(
        {
            "resourceType": "TerminologyCapabilities",
            "url": f"{base}/metadata",
            "version": "1",
            "name": "TrackerHubTerminology",
            "title": "Terminology of Tracker Hub",
            "status": "active",
            "date": "2026-01-01",
            "kind": "instance",
            "software": {"name": "Tracker Hub"},
            "implementation": {"description": "Tracker Hub", "url": base},
            "lockedDate": False,
            "expansion": {
                "hierarchical": True,
                "paging": True,
                "incomplete": False,
                "parameter": [{"name": name} for name in sorted(EXPANSION)],
                "textFilter": "starts of codes and of words, in every wording; best first",
            },
            "codeSearch": "all",
            "validateCode": {"translations": True},
            "translation": {"needsMap": True},
            "closure": {"translation": False},
        }
    )
