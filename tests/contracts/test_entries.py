"""What one changed text of a sound contract leads to: every fault of it and no other, in the words a reader sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.compiler.document import Spot
from contracts.compiler.paths import build_steps, show_steps
from tests.contracts.shop import SHOP, contract_of, faults_of


def test_the_contract_that_is_changed_here_is_sound(tmp_path: Path) -> None:
    assert faults_of(tmp_path, SHOP) == []


def test_all_means_every_value_unless_it_is_one(tmp_path: Path) -> None:
    found = {metric.name: metric.init for metric in contract_of(tmp_path, SHOP).metrics}
    assert found["shop_state"] == (("all", "a"),)
    assert found["shop_refused_total"][:3] == (("shop", "bad"), ("shop", "lacking"), ("web", "bad"))


def test_an_open_label_is_open_even_where_sources_state_its_value(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, SHOP.replace("till: till", "till: {value: a}"))
    assert contract.closed_label_sets(contract.metrics[0]) == ()


LABELS = [
    (
        "labels: [kind], budget: 2, when",
        "labels: [{__kind: kind}], budget: 2, when",
        ['metrics.shop_sum_total.labels[0]: the label "__kind" is reserved; rename it: {other_name: kind}'],
    ),
    ("labels: [kind], budget: 2, when", "labels: [{kind__: kind}], budget: 2, when", []),
    (
        "labels: [source, reason],\n     budget: 6, init: [{source: all, reason: all}]",
        "labels: [source, {reason: kind}],\n     budget: 6",
        [
            'metrics.shop_refused_total.labels[1]: got the label "reason", expected source or reason, as lines are'
            " refused before words are read"
        ],
    ),
    (
        "init: [{source: all, reason: all}]",
        "init: [{source: all}, {reason: bad}]",
        [
            'metrics.shop_refused_total.init[0]: the label "reason" is missing and has no default; give its value or'
            " all",
            'metrics.shop_refused_total.init[1]: the label "source" is missing and has no default; give its value or'
            " all",
        ],
    ),
    (
        "init: [{source: all, till: [a, b]}",
        "init: [{source: till, till: a}, {till: a}",
        [
            'metrics.shop_events_total.init[0].source: got "till", expected a value of "source": shop, web',
            'metrics.shop_events_total.init[1]: the label "source" is missing and has no default; give its value or'
            " all",
        ],
    ),
    (
        "labels: [source, kind, till], budget: 16",
        "labels: [source, kind, {till: tills}], budget: 16",
        [
            'metrics.shop_events_total.labels[2]: unknown word "tills"; declare it under vocabulary or use one of'
            " at, kind, state, sum, till, took"
        ],
    ),
    (
        "labels: [kind], budget: 2, when",
        "budget: 1, init: [{kind: sale}], when",
        ['metrics.shop_sum_total.init[0].kind: "kind" is no label of this metric; its labels: none'],
    ),
    (
        "init: [{till: a, state: all}]",
        "init: [{till: a}, {state: open}]",
        ['metrics.shop_state.init[1]: the label "till" is missing and has no default; give its value or all'],
    ),
    (
        "init: [{source: all, till: [a, b]}",
        "init: [{source: all, kind: [sale, gift], till: a}",
        ['metrics.shop_events_total.init[0].kind: got "gift", expected a value of "kind": sale, refund'],
    ),
]


@pytest.mark.parametrize(("old", "new", "said"), LABELS)
def test_a_label_is_one_an_event_can_fill_and_init_gives_what_has_no_default(
    tmp_path: Path, old: str, new: str, said: list[str]
) -> None:
    assert SHOP.count(old) == 1
    assert faults_of(tmp_path, SHOP.replace(old, new)) == said


METRICS = [
    (
        "  shop_sum_total: {type: counter, help: S., counts: events, amount: sum,",
        "  shop_sum_total: {type: counter, help: S., sets: sum, amount: sum,",
        ["metrics.shop_sum_total: got sets, expected exactly one of counts, rejections for a counter"],
    ),
    (
        "help: E., counts: kind, labels: [source, kind, till], budget: 16,",
        "help: E., counts: kind, rejections: {bad_json: x}, labels: [source, kind, till], budget: 15,",
        [
            "metrics.shop_events_total: got counts and rejections, expected exactly one of counts, rejections for a"
            " counter"
        ],
    ),
]


SUBJECTS = [
    *(
        (
            "states: state, labels",
            f"states: state, newest_by: {word}, labels",
            [f'metrics.shop_state.newest_by: newest_by needs a word with type: time, or lines; got "{word}"'],
        )
        for word in ("nowhere", "kind", "took")
    ),
    ("states: state, labels", "states: state, newest_by: at, labels", []),
    (
        "states: state, labels",
        "states: kind, newest_by: at, labels",
        [
            'metrics.shop_state.newest_by: the source "web" reads "kind" but not "at"; read it there',
            'metrics.shop_state.states: states needs "kind" among its labels; add it',
        ],
    ),
    (
        "sets: at, budget: 1}",
        "sets: at, newest_by: at, budget: 1}",
        [
            "metrics.shop_last_timestamp_seconds.newest_by: says nothing about a gauge of times, which never goes back;"
            " delete it"
        ],
    ),
    (
        "sets: at, budget: 1}",
        "sets: sum, keeps: max, newest_by: at, budget: 1}",
        ["metrics.shop_last_timestamp_seconds.newest_by: says nothing about a gauge that keeps a value; delete it"],
    ),
    (
        "sets: at, budget: 1}",
        "sets: sum, newest_by: lines, ends_after: 5, budget: 1}",
        [
            "metrics.shop_last_timestamp_seconds.ends_after: ends_after needs a time that tells how old an event is;"
            " name a time word in newest_by"
        ],
    ),
    ("sets: at, budget: 1}", "sets: sum, ends_after: 5, budget: 1}", []),
    ("sets: at, budget: 1}", "sets: at, ends_after: 5, budget: 1}", []),
    (
        "sets: at",
        "sets: events",
        ['metrics.shop_last_timestamp_seconds.sets: unknown word "events"; declare it under vocabulary'],
    ),
    (
        "amount: sum",
        "amount: sums",
        [
            "metrics.shop_sum_total.amount: amount needs a word with type: number and a min of at least 0, as a counter"
            ' only rises; got "sums"'
        ],
    ),
    (
        "amount: sum",
        "amount: at",
        [
            "metrics.shop_sum_total.amount: amount needs a word with type: number and a min of at least 0, as a counter"
            ' only rises; got "at"'
        ],
    ),
    (
        "observes: took",
        "observes: state",
        ['metrics.shop_took_seconds.observes: observes needs a word of kind number, but "state" is of kind enum'],
    ),
    (
        "observes: took",
        "observes: taken",
        ['metrics.shop_took_seconds.observes: unknown word "taken"; declare it under vocabulary'],
    ),
    ("{type: number, min: 0, max: 100}", "{type: number, min: 0.5}", []),
    (
        "when: {kind: sale}",
        "when: {sort: sale, kind: gift, source: shop, at: 7, took: {min: 1}, till: {max: 1}, sum: 101}",
        [
            'metrics.shop_sum_total.when.sort: unknown word "sort"; declare it under vocabulary',
            'metrics.shop_sum_total.when.kind: got "gift", expected a value of "kind": sale, refund',
            'metrics.shop_sum_total.when.source: the built-in word "source" can only be a label; let its source read a'
            " constant into a word, and use that",
            'metrics.shop_sum_total.when.at: "at" is of kind time: it can only be tested for being present',
            'metrics.shop_sum_total.when.till: "till" is of kind name: min and max test numbers; drop them',
            'metrics.shop_sum_total.when.sum: got "101", which is outside the min and max of "sum"; correct one',
        ],
    ),
    (
        "sets: at, budget: 1}",
        "sets: at, budget: 1, ends: {took: 1, nowhere: 2, state: gone, kind: sale}}",
        [
            'metrics.shop_last_timestamp_seconds.ends.took: ends tests words with values or allow, but "took" is of'
            " kind number; use another word",
            'metrics.shop_last_timestamp_seconds.ends.nowhere: unknown word "nowhere"; declare it under vocabulary',
            'metrics.shop_last_timestamp_seconds.ends.state: got "gone", expected a value of "state": open, closed,'
            " all",
        ],
    ),
    (
        "took: {type: number, min: 0}",
        "took: {type: number, min: -1}",
        [
            "metrics.shop_took_seconds.observes: observes needs a word with type: number and a min of at least 0, as"
            ' the sum of a histogram only rises; got "took"'
        ],
    ),
]


@pytest.mark.parametrize(("old", "new", "said"), SUBJECTS)
def test_what_a_metric_is_about_is_a_word_of_its_kind_and_told_once(
    tmp_path: Path, old: str, new: str, said: list[str]
) -> None:
    assert SHOP.count(old) == 1
    assert sorted(faults_of(tmp_path, SHOP.replace(old, new))) == sorted(said)


@pytest.mark.parametrize(("old", "new", "said"), METRICS)
def test_a_metric_does_one_thing_that_its_type_can_do(tmp_path: Path, old: str, new: str, said: list[str]) -> None:
    """One fault more, in a metric behind it, is said too."""
    text = SHOP.replace("help: R.,", "help: R., when: {kind: sale},")
    more = 'metrics.shop_refused_total.when: "when" says nothing about a counter with rejections; delete it'
    assert SHOP.count(old) == 1
    assert faults_of(tmp_path, text.replace(old, new)) == [*said, more]


@pytest.mark.parametrize("written", ["a[]", "a.b[].c{}", "rows[][]", "a[]{}.b<>", "a<>[].b.c[]"])
def test_the_steps_to_parts_are_shown_as_they_were_written(written: str) -> None:
    assert show_steps(build_steps(Spot(written, 1, ""))) == written


def test_a_read_of_several_paths_is_required_if_one_of_them_says_so(tmp_path: Path) -> None:
    for written in ("[{path: till, required: true}, {path: a}]", "[{path: till}, {path: a, required: true}]"):
        found = contract_of(tmp_path, SHOP.replace("till: till, sum: sum", f"till: {written}, sum: sum"))
        assert [read.word for read in found.sources[0].reads if read.required] == ["till"]


MADE = """\
exporter: {name: shop, help: Shop events., port: 9200, job: shop}
files: {default: shop.jsonl}
vocabulary:
  kind: {values: [sale]}
  at: {type: time}
  done: {type: time}
  wait: {type: number, unit: seconds}
  rest: {type: number, unit: seconds}
  size: {type: number, unit: bytes}
  share: {type: number, unit: ratio}
  price: {type: number}
  new: {type: number, IS}
