"""Ports that are free, taken, answered."""

import asyncio
import socket

import pytest

from deploy import ports


def test_free_ports_are_different() -> None:
    assert len(set(ports.free_ports(20))) == 20


def test_a_taken_port_is_told_with_the_option_that_chooses_another() -> None:
    with socket.socket() as taken:
        taken.bind((ports.HOST, 0))
        taken.listen()
        number = taken.getsockname()[1]
        assert not ports.is_free(number)
        with pytest.raises(ports.PortTaken, match=f"port {number}.*--kafka-port"):
            ports.choose(number, "--kafka-port")


def test_nothing_answers_on_a_free_port() -> None:
    number = ports.free_ports(1)[0]
    assert ports.choose(number, "--x") == number
    assert not asyncio.run(ports.answers_http(f"http://{ports.HOST}:{number}/"))
