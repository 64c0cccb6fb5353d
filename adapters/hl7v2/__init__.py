"""HL7 version 2: ER7 over MLLP and HTTP."""

from adapters.contract import Adapter
from adapters.hl7v2 import queries, reading, sending, settings, showing, writing
from adapters.hl7v2.format import answer, identify, parse
from adapters.hl7v2.http import FACE
from adapters.hl7v2.triggers import trigger

ADAPTER = Adapter(
    name="hl7v2",
    content_types=("application/hl7-v2", "x-application/hl7-v2+er7"),
    identify=identify,
    parse=parse,
    read=reading.read,
    ask=queries.ask,
    answer=answer,
    write=writing.write,
    render=writing.render,
    send=sending.send,
    face=FACE,
    heeded=("charset", "acks"),
    show=showing.show,
    trigger=trigger,
    check_settings=settings.check,
    conform=settings.conform,
)
