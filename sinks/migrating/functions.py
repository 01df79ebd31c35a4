"""SQL functions of schemas/functions/: what people call in their own queries. Made anew by every `migrate`.

A function is global to a ClickHouse server, and no migration of a database can know whether the server still has it: the database
may have been restored on another one. Deliberately absent: anything of ours that needs one; views have the expression inline.
"""

from importlib.resources import files

from runtime.environment.settings import ClickHouseSettings

PROFILE = "idr_profile"
DEFAULT_DATABASE = ClickHouseSettings().database


def function_name(database: str) -> str:
    """`idr_profile` for the default database, else with the database's name, so that two on one server never meet."""
    return PROFILE if database == DEFAULT_DATABASE else f"{PROFILE}_{database}"


def profile_function() -> str:
    """The file, its placeholders unfilled."""
    return files("schemas").joinpath("functions", f"{PROFILE}.sql").read_text()
