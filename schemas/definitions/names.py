"""What sources, workspaces and the like may be called."""

from typing import Annotated

from schemas.definitions.shapes import shaped

Name = Annotated[
    str,
    shaped(
        r"^[a-z0-9][a-z0-9_-]{0,62}\Z", "a name of a-z 0-9 _ -, up to 63, which begins with a letter or digit"
    ),
]
