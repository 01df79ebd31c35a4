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


def test_a_proxy_is_not_asked_for_this_machine_and_other_exceptions_stay() -> None:
    told = ports.without_proxy_for_us({"NO_PROXY": "intranet.example"})
    assert told == dict.fromkeys(("no_proxy", "NO_PROXY"), "intranet.example,127.0.0.1,localhost")
    assert ports.without_proxy_for_us(told) == told


def test_nothing_answers_on_a_free_port() -> None:
    number = ports.free_ports(1)[0]
    assert ports.choose(number, "--x") == number
    assert not asyncio.run(ports.answers_http(f"http://{ports.HOST}:{number}/"))
