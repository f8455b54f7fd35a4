"""Numbers made of two words: differences and products, each outcome counted once."""

from collections.abc import Callable

from tests.engine.support.harness import Bench

Make = Callable[..., Bench]

SPANS = """
vocabulary:
  received: {type: time}
  done: {type: time}
  took: {type: number, unit: seconds, is: done - received, min: 0, max: 100}
  price: {type: number, min: 0}
  quantity: {type: number}
  notional: {type: number, is: price * quantity}
  side: {values: [buy, sell]}
sources:
  span: {match: {v: 1}, read: {received: a, done: b}}
  trade: {match: {v: 2}, read: {price: p, quantity: q, side: side}}
  basket: {match: {v: 3}, read: {price: p}, parts: {leg: {of: "legs[]", read: {quantity: q, side: side}}}}
metrics:
  took_seconds: {type: histogram, observes: took, buckets: [0.1, 1], help: T., budget: 1}
  slow_total: {type: counter, counts: events, when: {took: {min: 0.1}}, help: S., budget: 1}
  notional: {type: gauge, adds: notional, labels: [side], help: N., budget: 2}
  price: {type: gauge, sets: price, help: P., budget: 1}
"""


def test_a_difference_of_times_is_exact_to_the_nanosecond(bench: Make) -> None:
    made = bench(SPANS).feed(
        {"v": 1, "a": "2026-01-01T00:00:00.017Z", "b": "2026-01-01T00:00:00.117Z"},
        {"v": 1, "a": 1767225600, "b": "2026-01-01T00:00:00.100000001Z"},
    )
    (took,) = made.samples("took_seconds")
    assert (took.buckets, made.values("slow_total")) == ((1, 1, 0), {(): 2})


def test_what_is_out_of_bounds_or_lacks_a_half_is_counted_once(bench: Make) -> None:
    made = bench(SPANS).feed(
        {"v": 1, "a": 1767225601, "b": 1767225600},
        {"v": 1, "a": 1767225600, "b": 1767225800},
        {"v": 1, "a": 1767225600},
        {"v": 1, "a": "soon", "b": 1767225600},
        {"v": 2, "p": 1e200, "q": 1e200, "side": "buy"},
    )
    assert made.moved("refused_values_total") == {
        ("took", "out_of_range"): 2,
        ("received", "mistyped"): 1,
        ("notional", "out_of_range"): 1,
    }
    assert made.moved("absent_values_total") == {("done",): 1}
    assert made.moved("lines_total") == {("applied",): 1, ("ignored",): 4}, "the price of the trade is shown"


def test_a_difference_of_numbers_may_be_as_small_and_as_large_as_its_bounds_and_no_more(bench: Make) -> None:
    made = bench("""
vocabulary:
  paid: {type: number}
  cost: {type: number}
  gain: {type: number, is: paid - cost, min: -2, max: 3}
sources: {s: {match: {}, read: {paid: p, cost: c}}}
metrics: {gain: {type: gauge, adds: gain, help: G., budget: 1}, gains_total: {type: counter, counts: events,
  when: {gain: {present: true}}, help: G., budget: 1}}
""").feed({"p": 5, "c": 2}, {"p": 1.5, "c": 3.5}, {"p": 5.001, "c": 2}, {"p": 1, "c": 3.001}, {"p": 2, "c": 1.5})
    assert (made.values("gain"), made.values("gains_total")) == ({(): 1.5}, {(): 3})
    assert made.moved("refused_values_total") == {("gain", "out_of_range"): 2}


def test_a_part_joins_its_word_with_one_of_its_line(bench: Make) -> None:
    made = bench(SPANS).feed(
        {"v": 2, "p": "10", "q": 2, "side": "buy"},
        {"v": 3, "p": 3, "legs": [{"q": 1, "side": "buy"}, {"q": -2, "side": "sell"}, {"side": "sell"}]},
    )
    assert made.values("notional") == {("buy",): 23, ("sell",): -6}
    assert made.values("price") == {(): 3}


def test_a_number_of_the_line_that_is_refused_is_counted_once_whatever_its_parts(bench: Make) -> None:
    made = bench(SPANS).feed({"v": 3, "p": -3, "legs": [{"q": 1, "side": "buy"}, {"q": 2, "side": "sell"}]})
    assert made.moved("refused_values_total") == {("price", "out_of_range"): 1}
    assert made.values("notional") == {("buy",): 0, ("sell",): 0}