sources: {shop: {match: {}, read: {at: at, done: done, wait: w, rest: r, size: s, share: h, price: p, kind: k}}}
metrics:
  made: {type: gauge, sets: new, help: N., budget: 1, newest_by: lines}
  sales: {type: gauge, adds: price, when: {kind: sale}, help: N., budget: 1}
  all_of_them:
    {type: gauge, adds: wait, help: N., budget: 1,
     when: {size: 1, share: 1, rest: 1, at: {present: true}, done: {present: true}}}
"""


@pytest.mark.parametrize(
    ("written", "unit", "said"),
    [
        ("done - at", "seconds", ""),
        ("done - at", "", 'gives seconds, but "new" is in no unit; write unit: seconds'),
        ("done - at", "bytes", 'gives seconds, but "new" is in bytes; write unit: seconds'),
        ("wait - rest", "seconds", ""),
        ("wait - rest", "", 'gives seconds, but "new" is in no unit; write unit: seconds'),
        ("wait - size", "seconds", "subtracts numbers of seconds and bytes; read both in one unit"),
        ("price - wait", "seconds", "subtracts numbers of no unit and seconds; read both in one unit"),
        ("price - price", "", ""),
        ("price - price", "seconds", 'gives no unit, but "new" is in seconds; drop its unit'),
        ("size * price", "bytes", ""),
        ("price * size", "bytes", ""),
        ("share * size", "bytes", ""),
        ("price * size", "", 'gives bytes, but "new" is in no unit; write unit: bytes'),
        ("price * price", "", ""),
        ("price * price", "ratio", ""),
        ("price * price", "seconds", 'gives no unit, but "new" is in seconds; drop its unit'),
        ("size * wait", "bytes", "multiplies bytes by seconds, for which there is no unit; use another word"),
        ("at * done", "seconds", "time * time says nothing; subtract two times, or join two numbers"),
        ("at - price", "seconds", "time - number says nothing; subtract two times, or join two numbers"),
        ("price * at", "seconds", "number * time says nothing; subtract two times, or join two numbers"),
        ("price - kind", "", 'needs two words of type number or time that are read, but "kind": it is of kind enum'),
    ],
)
def test_a_number_is_made_of_two_whose_units_allow_it(tmp_path: Path, written: str, unit: str, said: str) -> None:
    text = MADE.replace("IS", f"is: {written}" + (f", unit: {unit}" if unit else ""))
    assert faults_of(tmp_path, text) == ([f"vocabulary.new.is: {said}"] if said else [])


CHECKS = [
    ("name: shop", "name: Shop", ['exporter.name: got "Shop", expected a lower-case name (pattern [a-z][a-z0-9_]*)']),
    (
        "name: shop",
        "name: console",
        [
            'exporter.name: the name "console" is reserved; choose another',
            'exporter.name: the name is "console" but the file is shop.yaml; make them equal, with a _ in the name for'
            " each - of the file",
        ],
    ),
    ("port: 9200", "port: 1", []),
    ("port: 9200", "port: 65535", []),
    ("port: 9200", "port: 65536", ['exporter.port: got "65536", expected a port from 1 to 65535']),
    (
        "budget: 1}",
        "budget: 0}",
        ['metrics.shop_last_timestamp_seconds.budget: got "0", expected a whole number of at least 1'],
    ),
    *(
        (
            "took: {path: took, scale: 0.1}",
            f"took: {{path: took, {key}: {value}}}",
            [f'sources.shop.read.took.{key}: {key} maps texts to values, but "took" is of kind number; delete it'],
        )
        for key, value in (("otherwise", "many"), ("prefixes", "{a: b}"), ("contains", "{a: b}"))
    ),
    ("scale: 0.1", "scale: 0", ['sources.shop.read.took.scale: got "0", expected a number above 0']),
    (
        "budget: 16,",
        "budget: 15,",
        [
            "metrics.shop_events_total: it can reach 16 series (source 2 x kind 2 x till 4), but its budget is 15; drop"
            " a label, shorten a list or raise the budget"
        ],
    ),
    (
        "match: {v: 2}\n    read: {kind: kind, till: till}",
        "match: {v: 2}\n    read: {kind: kind, till: till, sums: sum}",
        [
            'sources.web.read.sums: unknown word "sums"; declare it under vocabulary or use one of at, kind, state,'
            " sum, till, took"
        ],
    ),
    (
        "match: {v: 2}\n    read: {kind: kind, till: till}",
        "match: {v: 2}\n    read: {kind: kind, till: [{path: till.name}, {value: T1}]}",
        [
            'sources.web.read.till[1].value: got "T1", but "till" shows it as "_"; write that',
        ],
    ),
    (
        "match: {v: 2}\n    read: {kind: kind, till: till}",
        "match: {v: 2}\n    read: {kind: kind, till: [{path: till, required: true}, {value: a}]}",
        ["sources.web.read.till: required says nothing about a read that always gives a value; drop it"],
    ),
    (
        "match: {v: 2}\n    read: {kind: kind, till: till}",
        "match: {v: 2}\n    read: {kind: kind, till: [{value: a}, {path: till, required: true}]}",
        ["sources.web.read.till[1]: never used, as the read before it always gives a value; put that one last"],
    ),
    *(
        (
            "took: {path: took, scale: 0.1}",
            f"took: {{path: took, {key}: nowhere}}",
            [
                f'sources.shop.read.took.{key}: {key} says how times are written, but "took" is of kind number; delete'
                " it"
            ],
        )
        for key in ("zone", "format")
    ),
    (
        "took: {path: took, scale: 0.1}",
        "took: [{path: took}, {value: 1, capture: (}]",
        ["sources.shop.read.took[1].capture: capture says nothing about a constant; delete it"],
    ),
    *(
        ("at: ts}", f"at: {{path: ts, {key}: [a]}}}}", [f"sources.shop.read.at.{key}: got a list, expected {what}"])
        for key, what in (
            ("zone", "a time zone such as Europe/Berlin"),
            ("format", "a format such as %d/%b/%Y:%H:%M:%S %z"),
            ("capture", "a pattern with one group"),
        )
    ),
    (
        "match: {v: 2}\n    read: {kind: kind, till: till}",
        "match: {v: 2}\n    read: {kind: kind, till: till.name}",
        [
            'sources.web: "till" is read as a value and as the object around "till.name"; read one of the two',
        ],
    ),
    (
        "match: {v: 2}\n    read: {kind: kind, till: till}",
        "match: {v: 2}\n    read: {kind: kind, till: till, sum: [{path: sum}, {value: many}]}",
        ['sources.web.read.sum[1].value: got "many", expected a number, as "sum" is one'],
    ),
    (
        "match: {v: 2}\n    read: {kind: kind, till: till}",
        "match: {v: 2}\n    read: {kind: kind, till: till, sum: [{path: sum}, {value: 101}]}",
        ['sources.web.read.sum[1].value: got "101", which is outside the min and max of "sum"; correct one'],
    ),
    (
        "match: {v: 2}\n    read: {kind: kind, till: till}",
        "match: {v: 2}\n    read: {kind: kind, till: till, sum: [{path: sum}, {value: 100}]}",
        [],
    ),
]


@pytest.mark.parametrize(("old", "new", "said"), CHECKS)
def test_what_parts_have_to_do_with_each_other_is_looked_at(
    tmp_path: Path, old: str, new: str, said: list[str]
) -> None:
    assert SHOP.count(old) == 1
    assert faults_of(tmp_path, SHOP.replace(old, new)) == said
