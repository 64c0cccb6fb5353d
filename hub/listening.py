"""The MLLP side of the hub: hl7v2's server in front of the flow."""

import ssl
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from starlette.concurrency import run_in_threadpool

from adapters.hl7v2 import mllp
from hub import wire
from hub.runtime import Runtime
from hub.settings import MEBIBYTE, Address, Settings
from hub.wire import FORMAT
from tracker_core import messages, peers
from tracker_core.context import User
from tracker_core.database import transaction
from tracker_core.errors import Malformed
from tracker_core.messages import Arrival

log = structlog.get_logger()

# MLLP has no login: who may connect is said by the network or by client certificates, see SECURITY.md.
WIRE = User("", "mllp", frozenset({"ALL"}))
THREADS = 16


@dataclass(frozen=True, slots=True)
class Listening:
    """A running MLLP server."""

    server: mllp.Listener

    def is_serving(self) -> bool:
        """Tell whether it takes connections."""
        return self.server.server is not None and self.server.server.is_serving()


@asynccontextmanager
async def serve_mllp(runtime: Runtime, address: Address, settings: Settings) -> AsyncIterator[Listening]:
    """Serve MLLP on `address` while the block lasts; at its end, messages in hand are answered first.

    Raises `Malformed` for TLS files that cannot be used.
    """
    take, tls = wire.listen(runtime, WIRE), tls_of(settings)
    limits = mllp.Limits(frame=settings.body_limit * MEBIBYTE)

    async def notice(fault: mllp.Fault) -> None:
        await run_in_threadpool(keep_fault, runtime, fault)

    with ThreadPoolExecutor(THREADS, thread_name_prefix="mllp") as executor:
        handle = mllp.threaded(take, executor)
        server = await mllp.serve(address.host, address.port, handle, notice, limits, tls)
        try:
            yield Listening(server)
        finally:
            await server.close()


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """Return the TLS context of the MLLP server, None without a certificate; authorities make it mutual.

    Raises `Malformed` naming the setting that cannot be used.
    """
    certificate, authority = settings.mllp_tls_certificate, settings.mllp_tls_ca
    if certificate is None:
        if authority or settings.mllp_tls_key:
            raise Malformed("a key or authorities without a certificate", "mllp_tls_certificate")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, settings.mllp_tls_key)
    except (OSError, ssl.SSLError) as error:
        raise Malformed(f"{certificate} cannot be used: {error}", "mllp_tls_certificate") from error
    if authority:
        try:
            context.load_verify_locations(authority)
        except (OSError, ssl.SSLError) as error:
            raise Malformed(f"{authority} cannot be used: {error}", "mllp_tls_ca") from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def keep_fault(runtime: Runtime, fault: mllp.Fault) -> None:
    """Keep bytes that never became a message, as a rejected message: nothing that arrived goes without a trace."""
    log.warning("not a message", reason=fault.reason, address=fault.address, size=fault.size)
    with transaction(runtime.pool) as session:
        peer = peers.ensure(session, FORMAT, FORMAT)
        about = {"headers": {"mllp": fault.address}}
        kept = messages.store(session, [Arrival(peer.id, FORMAT, fault.data, type="fault", about=about, leased=True)])
        messages.finish(session, kept[0].id, "rejected", error=f"{fault.reason} ({fault.size} bytes)")
