"""Transaction bundles to import: the Synthea patients beside the project when they are there, else generated ones."""

import gzip
from datetime import date, timedelta
from pathlib import Path

from hub.demo import writing
from hub.demo.people import make_day

CORPUS = Path(__file__).parent.parent.parent / "shared" / "corpora" / "fhir" / "synthea"


def patient_bundles() -> tuple[list[bytes], list[bytes]]:
    """Return (bundles to load first, bundles to measure)."""
    files = sorted(CORPUS.glob("*.json.gz"))
    if not files:
        days = [make_day(date(2026, 1, 5) + timedelta(days=n), seed=n) for n in range(40)]
        return [], [writing.fhir_bundle(visit) for day in days for visit in day.visits["fhir"]]
    read = [(path.name, gzip.decompress(path.read_bytes())) for path in files]
    first = [raw for name, raw in read if name.startswith("0-")]
    return first, [raw for name, raw in read if not name.startswith("0-")]
