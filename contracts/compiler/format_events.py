"""The part of the contract format that says how events are read: paths, conditions, reads, parts and sources.

In: nothing. Out: shapes, of which `format` makes the whole.
"""

from __future__ import annotations

from contracts.compiler.shape import Either, Flag, Key, ListOf, MapOf, Number, Record, Text

__all__ = [
    "ANY",
    "CANDIDATE",
    "CONDITION",
    "ENV",
    "IDENTIFIER",
    "NAME",
    "PART",
    "PLACED",
    "SOURCE",
    "SPELLINGS",
    "TEST",
    "YES_NO",
    "not_blank",
]

NAME = Text("a lower-case name", r"[a-z][a-z0-9_]*")
IDENTIFIER = r"[a-zA-Z_][a-zA-Z0-9_]*"
ENV = Text("an environment variable", r"[A-Z][A-Z0-9_]*")
_PART = r"[^.\s\x00-\x1f\[\]{}<>*$\\\"]+"
PATH = Text(
    "a JSON path such as payload.code",
    rf"(?!([^.]+\.)*0(\.|$)){_PART}(\.{_PART}){{0,31}}",
    hints=(
        (
            r"[\[\]*{}<>]|(^|\.)0(\.|$)",
            "what is in lists is read by parts; write a list of exact keys if these are part of a name",
        ),
        (r"[\\\"$\s\x00-\x1f]", "write names as they are, and a list of exact keys if these are part of a name"),
        (r"(^|\.)(\.|$)", "write one dot between two names"),
        ("", "at most 32 names are read"),
    ),
)
"""Names joined by dots. Source of 32: no event is that deep; beyond about 900 decoding fails."""

KEYS = ListOf(Text("a key as it is written", r"[^\x00-\x1f\x7f\\\"]+", may_be_blank=True))
PLACE = Either("a JSON path, or a list of exact keys", scalar=PATH, many=KEYS)
ANY = Text("a text, number or boolean")
YES_NO = Flag()


def not_blank(what: str) -> Text:
    """Return the shape of a key that may be any text but a blank one."""
    return Text(what, r".*\S.*")


SPELLINGS = MapOf(ListOf(ANY), not_blank("a value of the word"))
MAPPED = MapOf(ANY, not_blank("a text to look for"))

_TESTS = {
    "in": Key(ListOf(ANY), "True if the value is one of these."),
    "not": Key(
        Either("a value, or a list of values", scalar=ANY, many=ListOf(ANY)),
        "True if the value is none of these, or absent.",
    ),
    "min": Key(Number(), "True if there is a number, and it is not smaller."),
    "max": Key(Number(), "True if there is a number, and it is not larger."),
    "present": Key(YES_NO, "True if there is (or is not) a value, of whatever kind."),
}
TEST = Record("condition", "Tests of one value, all must hold; a bare value means equal, a list means one of.", _TESTS)
CONDITION = Either("a value, a list of values, or tests such as {min: 0}", scalar=ANY, many=ListOf(ANY), mapping=TEST)
PLACED = Record(
    "condition at a path",
    "Tests of the value at one path, where its exact keys have to be listed.",
    {"path": Key(PLACE, "JSON path, or a list of exact keys.", required=True), **_TESTS},
)
CONDITIONS = Either(
    "path -> test, or a list of {path: ..., in: ...}",
    mapping=MapOf(CONDITION, PATH, may_be_empty=True),
    many=ListOf(PLACED),
)

