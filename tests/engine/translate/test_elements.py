"""Parts of many events opened at once: the same as one by one, whatever stands beside them."""

from itertools import product

import pytest
from msgspec import Raw
from msgspec.structs import astuple

from contracts.model import Step
from exporters.engine.translate.elements import Elements

LISTS = ["null", "[]", '[{"a": 1, "b": ["x"]}]', '[{"b": []}, {"a": "é"}]']
ODD = ["[7]", "[null, {}]", "{}", '"[]"', '[{"a": {}}]', "[[]]"]


def opened(elements: Elements, raws: list[object]) -> tuple[list[list[tuple[object, ...]]], list[tuple[int, str]]]:
    odd: list[tuple[int, str]] = []
    return [list(map(astuple, parts)) for parts in elements.open_all(raws, odd)], odd


@pytest.mark.parametrize("kinds", [*product(["lists", "odd"], repeat=2)])
def test_many_are_opened_as_each_by_itself(kinds: tuple[str, str]) -> None:
    elements = Elements([Step(("legs",), "[]")], {("a",): "any", ("b",): "parts"})
    left, right = ({"lists": LISTS, "odd": ODD}[kind] for kind in kinds)
    for pair in product(left, right):
        raws: list[object] = [Raw(text.encode()) for text in pair]
        (first, odd), (second, more) = (opened(elements, [raw]) for raw in raws)
        assert opened(elements, raws) == ([*first, *second], [*odd, *((1, reason) for _, reason in more)]), pair


def test_a_list_that_is_read_as_a_value_too_is_opened_beside_raw_json() -> None:
    elements = Elements([Step(("legs",), "[]")], {("a",): "any"})
    found, odd = opened(elements, [Raw(b'[{"a": 1}]'), [{"a": 2}, {"a": 3}], 7, Raw(b"[]")])
    assert ([len(parts) for parts in found], odd) == ([1, 2, 0, 0], [(2, "mistyped")])
    assert opened(elements, []) == ([], [])
