"""A real SFTP server process for the tests: `python sftp_server.py FOLDER`; prints its port and its public key.

Lets in `emr` with the password `drop-here`, or with the key whose public half is in the file KEY when one is named.
"""

import asyncio
import sys
from pathlib import Path

import asyncssh


class Gate(asyncssh.SSHServer):
    """Who may come in."""

    def begin_auth(self, username: str) -> bool:
        """Everybody has to show something."""
        return True

    def password_auth_supported(self) -> bool:
        """Passwords count."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """The one user there is."""
        return (username, password) == ("emr", "drop-here")


async def serve(folder: str, authorized: str | None) -> None:
    """Serve the folder as the root of everything until the process ends."""
    key = asyncssh.generate_private_key("ssh-ed25519")

    def root(channel: asyncssh.SSHServerChannel) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=folder.encode())

    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=Gate,
        server_host_keys=[key],
        sftp_factory=root,
        authorized_client_keys=authorized,
    )
    sys.stdout.write(f"{server.get_port()} {key.export_public_key().decode().strip()}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(str(Path(sys.argv[1]).resolve()), sys.argv[2] if len(sys.argv) > 2 else None))
