"""Levels of parts: what the path of the file says, names and places are those of the lines around them."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from contracts.load import load_contract
from exporters.engine.decode import Decoder
from exporters.engine.translate.translate import Translator
from exporters.engine.values import Count
from tests.engine.support.harness import HEAD, NOW, Bench, line_of

Make = Callable[..., Bench]

NOTES = """
vocabulary:
  bot: {allow: a-z, max_length: 5, max_values: 3}
  heat: {type: number}
sources:
  many: {match: {kind: many}, read: {bot: bot}, parts: {note: {of: "notes[]", read: {bot: bot, heat: heat}}}}
  plain: {match: {}, read: {bot: bot, heat: heat}}
metrics:
  bots_total: {type: counter, counts: bot, labels: [bot, source], budget: 8, help: B.}
  heat: {type: gauge, sets: heat, budget: 1, help: H.}
"""


def test_names_of_lines_and_parts_take_their_places_in_the_order_of_the_lines(bench: Make) -> None:
    made = bench(NOTES).feed(
        {"kind": "many", "bot": "a", "notes": [{"bot": "n", "heat": 1}]},
        {"bot": "b", "heat": 2},
        {"bot": "c", "heat": 3},
        {"kind": "many", "bot": "a", "notes": [{"bot": "m", "heat": 4}]},
    )
    assert [name for _, name in made.effect.names] == ["a", "n", "b"] == list(made.state.seen["bot"])
    assert made.moved("bots_total") == {
        ("a", "many"): 2,
        ("n", "many"): 1,
        ("b", "plain"): 1,
        ("other", "plain"): 1,
        ("other", "many"): 1,
    }
    assert made.values("heat") == {(): 4}


BOTS = NOTES.replace("  heat: {type: number}\n", "").replace(", heat: heat", "").partition("  heat:")[0]


@pytest.mark.parametrize("seed", range(40))
def test_names_of_lines_do_not_take_the_places_of_names_in_parts_before_them(bench: Make, seed: int) -> None:
    chance = Random(seed)
    lines = [
        {
            "kind": chance.choice(["many", "one"]),
            "bot": one,
            "notes": [{"bot": one} for one in chance.sample("abcdef", 2)],
        }
        for one in chance.choices("abcdef", k=8)
    ]
    whole, each = bench(BOTS).feed(*lines), bench(BOTS).feed_each(*lines)
    assert list(whole.state.seen["bot"]) == list(each.state.seen["bot"])
    assert whole.everything() == each.everything()


def test_where_only_parts_take_places_lines_and_parts_are_done_together(bench: Make) -> None:
    made = bench(NOTES).feed(*({"kind": "many", "notes": [{"bot": name}, {"bot": name}]} for name in "abab"))
    assert [name for _, name in made.effect.names] == ["a", "b"]
    assert made.moved("bots_total") == {("a", "many"): 4, ("b", "many"): 4}


FILES = (
    HEAD.replace("sample.jsonl", '"runs/{run}.jsonl"')
    + """
vocabulary:
  run: {allow: "a-z", max_length: 8, max_values: 9}
  size: {type: number, min: 0}
  tag: {values: [x, y]}
sources:
  f:
    match: {}
    read: {run: {file: run}}
    parts:
      item: {of: "boxes[].items[]", read: {size: n}, parts: {tag: {of: "tags[]", read: {tag: value}}}}
metrics:
  sizes_total: {type: counter, counts: events, amount: size, labels: [run], budget: 10, help: S.}
  tags_total: {type: counter, counts: tag, labels: [tag, run], budget: 20, help: T.}
"""
)


@pytest.mark.parametrize("alone", [False, True])
def test_what_the_path_of_the_file_says_goes_for_the_parts_of_every_level(tmp_path: Path, alone: bool) -> None:
    path = tmp_path / "sample.yaml"
    path.write_text(FILES, encoding="utf-8")
    spec = load_contract(path)
    translator, decoder = Translator(spec, {}), Decoder(spec)
    line = line_of({"boxes": [{"items": [{"n": 1, "tags": ["x", "y"]}]}, {}, {"items": [{"n": 2}, {"tags": ["x"]}]}]})
    for run in ("one", "two", "one"):
        moved: defaultdict[tuple[str, ...], float] = defaultdict(float)
        for lines in [line, line] if alone else [line * 2]:
            for update in translator.translate(decoder.decode(lines).events, NOW, {"run": run}).updates:
                by = update.amount if isinstance(update, Count) else sum(update.values)  # type: ignore[union-attr]
                moved[update.metric.name, *update.labels] += by
        assert moved == {("sizes_total", run): 6, ("tags_total", "x", run): 4, ("tags_total", "y", run): 2}


def test_a_name_that_a_line_shows_first_is_told_apart_in_parts_too(bench: Make) -> None:
    made = bench(NOTES.replace("max_values: 3", "max_values: 2"))
    made.feed({"kind": "many", "notes": [{"bot": "a"}]})
    made.feed({"bot": "b"})
    made.feed({"kind": "many", "notes": [{"bot": "d"}, {"bot": "b"}, {"bot": "a"}]})
    assert made.moved("bots_total") == {("a", "many"): 2, ("b", "plain"): 1, ("b", "many"): 1, ("other", "many"): 1}


def test_beside_a_line_with_too_many_parts_one_that_moves_by_itself_and_by_its_part_counts_once(bench: Make) -> None:
    made = bench(NOTES.replace("read: {bot: bot}, parts", "max_parts: 1, read: {bot: bot}, parts"))
    made.feed({"bot": "a"}, {"bot": "b"}).feed(
        {"kind": "many", "bot": "a", "notes": [{}, {}]}, {"kind": "many", "bot": "a", "notes": [{"bot": "b"}]}
    )
    assert made.moved("lines_total") == {("too_many_parts",): 1, ("applied",): 3}
