"""Which event of the semantic catalogue a name means."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events.catalogue import NAME_CHARS_MAX, catalogue, event_spec

EXAMPLES = json.loads((Path(__file__).parents[1] / "semantic_examples.json").read_text())
FAMILIES = {"ecommerce": 28, "mobile": 13, "ab_testing": 1, "email": 6, "live_chat": 4, "video": 17}

# The public spec's first version, and what its second one says that each event was called elsewhere.
FORMER_NAMES = {
    "Viewed Product Category": "Product List Viewed",
    "Viewed Product": "Product Viewed",
    "Clicked Product": "Product Clicked",
    "Added Product": "Product Added",
    "Removed Product": "Product Removed",
    "Completed Order": "Order Completed",
    "Started Order": "Checkout Started",
    "Updated Order": "Order Updated",
    "Refunded Order": "Order Refunded",
    "Cancelled Order": "Order Cancelled",
    "Viewed Checkout Step": "Checkout Step Viewed",
    "Completed Checkout Step": "Checkout Step Completed",
    "Viewed Promotion": "Promotion Viewed",
    "Clicked Promotion": "Promotion Clicked",
}

SPELLINGS = {
    "product_added": "Product Added",
    "productAdded": "Product Added",
    "ProductAdded": "Product Added",
    "Product added": "Product Added",
    "PRODUCT ADDED": "Product Added",
    " Product  Added ": "Product Added",
    "product-added": "Product Added",
    "Product: Added": "Product Added",
    "added_product": "Product Added",
    "Order Canceled": "Order Cancelled",
    "video.playback.started": "Video Playback Started",
    "Email Marked As Spam": "Email Marked as Spam",
    "unsubscribed": "Unsubscribed",
}


def _named(name: str) -> str:
    spec = event_spec(name)
    return spec.name if spec else ""


@pytest.mark.parametrize("name", FORMER_NAMES)
def test_a_former_name_means_the_event_of_today(name):
    assert _named(name) == FORMER_NAMES[name]


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_name_counts_by_its_letters(name):
    assert _named(name) == SPELLINGS[name]


@pytest.mark.parametrize(
    "name", ["", " ", "Product", "Added", "Product Added Twice", "Logged In", "Prodüct Added"]
)
def test_any_other_name_means_nothing(name):
    assert event_spec(name) is None


def test_a_name_without_end_means_nothing():
    assert event_spec("Product Added" + " " * NAME_CHARS_MAX) is None


def test_every_event_of_the_six_families_is_there():
    names = {(spec.family, spec.name) for spec in catalogue().values()}
    assert {family: sum(of == family for of, _ in names) for family in FAMILIES} == FAMILIES
    assert len(names) == sum(FAMILIES.values())


def test_every_event_of_the_catalogue_has_an_example():
    assert {spec.name for spec in catalogue().values()} == {example["means"] for example in EXAMPLES}


def test_every_property_of_an_example_is_known():
    for example in EXAMPLES:
        spec = event_spec(example["event"])
        assert spec is not None
        known = {name for field in spec.properties.values() for name in field.names}
        assert set(example["properties"]) <= known, example["event"]


def test_a_required_name_is_a_property():
    for spec in catalogue().values():
        assert {name for names in spec.required for name in names} <= set(spec.properties), spec.name


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=NAME_CHARS_MAX + 5))
def test_any_text_is_a_name_or_none(name):
    assert _named(name) in {"", *(spec.name for spec in catalogue().values())}
