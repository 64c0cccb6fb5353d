"""The commands `tracker-hub hl7v2 …`: send messages, listen for them, look into them. They need no hub."""

import asyncio
import json
import ssl
import sys
import tomllib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.inputs import read_bytes, read_text
from tracker_core.context import Peer
from tracker_core.errors import HubError, Malformed

hl7v2_app = typer.Typer(
    help="Send HL7 v2 messages, listen for them, look into them.", no_args_is_help=True, rich_markup_mode=None
)


class Answer(StrEnum):
    """What a listener answers."""

    AA = "AA"
    AE = "AE"
    AR = "AR"


File = Annotated[Path, typer.Argument(metavar="FILE", help="A message or a batch; - reads standard input.")]


@hl7v2_app.command()
def send(
    file: File,
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="HOST:PORT (MLLP), mllp://, mllps:// (TLS), http:// or https://.")
    ],
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for each answer.")] = 30.0,
    tls: Annotated[bool, typer.Option("--tls", help="MLLP over TLS for HOST:PORT.")] = False,
    ca: Annotated[str, typer.Option(metavar="FILE", help="Authorities that may have signed the receiver.")] = "",
    cert: Annotated[str, typer.Option(metavar="FILE", help="Certificate of our own, for mutual TLS.")] = "",
    key: Annotated[str, typer.Option(metavar="FILE", help="Its key.")] = "",
    user: Annotated[str, typer.Option(metavar="NAME:PASSWORD", help="For HTTP.")] = "",
    quiet: Annotated[bool, typer.Option("--quiet", help="Print a line per message instead of its answer.")] = False,
) -> None:
    """Send every message of a file, one after the other, and print the answers.

    Exit: 0 all accepted, 1 one was refused (AE, AR, CE, CR), 2 the receiver is away or the file holds no message.
    """
    from adapters.contract import Outgoing
    from adapters.hl7v2 import sending

    settings = {"timeout": timeout, "tls_ca": ca, "tls_certificate": cert, "tls_key": key}
    peer = Peer(0, address, address, "hl7v2", with_scheme(address, tls), settings, user or None)
    refused = False
    for message in messages_of(file):
        control_id, type_ = header_of(message)
        receipt = sending.send(Outgoing(message, "application/hl7-v2", control_id, type_), peer)
        refused = refused or not receipt.accepted
        if quiet:
            typer.echo(f"{control_id}  {type_}  {'accepted' if receipt.accepted else 'refused'}")
        else:
            typer.echo(lines_of(receipt.answer))
        for issue in receipt.issues:
            typer.echo(f"{issue.severity} {issue.code} {issue.where} {issue.text}", err=True)
    raise typer.Exit(1 if refused else 0)


