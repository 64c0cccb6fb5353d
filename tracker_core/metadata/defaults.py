"""The category model's four `default` objects: every instance has its own, a package's are never imported."""

from tracker_core.metadata.model import Metadata

DEFAULTED = ("categories", "categoryOptions", "categoryCombos", "categoryOptionCombos")


def default_uid(known: Metadata, collection: str) -> str:
    """Return the uid of the `default` object of a type of the category model, empty when there is none."""
    held = known.objects.get(collection, {}).values()
    return next((found.uid for found in held if found.name == "default"), "")
