"""What `capture` finds is what a regular expression would find, in time linear in the text."""

import doctest
import re
import signal
from random import Random
from types import FrameType

import pytest

from contracts import times
from contracts.compiler import capture
from contracts.compiler.capture import CaptureError, compile_capture

pytestmark = pytest.mark.thorough

FOUND = [
    (r"took (\d+) ms", "it took 27 ms", "27"),
    (r"([0-9.]+)$", "0.000, 0.016", "0.016"),
    (r"user=([^ ]+)", "a user=bob x", "bob"),
    (r"^(\w+):", "abc: x", "abc"),
    (r"^(\w+):", "x abc: x", None),
    (r"\[(\w+)\]", "x [INFO] y", "INFO"),
    (r'key="([^"]*)"', 'a key="v v" b', "v v"),
    (r"msg: (.*)$", "msg: all of\nit", "all of\nit"),
    (r"x(\d{2,3})z", "x1z x123z", "123"),
    (r"x(\d{2})", "x1234", "12"),
    (r"ab?(c)", "abc", "c"),
    (r"([]x]+)=", "a]x=", "]x"),
    (r"([^\s,-]+)-", "a b,c-", "c"),
    (r"(\d+) ms", "1 2 33 ms", "33"),
    (r"größe (\d+)", "größe 7", "7"),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), FOUND)
def test_a_pattern_captures_what_it_says(pattern: str, text: str, expected: str | None) -> None:
    found = re.search(compile_capture(pattern), text, re.DOTALL)
    assert (found[1] if found else None) == expected


@pytest.mark.parametrize("seed", range(40))
def test_every_pattern_taken_finds_what_a_regular_expression_finds(seed: int) -> None:
    chance, taken = Random(seed), 0
    atoms = ["a", "b", "=", " ", r"\d", "[ab]", "[^ ]", r"\w", ".", r"\S"]
    while taken < 20:
        items = [
            chance.choice(atoms) + chance.choice(["", "", "+", "*", "?", "{2}", "{1,2}"])
            for _ in range(chance.randrange(1, 5))
        ]
        at = chance.randrange(len(items))
        items[at] = f"({items[at]})"
        pattern = chance.choice(["", "", "^"]) + "".join(items) + chance.choice(["", "", "$"])
        try:
            compiled = re.compile(compile_capture(pattern), re.DOTALL)
        except CaptureError:
            continue
        taken += 1
        plain = re.compile(re.sub(r"\$$", r"\\Z", pattern), re.DOTALL | re.ASCII)
        for _ in range(30):
            text = "".join(chance.choice("ab= 12") for _ in range(chance.randrange(12)))
            mine, theirs = compiled.search(text), plain.search(text)
            assert (mine and mine.span(1)) == (theirs and theirs.span(1)), (pattern, text)


CLASSES = [
    *(r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", r"\t", r"\n", r"\.", r"\_", ".", "x", "ü", "[]a]", "[^]a]", r"[\d.]"),
    *(
        "[a-c]",
        "[^a-c]",
        "[a-ce-g]",
        "[a-bc-d]",
        "[a-cb-d]",
        "[a-db-c]",
        "[ac]",
        "[abc]",
        "[a-a]",
        "[a-]",
        "[-a]",
        r"[\w-]",
    ),
    *(r"[\t-\n]", r"[^\d\s]", r"[\]-a]", r"[\S\s]", r"[^\x00-\x41]".replace(r"\x00", "\0").replace(r"\x41", "A")),
]


@pytest.mark.parametrize("written", CLASSES)
def test_a_class_takes_the_characters_a_regular_expression_takes(written: str) -> None:
    mine, theirs = re.compile(compile_capture(f"({written})"), re.DOTALL), re.compile(written, re.DOTALL | re.ASCII)
    chars = [*map(chr, range(0x180)), chr(0x2028), chr(0x10FFFE), chr(0x10FFFF)]
    assert [c for c in chars if mine.search(c)] == [c for c in chars if theirs.search(c)]