CANDIDATE = Record(
    "read",
    "How a source fills a word.",
    {
        "path": Key(PLACE, "JSON path; dots descend into objects. A list holds the exact keys, whatever is in them."),
        "value": Key(ANY, "A constant instead of a path."),
        "file": Key(
            NAME, "Instead of a path in the event, a placeholder in that of its file: run, of logs/{run}.jsonl."
        ),
        "capture": Key(
            Text("a pattern with one group"),
            "Pattern with one group: what it finds in the text is read; a text without it is absent. Before all below.",
        ),
        "none": Key(
            ListOf(Text("a text, number or boolean", may_be_blank=True)),
            "Texts that mean that there is no value, such as - or an empty one; not refused, but absent.",
        ),
        "aliases": Key(
            SPELLINGS, "Spellings this source uses for a value; of a number, texts and flags that stand for it."
        ),
        "prefixes": Key(MAPPED, "Beginning of the text -> value, first match wins, after aliases."),
        "contains": Key(MAPPED, "Part of the text -> value, first match wins, after prefixes."),
        "otherwise": Key(ANY, "What an unknown or missing text becomes, for this source."),
        "scale": Key(
            Number("a number above 0", above=0),
            "Factor that brings a number to the word's unit, e.g. 0.001 from milliseconds.",
        ),
        "format": Key(
            Text("a format such as %d/%b/%Y:%H:%M:%S %z"),
            "How a time is written, if not as RFC 3339: %Y %m %b %d %H %M %S %f %z, and %a for a day's name.",
        ),
        "zone": Key(Text("a time zone such as Europe/Berlin"), "Zone of times that say no offset (default UTC)."),
        "required": Key(YES_NO, "If the word gets no value the line is rejected as missing_fields (default false)."),
    },
)
READ = Either("a path, {path: ...}, or a list of them", scalar=PATH, many=ListOf(CANDIDATE), mapping=CANDIDATE)
CELL = Either("a constant, {path: ...}, or a list of them", scalar=ANY, many=ListOf(CANDIDATE), mapping=CANDIDATE)

OF = Text(
    "where parts are, such as message.content[]",
    rf"({_PART}(\.{_PART}){{0,31}})?(\[\]|{{}}|<>)(\.?{_PART}(\.{_PART}){{0,31}}(\[\]|{{}}|<>)|\[\]|{{}}|<>){{0,7}}",
    hints=(
        (r"\[[^\]]", "write [] for every element; to tell them apart, match a field of theirs"),
        ("", "end it with [] for each element, {} for each entry or <> for the JSON in a text"),
    ),
)

_PART_KEYS: dict[str, Key] = {
    "of": Key(
        Either("such as message.content[], or a list of exact keys, [], {} and <>", scalar=OF, many=KEYS),
        "Where the parts are: `[]` each element, `{}` each entry as `key` and `value`, `<>` the JSON in a text.",
        required=True,
    ),
    "match": Key(CONDITIONS, "Conditions on paths inside the part; a part that fails one moves nothing."),
    "read": Key(
        MapOf(READ, not_blank("a word"), may_be_empty=True),
        "Word -> path inside the part (or read); what is no object is read as `value`.",
    ),
}
PART = Record(
    "part",
    "Events inside an event. A part has the words of its source and its own; a metric moves for it only if the part "
    "itself reads the number or time it takes or, if it takes none, the word it counts.",
    _PART_KEYS,
)
_PART_KEYS["parts"] = Key(MapOf(PART, NAME), "Parts of the part, of which all the same is true.")

SOURCE = Record(
    "source",
    "One event format. Sources are tried in order; the first whose `match` holds takes the event.",
    {
        "match": Key(
            CONDITIONS,
            "Conditions on JSON paths, all must hold.",
            required=True,
        ),
        "expect": Key(
            CONDITIONS,
            "Further conditions; if one fails the line is rejected as unknown_schema.",
        ),
        "read": Key(
            MapOf(READ, not_blank("a word"), may_be_empty=True), "Word -> path (or read); here a bare text is a path."
        ),
        "parts": Key(MapOf(PART, NAME), "Part -> events inside the event: elements, entries, JSON in texts."),
        "max_parts": Key(
            Number("a whole number of at least 1", True, 1),
            "Most parts of one line, nested ones included; beyond it the line is too_many_parts (default 1000).",
        ),
        "require_any": Key(ListOf(NAME), "Words of which at least one must get a value, else missing_fields."),
        "by": Key(PLACE, "Path that picks a row; a missing value is missing_fields, an unlisted one unknown_schema."),
        "rows": Key(
            MapOf(MapOf(CELL, not_blank("a word"), may_be_empty=True), not_blank("a value of `by`")),
            "Value of `by` -> what that row reads besides; here a bare text is a constant. `{}` reads nothing more.",
        ),
    },
)
