"""Objects that have rows of their own: org units, whose tree SQL walks, and users, who log in."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.issues import Issue, Outcome
from tracker_core.metadata import org_units, schema
from tracker_core.metadata.compiling import reference
from tracker_core.metadata.importing.checks.properties import check_values
from tracker_core.metadata.importing.incoming import Incoming, Package
from tracker_core.metadata.importing.options import Options, Store
from tracker_core.metadata.model import Metadata
from tracker_core.users import writing as users

_STORES: dict[str, Store] = {org_units.TYPE: org_units, users.TYPE: users}


class Apart(NamedTuple):
    """What the stores will do, and what is wrong with it."""

    plans: list[tuple[Store, Any]]
    issues: list[Issue]

    @property
    def outcomes(self) -> list[Outcome]:
        """What becomes of each object, in the order given."""
        return [outcome for _, made in self.plans for outcome in made.outcomes]

    def write(self, session: Session, context: Context) -> None:
        """Store what is planned, which has no issues."""
        for store, made in self.plans:
            store.write(session, context, made)


def plan(session: Session, known: Metadata, package: Package, options: Options) -> Apart:
    """Let each store plan its documents and say what is wrong with them; what their descriptions say comes after."""
    stores = {**_STORES, **options.stores}
    plans = [(stores[n], stores[n].plan(session, docs)) for n, docs in package.apart.items() if n in stores]
    issues = [issue for _, made in plans for issue in made.issues]
    said = {(issue.code, issue.where) for issue in issues}
    issues += [issue for issue in _values(package) if (issue.code, issue.where) not in said]
    for _, made in plans:
        if isinstance(made, users.Plan) and options.user:
            issues += users.overreach(known, made, options.user)
    return Apart(plans, issues)


def _values(package: Package) -> Iterator[Issue]:
    for collection, docs in package.apart.items():
        for doc in docs:
            yield from check_values(Incoming(schema.of(collection), reference(doc), doc))