@pytest.mark.parametrize(
    ("repeat", "fewest", "most"),
    [
        ("", 1, 1),
        ("?", 0, 1),
        ("*", 0, None),
        ("+", 1, None),
        ("{2}", 2, 2),
        ("{2,}", 2, None),
        ("{0,3}", 0, 3),
        ("{2,3}", 2, 3),
        ("{1}", 1, 1),
        ("{3,3}", 3, 3),
        ("{100}", 100, 100),
        ("{99,100}", 99, 100),
    ],
)
def test_a_repeat_takes_so_many_and_no_more(repeat: str, fewest: int, most: int | None) -> None:
    compiled = re.compile(compile_capture(f"^(a{repeat})$"))
    taken = [number for number in range(102) if compiled.search("a" * number)]
    assert taken == list(range(fewest, 102 if most is None else most + 1))


@pytest.mark.parametrize(
    ("pattern", "said"),
    [(text, "repeats nothing") for text in ("(*a)", "*(a)", "(a)*", "(a**)", "(a+{2})", "(a{1,2}{3})", "(a?+)")]
    + [(text, "is no number of times") for text in ("(a{0})", "(a{101})", "(a{3,2})", "(a{0,0})", "(a{1,101})")]
    + [
        (text, "is no class of characters")
        for text in ("([b-a])", r"([\d-x])", r"([a-\d])", r"([\w-z])", r"([!-\d])", "([^])")
    ]
    + [(text, "is not known") for text in (r"(\b)", r"(\Q)", r"(\T)", r"(\é)", r"([\z])")]
    + [(text, "cannot stand there") for text in ("(a)(b)", "a)", "()", "((a))", "a$b(c)", "(a)^", "(a]", "(a|b)")]
    + [(text, "exactly one group") for text in ("", "a", "(a", "a(", "a(b")]
    + [(text, "must not match how it goes on") for text in ("(a{2,})a", "x?([^x]*)x", "(a?)b?a", "(a{1,2})b*c?a")]
    + [(text, "for ever") for text in ("a([^b]*)b", r"\d([^x]*)x", "a([^x]*)$", "-?(a*)b", "b(a*)cb*d")],
)
def test_a_pattern_that_is_none_is_told_why(pattern: str, said: str) -> None:
    with pytest.raises(CaptureError, match=said):
        compile_capture(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "x([^x]*)x",
        "a([^x]*)",
        "a(.*)$",
        "^a([^b]*)b",
        r"(a\$)",
        r"(a\\)$",
        "(a?)b?c",
        "(a+)ba",
        "(a*)b{2}a",
    ],
)
def test_what_cannot_go_back_is_a_pattern(pattern: str) -> None:
    assert re.compile(compile_capture(pattern)).groups == 1


@pytest.mark.parametrize("pattern", [p for p, _, _ in FOUND])
@pytest.mark.parametrize("unit", ["1", "took 1", "user=", "[a", 'key="x', "x12", "(a", "a b", "größe 1"])
def test_a_text_of_300_kb_that_nearly_fits_is_no_matter(pattern: str, unit: str) -> None:
    """A step for each pair of characters would take minutes of CPU."""
    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, 20)
    try:
        re.search(compile_capture(pattern), unit * (300_000 // len(unit)), re.DOTALL)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def give_up(number: int, frame: FrameType | None) -> None:
    raise AssertionError("the search is not linear in the text")


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(a|b)",
        r"(\w+)\w",
        "a([^b]*)b",
        r"\d+-([^x]*)x",
        r"(.*) x",
        "(a)(b)",
        "a",
        "(",
        "(a))",
        r"(\b)",
        "(a)\\1",
        "(a+?)",
    ],
)
def test_what_could_go_back_is_no_pattern(pattern: str) -> None:
    with pytest.raises(CaptureError):
        compile_capture(pattern)


@pytest.mark.parametrize("module", [capture, times])
def test_examples_are_true(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]
