import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from contracts.model import Metric
from exporters.engine.exposition.accept import choose_format
from exporters.engine.exposition.render import render
from exporters.engine.values import Sample, Snapshot

TEXT = "text/plain; version=0.0.4; charset=utf-8"
TEXT_1 = "text/plain; version=1.0.0; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
COUNTER = Metric(name="a_total", type="counter", job="counts", help="A.", labels={}, budget=1)
SNAPSHOT: Snapshot = ((COUNTER, (Sample((), 1.0, 5.0),)),)

PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
PROMETHEUS_2 += "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

ASKED = {
    "": TEXT,
    "*/*": TEXT,
    "text/*": TEXT,
    "text/plain": TEXT,
    "text/plain;version=0.0.4": TEXT,
    "text/plain;version=1.0.0": TEXT_1,
    "application/openmetrics-text": OPENMETRICS,
    "application/openmetrics-text;version=1.0.0": OPENMETRICS,
    'application/openmetrics-text; version="1.0.0"; charset=utf-8': OPENMETRICS,
    "APPLICATION/OpenMetrics-Text;VERSION=1.0.0": OPENMETRICS,
    PROMETHEUS_2: OPENMETRICS,
    PROMETHEUS_3: OPENMETRICS,
    BROWSER: TEXT,
    "application/openmetrics-text;q=0.3,text/plain;q=0.7": TEXT,
    "text/plain;q=0.3, application/openmetrics-text;q=0.7": OPENMETRICS,
    "text/plain;version=1.0.0,text/plain;version=0.0.4;q=0.9": TEXT_1,
    "application/openmetrics-text,text/plain": OPENMETRICS,
    "text/plain,application/openmetrics-text": TEXT,
    "text/plain;q=0,application/openmetrics-text;q=0.001": OPENMETRICS,
    'text/html;title="a,b;q=1",application/openmetrics-text': OPENMETRICS,
}


@pytest.mark.parametrize("accept", ASKED)
def test_a_scraper_gets_the_format_it_likes_best(accept: str) -> None:
    assert choose_format(accept).content_type == ASKED[accept]


@pytest.mark.parametrize(
    "accept",
    [
        "application/openmetrics-text;version=2.0.0",
        "application/openmetrics-text;version=99",
        "application/openmetrics-text;version=0.0.1",
        "application/openmetrics-text;version=1.0.0.0",
        'application/openmetrics-text;version="1.0.0; evil"',
        'application/openmetrics-text;version="',
        "application/openmetrics-text;version=",
        "application/openmetrics-text;version=é",
        "application/openmetrics-text;q=0",
        "application/openmetrics-text;q=nan",
        "application/openmetrics-text;q=2",
        "application/openmetrics-text;q=-1",
        "application/json",
        "text/plain;q=0",
        "text/plain;version=5.0.0",
        ',;=,"\\,,q=;',
        ";",
        '"' * 999,
        ",*" * 999,
    ],
)
def test_what_nobody_knows_gets_plain_text_and_is_not_echoed(accept: str) -> None:
    body, content_type = render(SNAPSHOT, (), accept, with_process=False)
    assert (body, content_type) == (b"# HELP a_total A.\n# TYPE a_total counter\na_total 1.0\n", TEXT)


@pytest.mark.parametrize("accept", ["", "text/plain;version=1.0.0", "application/openmetrics-text"])
def test_every_format_is_what_its_content_type_says(accept: str) -> None:
    body, content_type = render(SNAPSHOT, (), accept, with_process=False)
    parse = parse_openmetrics if content_type == OPENMETRICS else parse_text
    (family,) = parse(body.decode())
    assert (family.name, family.samples[0].value) == ("a", 1.0)
