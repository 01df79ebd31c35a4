"""A receiver of webhooks that the tests of a module share, each with an empty one."""

from collections.abc import Iterator

import pytest

from tests.sinks.receiver import Receiver, receiver


@pytest.fixture(scope="module")
def shared_receiver() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture
def there(shared_receiver: Receiver) -> Receiver:
    shared_receiver.got.clear()
    shared_receiver.answers.clear()
    return shared_receiver
