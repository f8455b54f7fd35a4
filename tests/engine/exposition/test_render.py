from collections.abc import Callable, Iterable

import pytest
from prometheus_client import Metric as Family
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import REGISTRY

from contracts.model import Metric
from exporters.engine.exposition.render import Gauges, Kept, render
from exporters.engine.values import Sample, Snapshot

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def metric(name: str, kind: str, **more: object) -> Metric:
    given = {"job": "counts", "help": "A\\b\nc.", "labels": {"x": "x"}, "budget": 9, **more}
    return Metric(name=name, type=kind, **given)  # type: ignore[arg-type]


COUNTER = metric("a_total", "counter")
GAUGE = metric("g", "gauge", labels={})
HISTOGRAM = metric("h_seconds", "histogram", buckets=(0.5, 1.0, 10.0))
NEVER = metric("n_total", "counter")
NOW_GAUGE = metric("now", "gauge")
NOW_COUNTER = metric("errors_total", "counter", labels={})

SNAPSHOT: Snapshot = (
    (COUNTER, (Sample(('q"\\\n',), 3.0, 1000.25), Sample(("z",), 1e15, 1001.0))),
    (GAUGE, (Sample((), 1769300000.125, 1002.0),)),
    (HISTOGRAM, (Sample(("z",), 4.75, 1003.0, (2, 1, 0, 4)),)),
    (NEVER, ()),
)
LIVE: Gauges = [(NOW_GAUGE, [(("z",), 1.5)]), (NOW_COUNTER, [((), 2.0)])]

TEXT = r"""# HELP a_total A\\b\nc.
# TYPE a_total counter
a_total{x="q\"\\\n"} 3.0
a_total{x="z"} 1e+15
# HELP g A\\b\nc.
# TYPE g gauge
g 1.769300000125e+09
# HELP h_seconds A\\b\nc.
# TYPE h_seconds histogram
h_seconds_bucket{le="0.5",x="z"} 2.0
h_seconds_bucket{le="1.0",x="z"} 3.0
h_seconds_bucket{le="10.0",x="z"} 3.0
h_seconds_bucket{le="+Inf",x="z"} 7.0
h_seconds_count{x="z"} 7.0
h_seconds_sum{x="z"} 4.75
# HELP now A\\b\nc.
# TYPE now gauge
now{x="z"} 1.5
# HELP errors_total A\\b\nc.
# TYPE errors_total counter
errors_total 2.0
"""


def test_the_text_format_holds_everything_committed_and_no_creation_times() -> None:
    body, content_type = render(SNAPSHOT, LIVE, accept="", with_process=False)
    assert body.decode() == TEXT
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert len(list(parse_text(body.decode()))) == 5


def test_openmetrics_holds_no_creation_times_unless_they_are_asked_for() -> None:
    body, _ = render(SNAPSHOT, LIVE, accept=OPENMETRICS, with_process=False)
    assert b'a_total{x="z"} 1e+015' in body or b'a_total{x="z"} 1e+15' in body
    assert b"_created" not in body


def test_openmetrics_with_creation_times_ends_with_eof() -> None:
    body, content_type = render(SNAPSHOT, LIVE, accept=OPENMETRICS, with_process=False, with_created=True)
    assert content_type.startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert body.endswith(b"# EOF\n")
    samples = {
        (sample.name, sample.labels.get("x"), sample.labels.get("le")): sample.value
        for family in parse_openmetrics(body.decode())  # type: ignore[no-untyped-call]
        for sample in family.samples
    }
    assert samples["a_total", 'q"\\\n', None] == 3.0
    assert samples["a_created", 'q"\\\n', None] == 1000.25
    assert samples["h_seconds_created", "z", None] == 1003.0
    assert samples["h_seconds_bucket", "z", "+Inf"] == samples["h_seconds_count", "z", None] == 7.0
    assert ("g_created", None, None) not in samples


@pytest.mark.parametrize("accept", ["", "*/*", "text/html", "text/plain"])
def test_whoever_does_not_ask_for_openmetrics_gets_text(accept: str) -> None:
    body, _ = render(SNAPSHOT, [], accept=accept, with_process=False, with_created=True)
    assert b"_created" not in body
    assert b'a_total{x="z"}' in body


def test_process_metrics_come_from_a_registry_of_our_own() -> None:
    body, _ = render((), [], accept="")
    names = {family.name for family in parse_text(body.decode())}
    assert {"process_cpu_seconds", "process_resident_memory_bytes", "process_open_fds"} <= names
    assert all(name.startswith("process_") for name in names)
    before = list(REGISTRY._names_to_collectors)
    render(SNAPSHOT, LIVE, accept="")
    assert list(REGISTRY._names_to_collectors) == before


def test_text_is_rendered_anew_when_samples_change_and_kept_per_content_type_while_they_do_not() -> None:
    kept: Kept = {}

    def shown(snapshot: Snapshot, accept: str = "") -> bytes:
        body = render(snapshot, LIVE, accept, with_process=False, kept=kept)[0]
        assert body == render(snapshot, LIVE, accept, with_process=False)[0], "as if nothing were kept"
        return body

    first, text = shown(SNAPSHOT), dict(kept)
    assert shown(SNAPSHOT) == first
    assert all(kept[name] is found for name, found in text.items()), "rendered again though nothing changed"
    assert shown(SNAPSHOT, OPENMETRICS) != first
    moved: Snapshot = ((COUNTER, (Sample(("z",), 7.0, 1001.0),)), *SNAPSHOT[1:])
    assert b'a_total{x="z"} 7.0' in shown(moved)
    assert b'a_total{x="z"} 7.0' in shown(moved, OPENMETRICS)
    same = [name for name, found in text.items() if kept[name] is found]
    assert [name for name, _ in same] == ["g", "h_seconds", "n_total"]
    gone: Snapshot = ((COUNTER, ()), *SNAPSHOT[1:])
    assert b"a_total" not in shown(gone)


@pytest.mark.parametrize(("accept", "parse"), [("", parse_text), (OPENMETRICS, parse_openmetrics)], ids=["text", "om"])
def test_a_gauge_that_is_always_one_may_be_called_info(accept: str, parse: Callable[[str], Iterable[Family]]) -> None:
    info = metric("build_info", "gauge", job="always")
    body, _ = render(((info, (Sample(("z",), 1.0, 1000.0),)),), [], accept=accept, with_process=False)
    (family,) = parse(body.decode())
    assert (family.name, family.type) == ("build_info", "gauge")
    assert [tuple(sample)[:3] for sample in family.samples] == [("build_info", {"x": "z"}, 1.0)]
