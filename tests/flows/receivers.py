"""Receivers that behave, or misbehave, as told."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.flows.listening import Answer, Listening

Script = list[tuple[int, bytes]]


@dataclass(slots=True)
class Receiver:
    """An HTTP server that keeps what it gets and answers by `script`, one (status, body) a request, the last one on."""

    script: Script
    received: list[bytes] = field(default_factory=list)
    listening: Listening = field(init=False)

    def __post_init__(self) -> None:
        """Start listening."""
        self.listening = Listening(self.answer)

    def answer(self, _method: str, _target: str, _sent: Mapping[str, str], body: bytes) -> Answer:
        """Keep the body, and answer what is next in the script."""
        self.received.append(body)
        status, said = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return status, {"content-type": "application/json"}, said

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.listening.url

    def stop(self) -> None:
        """Stop listening."""
        self.listening.stop()
