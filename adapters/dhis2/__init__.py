"""DHIS2's Web API, both ways: the tracker and metadata calls of 2.42, and a client that sends persons on."""

from adapters.contract import Adapter
from adapters.dhis2 import inbound, peer
from adapters.dhis2.http import FACE
from adapters.dhis2.webmessage import JSON

ADAPTER = Adapter(
    name="dhis2",
    content_types=(JSON,),
    identify=inbound.identify,
    parse=inbound.parse,
    read=inbound.read,
    answer=inbound.answer,
    write=peer.write,
    render=peer.render,
    send=peer.send,
    face=FACE,
)

__all__ = ["ADAPTER"]
