"""What a FHIR request says of itself before it is parsed."""

from adapters.contract import Envelope, Identity
from adapters.fhir.messaging import PROCESS
from adapters.fhir.messaging.reading import identify_message
from adapters.fhir.requests import below_base, bundle_type


def identify(raw: bytes, envelope: Envelope) -> Identity:
    """Return the interaction as the message's type: `transaction`, `PUT Patient`.

    Every request is its own message, but for FHIR messages: theirs is unique per sender by the header's id.
    """
    path = below_base(envelope.target)[0]
    if path == PROCESS:
        return identify_message(raw)
    if path:
        return Identity(f"{envelope.method} {path if '$' in path else path.partition('/')[0]}")
    return Identity(bundle_type(raw))
