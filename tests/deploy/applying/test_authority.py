"""Who may apply, of what is on `control` alone."""

import msgspec
import pytest

from deploy.applying.authority import NotAllowed, Wish, authorised
from deploy.applying.signing import Held
from schemas.access.tokens import Token
from schemas.control import ControlState


def test_a_token_that_has_ended_or_is_of_another_deployment_is_refused() -> None:
    """The same name and another key is somebody else's."""
    own, foreign = Held("jane", b"x" * 32), Held("jane", b"y" * 32)
    known = Token(token="jane", role="admin", public_key=own.public_key, created_at=1)
    for token, held, why in [
        (known, foreign, "token jane is none of this deployment's"),
        (msgspec.structs.replace(known, revoked_at=5), own, "token jane was revoked"),
        (msgspec.structs.replace(known, expires_at=10), own, "token jane has expired"),
        (known, own, ""),
    ]:
        before = ControlState({token.key: msgspec.json.encode(token)})
        wish = Wish(apply_id="one", token=held.text, at=10)
        if why:
            with pytest.raises(NotAllowed, match=why):
                authorised(before, before, {}, wish)
        else:
            assert list(authorised(before, before, {}, wish)) == ["apply/one"]
