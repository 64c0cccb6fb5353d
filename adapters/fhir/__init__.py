"""FHIR R4 4.0.1 in JSON over HTTP: the server's face at `/fhir`, and the client that pushes to other servers."""

from adapters.contract import Adapter, Face
from adapters.fhir.answers import answer
from adapters.fhir.http import PREFIX, routes
from adapters.fhir.identifying import identify
from adapters.fhir.outcomes import refuse
from adapters.fhir.pulling import pull
from adapters.fhir.reading import read
from adapters.fhir.requests import parse
from adapters.fhir.sending import render, send, write

ADAPTER = Adapter(
    name="fhir",
    content_types=("application/fhir+json",),
    identify=identify,
    parse=parse,
    read=read,
    answer=answer,
    write=write,
    render=render,
    send=send,
    pull=pull,
    face=Face(
        prefix=PREFIX,
        about="FHIR R4: read, write and search records of every type",
        routes=routes,
        refuse=refuse,
        public=frozenset({f"{PREFIX}/metadata"}),
        files_at=(f"{PREFIX}/$import",),
        audited=(f"{PREFIX}/",),
        unaudited=frozenset({"CodeSystem", "ConceptMap", "NamingSystem", "ValueSet", "metadata"}),
        opens=f"{PREFIX}/metadata?_format=json",
    ),
)