@hl7v2_app.command()
def listen(
    address: Annotated[str, typer.Argument(metavar="HOST:PORT", help="Where to listen; port 0 picks one.")],
    answer: Annotated[Answer, typer.Option(help="What every message is answered.")] = Answer.AA,
    count: Annotated[int, typer.Option(min=0, help="End after so many messages; 0 never ends.")] = 0,
    cert: Annotated[str, typer.Option(metavar="FILE", help="Certificate of the server: speak TLS.")] = "",
    key: Annotated[str, typer.Option(metavar="FILE", help="Its key.")] = "",
    ca: Annotated[
        str, typer.Option(metavar="FILE", help="Ask senders for certificates these authorities signed.")
    ] = "",
) -> None:
    """Take messages over MLLP, print each, and answer it. Ctrl-C ends it."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise Malformed(f"{address!r} is not HOST:PORT")
    context = server_tls(cert, key, ca) if cert else None
    asyncio.run(serve(host, int(port), answer, count, context))


@hl7v2_app.command()
def inspect(
    file: File,
    profile: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A conformance profile to check against, TOML or JSON.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only what is wrong.")] = False,
) -> None:
    """Show the segments and fields of each message with their names, and what the hub would find wrong with it.

    Exit: 1 when the hub would refuse one of them.
    """
    from adapters.hl7v2 import showing

    settings = {"conformance": profile_of(profile)} if profile else {}
    refused = False
    for raw in messages_of(file):
        if not quiet:
            for segment in showing.show_message(raw)["segments"]:
                print_segment(segment)
        issues, rejected = problems(raw, settings)
        refused = refused or rejected
        for issue in issues:
            where = f" {issue['where']}" if issue.get("where") else ""
            typer.echo(f"{issue['severity']}{where}: {issue['text']} [{issue['code']}]")
        typer.echo(f"{' '.join(header_of(raw))}: {'would be refused' if rejected else 'would be taken'}")
    raise typer.Exit(1 if refused else 0)


def messages_of(file: Path) -> Iterator[bytes]:
    """Yield the messages of a file, framed or not, single or as a batch. Raises `NotFound`, `Malformed` for none."""
    from adapters.hl7v2 import batches

    raw = sys.stdin.buffer.read() if str(file) == "-" else read_bytes(file)
    found = False
    for message in batches.split([raw], batches.Found()):
        found = True
        yield message
    if not found:
        raise Malformed(f"{file} holds no message")


def header_of(raw: bytes) -> tuple[str, str]:
    """Return control id and type of a message. Raises `Malformed` when it has no header."""
    from adapters.hl7v2.header import read_header

    header = read_header(raw)
    if header is None:
        raise Malformed(f"HL7 v2 begins with MSH and its delimiters, not with {raw[:20].decode('utf-8', 'replace')!r}")
    return header.control_id, header.type


def with_scheme(address: str, tls: bool) -> str:
    """Return an address with its scheme: HOST:PORT is MLLP."""
    return address if "://" in address else f"{'mllps' if tls else 'mllp'}://{address}"


def lines_of(raw: bytes) -> str:
    """Return a message with each segment on a line of its own."""
    return raw.decode("utf-8", "replace").strip("\r\n").replace("\r", "\n")


def server_tls(cert: str, key: str, ca: str) -> ssl.SSLContext:
    """Return the TLS context of a listener; with `ca` senders must show a certificate."""
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca or None)
        context.load_cert_chain(cert, key or None)
    except (OSError, ssl.SSLError) as error:
        raise Malformed(f"the TLS files cannot be used: {error}") from error
    if ca:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def serve(host: str, port: int, answer: Answer, count: int, tls: ssl.SSLContext | None) -> None:
    """Print and answer messages until `count` have come."""
    from adapters.hl7v2 import acks, mllp

    enough = asyncio.Event()
    came = 0

    async def handle(raw: bytes, address: str) -> bytes:
        nonlocal came
        came += 1
        typer.echo(f"-- {address}\n{lines_of(raw)}")
        if came == count:
            enough.set()
        faults = [] if answer is Answer.AA else [acks.Fault("207", (), "E", "", f"answered {answer} as asked")]
        return acks.acknowledge(raw, answer.value, faults)

    async def notice(fault: mllp.Fault) -> None:
        typer.echo(f"-- {fault.address}: {fault.reason} ({fault.size} bytes)", err=True)

    try:
        server = await mllp.serve(host, port, handle, notice, tls=tls)
    except OSError as error:
        raise Malformed(f"cannot listen on {host}:{port}: {error}") from error
    typer.echo(f"listening on {host}:{server.port}; Ctrl-C ends it", err=True)
    try:
        await enough.wait()
    finally:
        await server.close()


def profile_of(file: Path) -> dict[str, Any]:
    """Return the conformance profile in a file. Raises `NotFound`, `Malformed`."""
    from adapters.hl7v2 import conformance

    text = read_text(file)
    try:
        profile: dict[str, Any] = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise Malformed(f"{file} cannot be read: {error}") from error
    conformance.load(profile)
    return profile


def problems(raw: bytes, settings: dict[str, Any]) -> tuple[list[dict[str, str]], bool]:
    """Return what the hub would find wrong with a message of a peer with these settings, and whether it refuses it."""
    from datetime import UTC, datetime

    from adapters.contract import Envelope, Sender
    from adapters.hl7v2 import ADAPTER
    from adapters.hl7v2.header import sender_code

    peer = Peer(0, sender_code(raw) or "hl7v2", "", "hl7v2", None, settings)
    try:
        reading = ADAPTER.read(ADAPTER.parse(raw, Envelope()), Sender(peer, datetime.now(UTC)))
    except HubError as error:
        return [{"severity": "error", "code": "refused", "where": error.where, "text": error.detail}], True
    return [issue.as_json() for issue in reading.issues], reading.rejected


def print_segment(segment: dict[str, Any]) -> None:
    """Print one segment: its name, then a line per field that says something."""
    typer.echo(f"{segment['segment']}  {segment['name']}".rstrip())
    for field in segment["fields"]:
        place = f"{segment['segment']}-{field['field']}"
        cut = f"… ({field['length']} characters)" if "length" in field else ""
        typer.echo(f"    {place:8} {field['name'] or '-':42} {field['type']:5} {field['text']}{cut}")
