"""`_text` and `_content`: full text of the narrative, or of the whole record (FHIR R4 3.1.1.4.1).

What was written lately is not in the full-text index yet (see `words`): it is read from the documents, so that
nothing is missed.
"""

from psycopg import sql

from tracker_core.database import Session
from tracker_core.records import words
from tracker_core.records.search.criteria import Criterion, unescape


def says(session: Session, criterion: Criterion) -> sql.Composable:
    """Return the condition that the words of one of the values are there; `"in quotes"` and `-not` are understood."""
    column = "narrative" if criterion.parameter.code == "_text" else "content"
    indexed = words.indexed_until(session)
    asked = _either([unescape(value) for value in criterion.values])
    return sql.SQL(
        "((r.pk, r.version) in (select w.pk, w.version from record_words w where w.{column} @@ {asked})"
        " or (r.updated >= {since} and exists (select from record_version v where v.pk = r.pk and v.version = r.version"
        " and {fresh} @@ {asked})))"
    ).format(
        column=sql.Identifier(column),
        asked=asked,
        since=sql.Literal(indexed),
        fresh=sql.SQL(words.VECTORS[column]),
    )


def _either(values: list[str]) -> sql.Composable:
    """Return a text query that is met when one of the values is."""
    parts = [sql.SQL("websearch_to_tsquery('simple', {})").format(sql.Literal(value)) for value in values]
    return sql.SQL("({})").format(sql.SQL(" || ").join(parts))
