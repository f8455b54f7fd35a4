"""What contradicts itself within a vocabulary is told, word by word and once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contracts.shop import SHOP, faults_of

KIND = "kind: {values: [sale, refund], default: sale}"
TILL = "till: {allow: a-z, max_length: 8, max_values: 3}"
TOOK = "took: {type: number, min: 0}"
AT = "at: {type: time}"
LESS = 'less: no metric, pair or condition uses the word "less"; use it or delete it'
SIX = 'less.aliases.6: got "6", which is outside the min and max of "less"; correct one'

CASES = [
    (
        TILL,
        "till: {allow: a-z, type: id}\n  more: {type: number, min: 5, max: 1}",
        [
            "more: min 5 is above max 1; swap them",
            "till: got type and allow, expected exactly one of type, values, allow; keep the one that is meant",
        ],
    ),
    (
        KIND,
        "kind: {values: [sale, refund, Sale, ' x'], default: gone}",
        [
            'kind.default: got "gone", expected a value of "kind": sale, refund, Sale,  x',
            'kind.values[2]: the value "Sale" stands here twice (case does not count); delete one',
            'kind.values[3]: the value " x" begins or ends with a blank, but texts are trimmed; trim it',
        ],
    ),
    (
        KIND,
        "kind: {values: [sale, refund], otherwise: Sale, default: sale}",
        ['kind.otherwise: the value "Sale" stands here twice (case does not count); delete one'],
    ),
    (KIND, "kind: {values: [sale, refund], otherwise: sale, default: sale}", []),
    (
        TILL,
        "till: {allow: '[a-z]', default: T}",
        [
            "till: max_length is missing; a name needs it, so that the number of series stays bounded",
            "till: max_values is missing; a name needs it, so that the number of series stays bounded",
            r"till.allow: not the inside of a regex class (a bracket is written \[ or \]); write e.g. A-Za-z0-9._-",
        ],
    ),
    (
        TILL,
        "till: {allow: a-z, max_length: 8, max_values: 3, default: T1}",
        ['till.default: got "T1", but "till" shows it as "_"; write that'],
    ),
    *(
        (
            TILL,
            f"till: {{allow: a-z, max_values: 3, default: {'a' * length}}}",
            ["till: max_length is missing; a name needs it, so that the number of series stays bounded", *more],
        )
        for length, more in (
            (64, []),
            (65, [f'till.default: got "{"a" * 65}", but "till" shows it as "{"a" * 64}"; write that']),
        )
    ),
    (
        TOOK,
        "took: {type: number, min: 0, aliases: {many: [x], '1': [y], '-1': [z]}}",
        [
            'took.aliases.-1: got "-1", which is outside the min and max of "took"; correct one',
            'took.aliases.many: got "many", expected a number, as "took" is one',
        ],
    ),
    (TOOK, "took: {type: number, min: 0, max: 0}", []),
    (TOOK, "took: {type: number, min: 0}\n  less: {type: number, max: 5}", [LESS]),
    (TOOK, "took: {type: number, min: 0}\n  less: {type: number, max: 5, aliases: {'6': [many], '-9': [few]}}", [SIX]),
    (TOOK, "took: {type: number, min: 0, max: 9, aliases: {'0': [none], '9': [all]}}", []),
    (
        KIND,
        "kind: {values: [sale, refund], default: sale, aliases: {sale: [sold, refund], refund: [SOLD], gift: [it]}}",
        [
            'kind.aliases.gift: got the value "gift", expected one of sale, refund',
            'kind.aliases.refund[0]: "SOLD" means "sale" already; delete one of the two',
            'kind.aliases.sale[1]: "refund" is a value itself, so it cannot mean another; delete it here',
        ],
    ),
    (
        TILL,
        f"source: {{values: [a]}}\n  events: {{values: [b]}}\n  {TILL}",
        [
            'events: the word "events" is built in (`counts: events` counts every event); choose another name',
            'source: the word "source" is built in (the name of the source an event matched); choose another name',
        ],
    ),
    (
        AT,
        "at: {type: time, unit: seconds, min: 1}",
        [
            'at.min: "min" says nothing about a word of kind time; delete it',
            'at.unit: "unit" says nothing about a word of kind time; delete it',
        ],
    ),
]


@pytest.mark.parametrize(("old", "new", "said"), CASES)
def test_a_word_says_one_thing(tmp_path: Path, old: str, new: str, said: list[str]) -> None:
    assert SHOP.count(old) == 1
    assert sorted(faults_of(tmp_path, SHOP.replace(old, new))) == sorted(f"vocabulary.{one}" for one in said)


def test_what_mentions_a_word_that_has_a_fault_anywhere_is_not_judged_and_everything_else_is(tmp_path: Path) -> None:
    text = SHOP.replace(KIND, "kind: {values: [sale, refund], type: id}").replace("took, labels: [kind]", "tok")
    for old, new in (
        ("counts: kind, labels: [source, kind, till]", "counts: kind, labels: [source, tills]"),  # as a text
        ("amount: sum, labels: [kind]", "amount: sums"),  # as a key
        ("labels: [state, till]", "labels: [state, {till: kind}, tills]"),  # within a list
        ("sets: at", "sets: at, labels: [{kinds: till}, {stats: states}]"),  # nowhere
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    known = "declare it under vocabulary or use one of at, state, sum, till, took"
    assert faults_of(tmp_path, text) == [
        "vocabulary.kind: got type and values, expected exactly one of type, values, allow; keep the one that is meant",
        'metrics.shop_took_seconds.observes: unknown word "tok"; declare it under vocabulary',
        f'metrics.shop_last_timestamp_seconds.labels[1]: unknown word "states"; {known}',
    ]
