"""Two sides compared: each seeded kind of mismatch with its code, none in a clean pair, in any order of the lines."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.load import load_contract
from tests.budget import amount
from tests.commands.reconcile.conftest import KINDS, Kind, make_day, run

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[3]
FORMATS = ("jsonl", "csv")
EVERY = [pytest.param(kind, form, id=f"{kind.name}-{form}") for kind in KINDS.values() for form in kind.formats]


def found(output: str) -> list[tuple[str, str, str | None]]:
    """Return code, field and order of each mismatch of a JSON report."""
    return [(one["code"], one["field"], one["client_order_id"]) for one in json.loads(output)["mismatches"]]


def without_places(report: dict[str, Any]) -> dict[str, Any]:
    for one in report["mismatches"]:
        for side in (one["ledger"], one["broker"]):
            for name in ("line", "offset") if side else ():
                del side[name]
    return report


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("seed", range(amount(8, 100)))
def test_a_clean_pair_has_no_mismatch(form: str, seed: int, tmp_path: Path) -> None:
    result = run(*make_day(60, seed).write(tmp_path, form), "--json")
    assert (result.exit_code, found(result.stdout), json.loads(result.stdout)["result"]) == (0, [], "ok")


def test_there_are_at_least_twelve_kinds_and_every_code_of_the_contract_is_among_them() -> None:
    codes = load_contract(ROOT / "contracts/execution_watch.yaml").words["code"].values
    assert {kind.code for kind in KINDS.values()} == set(codes)
    assert len(KINDS) >= 12


@pytest.mark.parametrize(("kind", "form"), EVERY)
def test_a_seeded_mismatch_is_found_with_its_code_and_nothing_else_is(kind: Kind, form: str, tmp_path: Path) -> None:
    day = make_day()
    kind.spoil(day)
    result = run(*day.write(tmp_path, form), "--json")
    assert result.exit_code == 1
    # Kraken's trades know no client's ids, so an order only they know has none.
    client = None if kind.order < 0 or (form == "csv" and kind.code == "ghost_broker_order") else f"co-{kind.order}"
    assert found(result.stdout) == [(kind.code, kind.field, client)]


@pytest.mark.parametrize("form", FORMATS)
@given(chosen=st.sets(st.sampled_from([kind for kind in KINDS.values() if kind.order >= 0])), seed=st.integers(0, 999))
@settings(max_examples=amount(15, 400), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_result_is_the_same_under_any_order_of_the_lines(
    form: str, chosen: set[Kind], seed: int, tmp_path: Path
) -> None:
    day = make_day()
    for kind in sorted(chosen, key=lambda kind: kind.name):
        if form in kind.formats and not (kind.order == 0 and not day.of(0, "fill")):
            try:
                kind.spoil(day)
            except (IndexError, StopIteration):
                continue  # another fault took away what this one spoils
    plain = run(*day.write(tmp_path, form), "--json")
    mixed = run(*day.shuffled(Random(seed)).write(tmp_path, form), "--json")
    assert plain.exit_code == mixed.exit_code
    assert without_places(json.loads(plain.stdout)) == without_places(json.loads(mixed.stdout))


def test_the_report_names_the_line_and_the_offset_of_both_sides(tmp_path: Path) -> None:
    day = make_day(1)
    day.listed_as(0)["fee"] = "99"
    arguments = day.write(tmp_path, "jsonl")
    result = run(*arguments)
    lines = (tmp_path / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    offset = len(b"".join(lines[:3]))
    fee = day.of(0, "fill")[0]["fee"]
    assert (result.exit_code, result.stdout.splitlines()) == (
        1,
        [
            "ledger: 4 lines, 0 of something else, 0 unusable",
            "broker: 1 lines, 0 of something else, 0 unusable",
            "orders: 1 on both sides",
            "tolerances: qty 1E-9, price 0.000001 of it, fee 0.0001",
            "partial_fill_mismatch: 1",
            f"  partial_fill_mismatch  co-0 O-0: fee: ledger {fee} ({tmp_path}/ledger.jsonl:4@{offset}),"
            f" broker 99 ({tmp_path}/mock_broker.jsonl:1@0)",
            "result: 1 mismatch",
        ],
    )


@pytest.mark.parametrize(
    ("flag", "field", "difference", "code"),
    [
        ("--price-tolerance", "price", "1.0", 1),
        ("--price-tolerance", "price", "0.0001", 0),
        ("--fee-tolerance", "fee", "0.0002", 1),
        ("--fee-tolerance", "fee", "0.0001", 0),
        ("--qty-tolerance", "filled_qty", "0.000000002", 1),
        ("--qty-tolerance", "filled_qty", "0.000000001", 0),
    ],
)
def test_numbers_may_differ_as_far_as_the_tolerance_and_no_further(
    flag: str, field: str, difference: str, code: int, tmp_path: Path
) -> None:
    day = make_day(1)
    listed = day.listed_as(0)
    listed[field] = str(Decimal(listed[field]) - Decimal(difference))
    arguments = day.write(tmp_path, "jsonl")
    assert run(*arguments).exit_code == code
    assert run(*arguments, flag, "5").exit_code == 0
    assert run(*arguments, flag, "0").exit_code == 1


def test_ids_that_come_together_are_one_order_wherever_they_do(tmp_path: Path) -> None:
    day = make_day(2)
    for line in day.of(1, "fill"):
        del line["client_order_id"]  # the acknowledgement names both
    day.ledger.reverse()
    assert run(*day.write(tmp_path, "csv")).exit_code == 0


def test_an_order_the_broker_gave_no_id_is_matched_by_the_clients(tmp_path: Path) -> None:
    day = make_day(2)
    for line in day.ledger:
        line.pop("broker_order_id", None)
    assert run(*day.write(tmp_path, "jsonl")).exit_code == 0
    assert run(*day.write(tmp_path, "csv")).exit_code == 1


def test_shadow_orders_never_reach_the_exchange_and_are_left_out_of_a_csv(tmp_path: Path) -> None:
    day = make_day(4)
    extra = make_day(1, seed=9).ledger
    other = {"mode": "shadow", "client_order_id": "co-x", "broker_order_id": "O-x"}
    day.ledger += [{**line, **other} for line in extra]
    arguments = day.write(tmp_path, "csv")
    assert run(*arguments).exit_code == 0
    assert found(run(*arguments, "--mode", "all", "--json").stdout) == [("missing_on_broker", "order", "co-x")]


def test_orders_outside_the_window_are_not_compared(tmp_path: Path) -> None:
    day = make_day(4)
    day.listed[:] = [line for line in day.listed if line["client_order_id"] != "co-0"]
    arguments = [*day.write(tmp_path, "jsonl"), "--json"]
    assert found(run(*arguments).stdout) == [("missing_on_broker", "order", "co-0")]
    late = json.loads(run(*arguments, "--since", "2026-01-25T01:01:00Z").stdout)
    assert (late["result"], late["outside_window"], late["matched"]) == ("ok", 1, 3)
    early = json.loads(run(*arguments, "--until", "2026-01-25 01:01:59").stdout)
    assert (early["codes"], early["outside_window"]) == ({"missing_on_broker": 1}, 2)


def test_the_side_that_is_ahead_has_a_lag(tmp_path: Path) -> None:
    day = make_day(4)
    day.listed[:] = [line for line in day.listed if line["client_order_id"] != "co-1"]
    report = json.loads(run(*day.write(tmp_path, "jsonl"), "--json").stdout)
    assert report["lag_seconds"] == {"ledger": 124.0, "broker": 0.0}, "from 01:01:00 to 01:03:04"


def test_exports_that_overlap_and_ledgers_named_twice_count_once(tmp_path: Path) -> None:
    day = make_day(6)
    day.trades += day.trades[:3]
    arguments = day.write(tmp_path, "csv")
    copy = tmp_path / "ledger.jsonl.1"
    copy.write_bytes((tmp_path / "ledger.jsonl").read_bytes())
    result = json.loads(run(*arguments, "--ledger", arguments[1], "--ledger", str(copy), "--json").stdout)
    assert (result["result"], result["broker"]["left_out"]) == ("ok", 3)


@pytest.mark.parametrize("name", ["price", "fee"])
@pytest.mark.parametrize("value", ["NaN", "sNaN", float("inf"), 1e300])
def test_a_price_or_fee_that_is_no_number_of_this_world_is_said_and_never_added(
    name: str, value: object, tmp_path: Path
) -> None:
    day = make_day(1)
    day.of(0, "fill")[0][name] = value
    result = run(*day.write(tmp_path, "jsonl"), "--json")
    assert found(result.stdout) == [("invariant_non_finite_qty", "qty", "co-0")]


def test_a_quantity_that_is_not_finite_is_said_even_if_the_order_is_known_by_two_ids_only_later(tmp_path: Path) -> None:
    day = make_day(1)
    fill = day.of(0, "fill")[0]
    fill["qty"] = "NaN"
    del fill["client_order_id"]
    day.ledger.insert(0, day.ledger.pop())
    result = run(*day.write(tmp_path, "jsonl"), "--json")
    assert found(result.stdout) == [("invariant_non_finite_qty", "qty", "co-0")]


def test_lines_go_on_finding_an_order_after_its_ids_came_together(tmp_path: Path) -> None:
    day = make_day(2)
    fills = day.of(1, "fill")
    for fill in fills:
        del fill["client_order_id"]
    rest = [line for line in day.ledger if line not in fills]
    day.ledger[:] = [fills[0], *rest, fills[1]]
    assert run(*day.write(tmp_path, "csv")).exit_code == 0


def test_a_ledger_that_begins_amid_an_order_does_not_know_its_state(tmp_path: Path) -> None:
    day = make_day(1)
    day.ledger[:] = day.of(0, "fill")
    assert run(*day.write(tmp_path, "jsonl")).exit_code == 0
    day.listed_as(0)["status"] = "open"
    assert run(*day.write(tmp_path, "jsonl")).exit_code == 0


def test_the_later_statement_of_an_orders_quantity_is_believed(tmp_path: Path) -> None:
    day = make_day(1)
    day.of(0, "intent")[0]["qty"] = 1e-9
    day.of(0, "submit")[0]["qty"] = 1e-9
    assert run(*day.write(tmp_path, "csv")).exit_code == 0
    day.of(0, "ack")[0]["qty"] = 1e-9
    result = run(*day.write(tmp_path, "csv"), "--json")
    assert found(result.stdout) == [("invariant_filled_exceeds_qty", "qty", "co-0")]


def test_a_fill_below_the_tolerance_that_one_side_lacks_is_none(tmp_path: Path) -> None:
    day = make_day(3)
    tiny = {**day.of(2, "ack")[0], "stage": "fill", "qty": 1e-10, "price": 1.0, "fee": 0.0}
    day.ledger.append(tiny)
    assert run(*day.write(tmp_path, "jsonl")).exit_code == 0


def test_the_bounds_of_the_window_are_in_it(tmp_path: Path) -> None:
    arguments = [*make_day(1).write(tmp_path, "jsonl"), "--json"]
    inside = ["--since", "2026-01-25T01:00:00Z", "--until", "2026-01-25T01:00:03Z"]
    assert json.loads(run(*arguments, *inside).stdout)["outside_window"] == 0
    assert json.loads(run(*arguments, "--until", "2026-01-25T01:00:02.9Z").stdout)["outside_window"] == 1
    assert json.loads(run(*arguments, "--since", "2026-01-25T01:00:00.1Z").stdout)["outside_window"] == 1


def test_the_side_of_the_broker_has_a_lag_too(tmp_path: Path) -> None:
    day = make_day(4)
    day.ledger[:] = [line for line in day.ledger if line["client_order_id"] != "co-1"]
    report = json.loads(run(*day.write(tmp_path, "jsonl"), "--json").stdout)
    assert report["lag_seconds"] == {"ledger": 0.0, "broker": 122.0}, "from 01:01:02 to 01:03:04"
