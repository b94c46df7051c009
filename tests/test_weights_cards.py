"""Cards: what weights were trained on, under which licences."""

import json
from pathlib import Path
from typing import Any

import pytest

from dvcodec import weights

NAMES = [entry.name for entry in weights.entries()]


@pytest.mark.parametrize("name", NAMES)
def test_a_card_names_the_licence_of_each_of_its_data_sources(name: str) -> None:
    card = weights.find(name).card
    assert card["sources"]
    for source in card["sources"]:
        assert {"name", "licence", "research_only"} <= source.keys()
        assert source["name"] and source["licence"] and type(source["research_only"]) is bool
    restricted = [source["name"] for source in card["sources"] if source["research_only"]]
    for word in restricted:
        assert word in card["licence"], f"the licence of {name} is silent on {word}"
    assert bool(restricted) == ("research" in card["licence"])


@pytest.mark.parametrize("name", NAMES)
def test_a_card_is_of_the_weights_beside_it(name: str) -> None:
    entry = weights.find(name)
    assert (entry.card["name"], entry.card["sha256"]) == (entry.name, entry.sha256)
    assert entry.card["bytes"] == entry.path.stat().st_size
    assert len(entry.card.get("history", "")) < 300


def test_every_card_belongs_to_weights_and_the_table_lists_them_all() -> None:
    folder = weights.find(NAMES[0]).path.parent
    assert {path.name.removesuffix(".card.json") for path in folder.glob("*.json")} == set(NAMES)
    table = (folder / "README.md").read_text()
    for name in NAMES:
        for source in weights.find(name).card["sources"]:
            assert source["name"] in table and source["licence"] in table
        assert f"`{name}`" in table


def test_no_card_speaks_of_weights_that_are_gone() -> None:
    def texts(value: Any) -> list[str]:
        held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
        return [value] if isinstance(value, str) else [text for part in held for text in texts(part)]

    folder = Path(weights.find(NAMES[0]).path.parent)
    for path in folder.glob("*.json"):
        for text in texts(json.loads(path.read_text())):
            assert not any(
                f"{job}-{n}" in text for job in ("rrvq-photo", "pixels-photo", "scans") for n in range(1, 10)
            )
