"""The answer to an upload: what became of every line, as CSV or as NDJSON."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from adapters.contract import Envelope
from adapters.emr.places import read_place
from tracker_core.errors import HubError
from tracker_core.issues import Issue, Report

COLUMNS = ("line", "status", "column", "reason")


@dataclass(slots=True)
class Result:
    """One line's fate. `accepted` rows were applied as they are, `corrected` ones with the changes named by reasons."""

    line: int
    status: str = "accepted"
    columns: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def add(self, issue: Issue, column: str) -> None:
        """Take an issue into account: an error rejects the line, a correction shows."""
        if issue.severity == "error":
            self.status = "rejected"
        elif issue.code == "corrected" and self.status == "accepted":
            self.status = "corrected"
        self.columns.append(column)
        self.reasons.append(_reason(issue))


def results(report: Report) -> list[Result]:
    """Return the fate of every line in line order; line 0, when there, speaks of the whole file."""
    found: dict[int, Result] = {}
    for outcome in report.outcomes:
        line, _ = read_place(outcome.where)
        if line:
            found.setdefault(line, Result(line))
    for issue in report.issues:
        line, column = read_place(issue.where)
        found.setdefault(line, Result(line)).add(issue, column)
    if report.rejected:
        for result in found.values():
            result.status = "rejected"
    return [found[line] for line in sorted(found)]


def answer(raw: bytes, envelope: Envelope, report: Report, error: BaseException | None) -> bytes:  # noqa: ARG001
    """Return the result file: one row per line of the upload. A file refused whole has one row without a line."""
    rows = [_refusal(error)] if error else results(report)
    wanted = envelope.parameters.get("result") or ("ndjson" if "json" in envelope.content_type else "csv")
    return _as_ndjson(rows) if wanted == "ndjson" else _as_csv(rows)


def _refusal(error: BaseException) -> Result:
    """Return the row for an error that stopped the whole file; a bug shows no details."""
    known = isinstance(error, HubError)
    line, column = read_place(error.where) if isinstance(error, HubError) else (0, "")
    detail = error.detail if isinstance(error, HubError) else "an error in the hub; the file is kept"
    status = "rejected" if known else "failed"
    return Result(line, status, [column], [detail])


def _reason(issue: Issue) -> str:
    return f"{issue.text} ({issue.value!r})" if issue.value and issue.value not in issue.text else issue.text


def _as_csv(rows: Iterable[Result]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows((r.line or "", r.status, "; ".join(_named(r)), "; ".join(r.reasons)) for r in rows)
    return out.getvalue().encode()


def _named(result: Result) -> list[str]:
    return [column for column in dict.fromkeys(result.columns) if column]


def _as_ndjson(rows: Iterable[Result]) -> bytes:
    return "".join(f"{line}\n" for line in _json_lines(rows)).encode()


def _json_lines(rows: Iterable[Result]) -> Iterator[str]:
    for r in rows:
        issues = [{"column": c, "reason": why} for c, why in zip(r.columns, r.reasons, strict=True)]
        yield json.dumps({"line": r.line or None, "status": r.status, "issues": issues}, ensure_ascii=False)
