"""`/api/metadata`: packages in and out."""

from adapters.dhis2.calls import Routes
from adapters.dhis2.metadata.exporting import export_metadata
from adapters.dhis2.metadata.importing import import_metadata

ROUTES: Routes = (
    ("POST", "/metadata", import_metadata),
    ("GET", "/metadata", export_metadata),
    ("GET", "/metadata.{form}", export_metadata),
)

__all__ = ["ROUTES"]
