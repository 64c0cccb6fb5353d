"""What the commands `terms load icd10` and `terms load claml FILE` do. The caller commits, then refreshes snapshots."""

from pathlib import Path

from terminology import store
from terminology.concepts import Loaded
from terminology.icd10 import SYSTEM
from terminology.loaders import claml, icd10_package
from terminology.store import Session


def load_icd10(session: Session) -> Loaded:
    """Load WHO's ICD-10 from the installed package. Raises `NotInstalled` when the extra `icd10` is not installed."""
    return store.load(session, icd10_package.EDITION, icd10_package.read_concepts())


def load_claml(session: Session, path: Path, url: str = SYSTEM, language: str = "") -> Loaded:
    """Load a ClaML file as the code system `url`. Raises `Refused` with the place; what was served stays served."""
    return store.load(session, claml.read_edition(path, url), claml.read_concepts(path, language))
