"""How visitors arrive, and what is said of it: the table of arrivals.txt, which says how it is to be read."""

from pathlib import Path

TABLE = Path(__file__).parent / "arrivals.txt"


def rows() -> list[tuple[str, str, str, str]]:
    """Page address, referrer, campaign, touch."""
    lines = TABLE.read_text().splitlines()
    return [_row(line) for line in lines if line.strip("#") and not line.startswith("# ")]


def _row(line: str) -> tuple[str, str, str, str]:
    url, referrer, campaign, touch = (cell.strip() for cell in line.split("|"))
    is_whole = "://" in url.partition("?")[0]
    return url if is_whole else "https://shop.example/" + url.removeprefix("/"), referrer, campaign, touch