def test_a_made_number_is_made_where_it_is_asked_for_and_nowhere_else(bench: Make) -> None:
    made = bench("""
vocabulary:
  price: {type: number, min: 0}
  quantity: {type: number}
  notional: {type: number, is: price * quantity, min: 0, max: 100}
  side: {values: [buy, sell]}
sources:
  trade: {match: {v: 1}, read: {price: p, quantity: q, side: side}}
  quote: {match: {v: 2}, read: {price: p, side: side}}
metrics:
  notional: {type: histogram, observes: notional, when: {side: buy}, buckets: [10], help: N., budget: 1}
  price: {type: gauge, sets: price, help: P., budget: 1}
  quantity: {type: gauge, sets: quantity, help: Q., budget: 1}
""").feed(
        {"v": 1, "side": "buy", "p": 2, "q": 3},
        {"v": 1, "side": "sell", "p": 5, "q": 7},
        {"v": 1, "side": "sell", "p": 500, "q": 7},
        {"v": 2, "side": "buy", "p": 11},
        {"v": 1, "side": "buy", "p": 4, "q": 5},
    )
    (notional,) = made.samples("notional")
    assert (notional.value, notional.buckets) == (26, (1, 1))
    assert made.moved("refused_values_total") == {}


def test_a_word_that_sources_read_in_their_own_ways_is_counted_once_for_each_event(bench: Make) -> None:
    made = bench("""
vocabulary: {heat: {type: number, min: 0}}
sources:
  one: {match: {v: 1}, read: {heat: a}}
  two: {match: {v: 2}, read: {heat: b}}
metrics: {heat: {type: histogram, observes: heat, buckets: [10], help: H., budget: 1}}
""").feed({"v": 1, "a": -1}, {"v": 2}, {"v": 1, "a": 3}, {"v": 2, "b": "x"}, {"v": 1}, {"v": 2, "b": 4}, {"v": 2})
    (heat,) = made.samples("heat")
    assert (heat.value, sum(heat.buckets)) == (7, 2)
    assert made.moved("refused_values_total") == {("heat", "out_of_range"): 1, ("heat", "mistyped"): 1}
    assert made.moved("absent_values_total") == {("heat",): 3}


JOINED = """
vocabulary:
  stage: {values: [open, done]}
  edge: {values: [open_to_done]}
  id: {type: id}
  at: {type: time}
  latency: {type: number, unit: seconds, min: 0}
sources: {all: {match: {}, read: {stage: stage, id: id, at: at}}}
pairs: {order: {id: id, stage: stage, at: at, edge: edge, latency: latency, edges: {open_to_done: [open, done]}}}
metrics:
  open_seconds: {type: histogram, observes: latency, labels: [edge], buckets: [1], help: E., budget: 1}
"""


def test_events_whose_id_or_time_was_refused_or_is_absent_join_nothing(bench: Make) -> None:
    odds: list[dict[str, object]] = [{"id": []}, {"id": None}, {"at": "soon"}, {"at": None}]
    for odd in odds:
        plain: dict[str, object] = {"stage": "open", "id": "i", "at": 1769000000}
        made = bench(JOINED).feed({**plain, **odd}, plain, {**plain, **odd, "stage": "done"})
        (joins,) = made.effect.joins
        assert (joins.ids, joins.times) == (["i"], [1769000000 * 10**9]), odd
        assert made.moved("lines_total") == {("applied",): 1, ("ignored",): 2}


def test_a_latency_goes_into_histograms_of_its_word_and_nowhere_else(bench: Make) -> None:
    made = bench(
        JOINED.replace("at: at}", "at: at, size: size, latency: latency}").replace(
            "vocabulary:",
            """vocabulary:
  size: {type: number, min: 0}""",
        )
        + """  sizes: {type: histogram, observes: size, buckets: [1], help: S., budget: 1}
  all_seconds: {type: histogram, observes: latency, buckets: [1], help: A., budget: 1}
  latest_seconds: {type: gauge, sets: latency, help: L., budget: 1}
"""
    ).feed({"stage": "open", "id": "i", "at": 1769000000}, {"stage": "done", "id": "i", "at": 1769000003})
    assert (made.values("open_seconds"), made.values("all_seconds")) == ({("open_to_done",): 3}, {(): 3})
    assert made.values("sizes") == {(): 0}
    assert made.values("latest_seconds") == {}
