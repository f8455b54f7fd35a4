"""A contract without files: sessions record, and the same reader, pages and comparison speak of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from contracts.compiler.document import ContractError
from contracts.diff import compare
from contracts.load import load_contract
from contracts.model import Contract
from contracts.pages.metrics import render_metrics
from contracts.pages.show import render_contract

TEXT = """
exporter: {name: shop, help: Sessions of the shop., port: 9300, job: shop}
folder: {env: SHOP_DIR, default: shards}
vocabulary:
  decision: {values: [buy, sell]}
  till: {allow: "a-z0-9", fold: true, max_length: 8, max_values: 3, default: na}
  level: {type: number, unit: ratio, min: 0, max: 1}
metrics:
  shop_decisions_total:
    {type: counter, help: Decisions., counts: decision, labels: [till, decision], init: [{decision: all}], budget: 8}
  shop_level_ratio: {type: gauge, help: How full it is., sets: level, labels: [till], init: [{}], budget: 4}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Contract:
    path = tmp_path / "shop.yaml"
    path.write_text(TEXT)
    return load_contract(path)


def test_it_names_a_folder_and_reads_no_lines(shop: Contract) -> None:
    assert (shop.is_recorded, shop.files.env, shop.files.default) == (True, "SHOP_DIR", ("shards",))
    assert (shop.files.max_line_bytes, shop.sources, shop.pairs) == (0, (), ())


def test_a_gauge_may_name_the_series_it_has_from_the_start(shop: Contract) -> None:
    decisions, level = shop.metrics
    assert decisions.init == ((None, "buy"), (None, "sell"))
    assert level.init == ((None,),)


def test_it_is_shown_like_any_other(shop: Contract) -> None:
    assert list(render_contract(shop)) == [
        "shop: Sessions of the shop.",
        "port 9300, job shop, folder shards ($SHOP_DIR)",
        "",
        "metric                type     series  samples  labels",
        "shop_decisions_total  counter       8        8  till (at most 4); decision buy|sell",
        "shop_level_ratio      gauge         4        4  till (at most 4)",
        "",
        "2 metrics, at most 12 series and 12 samples",
    ]


def test_its_reference_says_that_calls_move_it(shop: Contract) -> None:
    page = render_metrics((shop,))
    assert "Port 9300, job `shop`, sessions record in `shards`; changed by `SHOP_DIR`." in page
    assert (
        "| `shop_decisions_total` | counter | till: at most 4; decision: buy, sell | 8 | calls | Decisions. |" in page
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "counts: decision, labels: [till, decision]",
            "counts: choice, labels: [till, decision]",
            ['metrics.shop_decisions_total.counts: unknown word "choice"; declare it under vocabulary'],
        ),
        (
            "counts: decision, labels: [till, decision]",
            "counts: events, labels: [till, decision]",
            [
                "metrics.shop_decisions_total.counts: where sessions record, counts names one of the labels; got"
                ' "events"'
            ],
        ),
        (
            "labels: [till, decision], init: [{decision: all}], budget: 8",
            "labels: [till], budget: 4",
            [
                "metrics.shop_decisions_total.counts: where sessions record, counts names one of the labels; got"
                ' "decision"'
            ],
        ),
        (
            "init: [{decision: all}], budget: 8",
            "budget: 8, init: [{decision: hold}]",
            ['metrics.shop_decisions_total.init[0].decision: got "hold", expected a value of "decision": buy, sell'],
        ),
        (
            "sets: level",
            "sets: levels",
            ['metrics.shop_level_ratio.sets: unknown word "levels"; declare it under vocabulary'],
        ),
    ],
)
def test_a_call_names_a_label_or_a_number(tmp_path: Path, old: str, new: str, said: list[str]) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(ContractError) as caught:
        load_contract(path)
    assert [f"{fault.path}: {fault.problem}" for fault in caught.value.faults] == said


def test_to_read_files_instead_is_a_breaking_change(shop: Contract) -> None:
    found = compare(shop, replace(shop, is_recorded=False))
    assert [(change.effect, change.text) for change in found] == [
        ("breaking", "origin of the exporter changed (was a folder, is files)")
    ]
