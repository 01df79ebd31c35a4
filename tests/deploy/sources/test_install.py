"""What `stitchline sources NAME --install` prints."""

import base64
import json
import re
import subprocess
from pathlib import Path

import msgspec
import pytest

from deploy.demo.javascript import node
from deploy.sources.install import FORMS, IN_PAGES, BadInstall, install_code
from schemas.sources.sources import Paths, PixelSettings, Source, hash_write_key

HOST = "https://events.shop.example"
DOCS = Path(__file__).parents[3] / "docs"
SHOP = Source(
    id="shop",
    write_key_hashes=[hash_write_key("k1"), hash_write_key("a b")],
    secret_key_hashes=[hash_write_key("s1")],
)


def test_a_key_that_ends_is_put_nowhere() -> None:
    rotated = msgspec.structs.replace(SHOP, key_ends={hash_write_key("k1"): 1})
    with pytest.raises(BadInstall, match="a key of source shop that ends"):
        install_code("html", rotated, HOST, "k1")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_names_the_collector_and_the_key(form: str) -> None:
    code = install_code(form, SHOP, HOST + "/", "k1")
    assert HOST in code
    assert "WRITE_KEY" not in code
    if form != "image":
        assert "k1" in code
    assert "WRITE_KEY" in install_code(form, SHOP, HOST, "") or form == "image"


def test_the_documentation_shows_what_is_printed() -> None:
    assert install_code("html", SHOP, HOST, "") in (DOCS / "pixel.md").read_text()
    assert install_code("script", SHOP, HOST, "") in (DOCS / "pixel.md").read_text()


def test_with_a_chosen_path_the_page_says_its_key() -> None:
    shop = Source(id="shop", write_key_hashes=[hash_write_key("k1")], paths=Paths(script="/assets/shop.js"))
    assert install_code("script", shop, HOST, "k1") == (
        f'<script async src="{HOST}/assets/shop.js" data-write-key="k1"></script>\n'
    )
    html = install_code("html", shop, HOST, "k1")
    assert 's.key="k1";' in html
    assert f'e.src="{HOST}/assets/shop.js"' in html


def test_a_page_view_is_not_called_where_the_pixel_makes_it_by_itself() -> None:
    silent = Source(id="shop", write_key_hashes=[], pixel=PixelSettings(pages=True))
    for form in ("html", "module", "gtm"):
        assert "stitchline.page()" in install_code(form, SHOP, HOST, "")
        assert "stitchline.page()" not in install_code(form, silent, HOST, "")


def test_the_image_is_a_call() -> None:
    address = re.search(r'src="([^"]+)"', install_code("image", SHOP, HOST, "k1"))
    assert address
    data = address[1].partition("data=")[2]
    call = json.loads(base64.urlsafe_b64decode(data + "=" * (-len(data) % 4)))
    assert call["writeKey"] == "k1"


def test_the_stub_is_a_program() -> None:
    inline = install_code("html", SHOP, HOST, "k1").removeprefix("<script>").removesuffix("</script>\n")
    checked = subprocess.run(
        [node(), "--check", "-"], input=inline, text=True, capture_output=True, timeout=60
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("form", IN_PAGES)
def test_a_server_s_key_is_put_into_no_page(form: str) -> None:
    with pytest.raises(BadInstall, match="secret key of source shop"):
        install_code(form, SHOP, HOST, "s1")


@pytest.mark.parametrize("form", sorted(set(FORMS) - set(IN_PAGES)))
def test_a_server_s_key_is_for_programs(form: str) -> None:
    assert "s1" in install_code(form, SHOP, HOST, "s1")


@pytest.mark.parametrize(
    ("form", "address", "key", "said"),
    [
        ("perl", HOST, "k1", "no install code for 'perl'"),
        ("html", "events.shop.example", "k1", "no address of a collector"),
        ("html", 'https://x"><script>', "k1", "no address of a collector"),
        ("html", HOST, "another", "no key of source shop"),
        ("html", HOST, "a b", "need quoting"),
    ],
)
def test_what_would_not_work_is_refused(form: str, address: str, key: str, said: str) -> None:
    with pytest.raises(BadInstall, match=said) as refused:
        install_code(form, SHOP, address, key)
    assert not key or key not in str(refused.value).replace("k1", "") or len(key) < 4
