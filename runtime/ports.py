"""A port that a process is about to listen on: the server beneath would share one that is taken, silently."""

import socket


class PortTaken(OSError):
    """Somebody listens there already."""


def refuse_taken_port(host: str, port: int, setting: str) -> None:
    """Raises PortTaken; `setting` is where another port is chosen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(
                error.errno,
                f"{host}:{port} cannot be listened on ({error.strerror}): stop what has it, or set {setting}",
            ) from error
