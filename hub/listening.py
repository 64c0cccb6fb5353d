"""The MLLP side of the hub: hl7v2's server in front of the flow."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from starlette.concurrency import run_in_threadpool

from adapters.hl7v2 import mllp
from adapters.hl7v2.header import sender_code
from hub import access
from hub.runtime import Runtime
from hub.settings import MEBIBYTE, Address, Settings
from tracker_core import messages, peers
from tracker_core.context import User
from tracker_core.database import transaction
from tracker_core.messages import Arrival

log = structlog.get_logger()

FORMAT = "hl7v2"
# MLLP has no login: who may connect is the network's business, see SECURITY.md.
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
    """Serve MLLP on `address` while the block lasts; at its end, messages in hand are answered first."""
    take = access.listen(runtime, FORMAT, sender_code, WIRE)
    limits = mllp.Limits(frame=settings.body_limit * MEBIBYTE)

    async def notice(fault: mllp.Fault) -> None:
        await run_in_threadpool(keep_fault, runtime, fault)

    with ThreadPoolExecutor(THREADS, thread_name_prefix="mllp") as executor:
        handle = mllp.threaded(take, executor)
        server = await mllp.serve(address.host, address.port, handle, notice, limits)
        try:
            yield Listening(server)
        finally:
            await server.close()


def keep_fault(runtime: Runtime, fault: mllp.Fault) -> None:
    """Keep bytes that never became a message, as a rejected message: nothing that arrived goes without a trace."""
    log.warning("not a message", reason=fault.reason, address=fault.address, size=fault.size)
    with transaction(runtime.pool) as session:
        peer = peers.ensure(session, FORMAT, FORMAT)
        about = {"headers": {"mllp": fault.address}}
        kept = messages.store(session, [Arrival(peer.id, FORMAT, fault.data, type="fault", about=about, leased=True)])
        messages.finish(session, kept[0].id, "rejected", error=f"{fault.reason} ({fault.size} bytes)")
