"""The contract format: every key a contract may have, with its shape and its documentation.

In: nothing. Out: `CONTRACT`, from which come the checks of `load`, contract.schema.json and the tables of
contracts/README.md, so that the three can never disagree.
"""

from __future__ import annotations

from contracts.compiler.format_events import (
    ANY,
    CANDIDATE,
    CONDITION,
    ENV,
    IDENTIFIER,
    NAME,
    PART,
    PLACED,
    SOURCE,
    SPELLINGS,
    TEST,
    YES_NO,
    not_blank,
)
from contracts.compiler.shape import Either, Key, ListOf, MapOf, Number, Record, Text
from contracts.model import REJECTION_REASONS

__all__ = ["CONTRACT", "RECORDS"]

EXPORTER = Record(
    "exporter",
    "Who serves: one process, one port, one Prometheus job.",
    {
        "name": Key(NAME, "Name of the exporter: that of the file without .yaml, with _ for each -.", required=True),
        "help": Key(Text("a sentence"), "One sentence for the landing page and the docs.", required=True),
        "port": Key(
            Number("a port from 1 to 65535", integer=True, minimum=1, maximum=65535),
            "TCP port.",
            required=True,
        ),
        "port_env": Key(ENV, "Environment variable that overrides the port."),
        "job": Key(NAME, "Prometheus job that scrapes it.", required=True),
    },
)

FILES = Record(
    "files",
    "Where events come from.",
    {
        "env": Key(ENV, "Environment variable that overrides `default`; several paths are separated by `:`."),
        "default": Key(
            Either("a path or glob, or a list of them", scalar=Text("a path"), many=ListOf(Text("a path"))),
            "Path or glob, or a list of them, relative to the working directory; `{run}` stands for a name that a read "
            "may ask for, `{a,b}` for either.",
            required=True,
        ),
        "exclude": Key(
            ListOf(Text("a path or glob")),
            "Paths or globs of files not read, though `default` leads to them; without a folder, names in any folder.",
        ),
        "max_line_bytes": Key(
            Number("a whole number of at least 16", integer=True, minimum=16),
            "Lines longer than this are skipped in constant memory and counted as too_long (default 1048576).",
        ),
    },
)

FOLDER = Record(
    "folder",
    "Where sessions record, for an exporter that reads no files: there are then no `sources` and no `pairs`.",
    {
        "env": Key(ENV, "Environment variable that overrides `default`."),
        "default": Key(Text("a path"), "Folder, relative to the working directory.", required=True),
    },
)

DEFAULT = Record(
    "default",
    "The value of a word that an event does not carry.",
    {
        "env": Key(ENV, "Environment variable asked first."),
        "value": Key(ANY, "Constant used when the variable is not set.", required=True),
    },
)

WORD = Record(
    "word",
    "One word of the vocabulary. Without `type`: closed `values` make an enum, `allow` makes a name.",
    {
        "type": Key(
            Text(choices=("number", "time", "id")),
            "What a word is that is no label: a number, a time, or an id that joins pairs.",
        ),
        "values": Key(ListOf(ANY), "Closed list; compared trimmed and case-insensitively, shown as written here."),
        "aliases": Key(
            SPELLINGS,
            "Other spellings of a value, whatever source they come from; of a number, texts that stand for it.",
        ),
        "otherwise": Key(ANY, "What an unknown value becomes; for a name, what a value beyond `max_values` becomes."),
        "default": Key(
            Either("a value, or {env, value}", scalar=ANY, mapping=DEFAULT),
            "The value when an event has none (or an empty one).",
        ),
        "allow": Key(Text("characters as in a regex class"), "Characters kept; each run of others becomes `_`."),
        "fold": Key(YES_NO, "Lower-case a name (default false)."),
        "max_length": Key(Number("a whole number of at least 1", True, 1), "Characters kept of a name."),
        "max_values": Key(
            Number("a whole number of at least 1", True, 1),
            "Distinct values of a name; later ones become `otherwise` (default other) and are counted.",
        ),
        "is": Key(
            Text("two words and - or *, such as done - received", r"[a-z][a-z0-9_]* [-*] [a-z][a-z0-9_]*"),
            "Number made of two words: a difference of times (in seconds) or of numbers of one unit, or a product.",
        ),
        "unit": Key(Text(choices=("seconds", "bytes", "ratio", "count")), "Base unit of a number."),
        "min": Key(Number(), "Smallest number taken; smaller ones are refused and counted."),
        "max": Key(Number(), "Largest number taken; larger ones are refused and counted."),
        "max_future": Key(
            Number("seconds, at least 0", minimum=0), "How far ahead of now a time may lie, in seconds (default 5)."
        ),
    },
)

LABEL = Either(
    "a word, or {label: word}",
    scalar=NAME,
    mapping=MapOf(NAME, Text("a label name", IDENTIFIER)),
)

METRIC = Record(
    "metric",
    "One metric family. Exactly one of counts, rejections, observes, sets, adds, states, always says what moves it.",
    {
        "type": Key(Text(choices=("counter", "gauge", "histogram")), "Prometheus type.", required=True),
        "help": Key(Text("a sentence"), "One sentence for the person paged.", required=True),
        "counts": Key(NAME, "Counter: one per event in which this word has a value; `events` counts each event."),
        "amount": Key(NAME, "Counter: add this number word instead of one."),
        "rejections": Key(
            MapOf(ANY, Text("a rejection reason", "|".join(REJECTION_REASONS))),
            "Counter: refused lines; rejection reason -> value of the label `reason`.",
        ),
        "observes": Key(NAME, "Histogram: the number word observed."),
        "buckets": Key(ListOf(Number()), "Histogram: upper bounds, rising, without +Inf."),
        "sets": Key(NAME, "Gauge: the number or time word shown; a time never goes back, unless it keeps min."),
        "keeps": Key(
            Text(choices=("max", "min")), "Gauge set to a number or a time: the largest or smallest value stays."
        ),
        "adds": Key(NAME, "Gauge: the sum of this number word, whose values may be negative; it goes up and down."),
        "states": Key(NAME, "Gauge: the enum word (also a label) whose current value is 1 and all others 0."),
        "newest_by": Key(
            NAME,
            "Gauge set to a number, or states: the time word by which the newest event wins; `lines` for the last line "
            "read. Left out, the time word of all sources that read the number or state, if there is one.",
        ),
        "ends": Key(
            MapOf(CONDITION, Text("a word", NAME.pattern)),
            "Gauge set, added or of states: tests of label words; an event that passes them all ends its series.",
        ),
        "ends_after": Key(
            Number("seconds, above 0", above=0),
            "Gauge with newest_by, or of a time: seconds after its newest event at which a series ends.",
        ),
        "always": Key(Number(), "Gauge: a constant, shown for each series of `init`."),
        "labels": Key(
            ListOf(LABEL),
            "Words shown as labels; `{label: word}` renames; `source` is the name of the source that took the event.",
        ),
        "when": Key(MapOf(CONDITION, Text("a word", NAME.pattern)), "Conditions on words, all must hold."),
        "init": Key(
            ListOf(
                MapOf(
                    Either("a value or a list", scalar=ANY, many=ListOf(ANY)),
                    not_blank("a label"),
                    may_be_empty=True,
                )
            ),
            "Series that exist from the start; `all` stands for every closed value, a missing label for its default.",
        ),
        "budget": Key(Number("a whole number of at least 1", True, 1), "Most series it may ever have.", required=True),
    },
)

PAIR = Record(
    "pair",
    "Two stages of one thing joined by id; gives `edge` and `latency` to the metrics of the closing event.",
    {
        "id": Key(NAME, "Word of type id that joins.", required=True),
        "stage": Key(NAME, "Enum word that names the stage.", required=True),
        "at": Key(NAME, "Time word.", required=True),
        "edge": Key(NAME, "Enum word that receives the edge's name.", required=True),
        "latency": Key(NAME, "Number word (seconds) that receives closing time minus opening time.", required=True),
        "edges": Key(
            MapOf(ListOf(ANY), not_blank("an edge")), "Edge -> [opening stage, closing stage].", required=True
        ),
        "timeout": Key(
            Number("seconds, at least 0.001", minimum=0.001),
            "Longest latency, and how long an event waits for its other half, in seconds of event time (default 300).",
        ),
        "max_open": Key(
            Number("a whole number of at least 1", True, 1),
            "Ids remembered at once, those of waiting events included (default 20000).",
        ),
    },
)

CONTRACT = Record(
    "contract",
    "One exporter's promise: where it listens, what it reads, what it shows.",
    {
        "exporter": Key(EXPORTER, "Who serves.", required=True),
        "files": Key(FILES, "Where events come from. Exactly one of files, folder."),
        "vocabulary": Key(MapOf(WORD, NAME), "Word -> what it may hold.", required=True),
        "sources": Key(MapOf(SOURCE, NAME), "Event format -> how it fills the words; goes with `files`."),
        "metrics": Key(MapOf(METRIC, Text("a metric name", IDENTIFIER)), "Metric -> promise.", required=True),
        "pairs": Key(MapOf(PAIR, NAME), "Pair -> stages joined by id."),
        "folder": Key(FOLDER, "Where sessions record, for an exporter without `files`, `sources` and `pairs`."),
    },
)

RECORDS = (CONTRACT, EXPORTER, FILES, FOLDER, WORD, DEFAULT, SOURCE, PART, CANDIDATE, TEST, PLACED, METRIC, PAIR)
"""Every record of the format, in the order the documentation shows them."""
