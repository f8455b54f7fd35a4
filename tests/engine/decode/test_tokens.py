"""Numbers that JSON does not have are replaced where they are values, and nothing else is."""

import pytest

from exporters.engine.decode.tokens import without_tokens


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        (rb"NaN", rb" [] "),
        (rb"Infinity", rb" 1e999 "),
        (rb"-Infinity", rb"-1e999 "),
        (rb'{"x":NaN,"y":-Infinity,"z":Infinity}', rb'{"x": [] ,"y":-1e999 ,"z": 1e999 }'),
        (rb'{"x":{"y":{"z":NaN}}}', rb'{"x":{"y":{"z": [] }}}'),
        (rb'{"NaN":"NaN","-Infinity":NaN}', rb'{"NaN":"NaN","-Infinity": [] }'),
        (rb'{"x":"\"NaN","y":NaN}', rb'{"x":"\"NaN","y": [] }'),
        (rb'{"x":"\\","y":NaN,"z":"\\NaN"}', rb'{"x":"\\","y": [] ,"z":"\\NaN"}'),
        (rb'{"x":"\n","y":Infinity,"z":-Infinity}', rb'{"x":"\n","y": 1e999 ,"z": -1e999 }'),
        (rb'{"x":"\n-Infinity","y":"Infinity"}', rb'{"x":"\n-Infinity","y":"Infinity"}'),
        (rb'"Infinity', rb'"Infinity'),
    ],
    ids=repr,
)
def test_a_number_that_json_does_not_have_is_replaced_but_not_within_texts(line: bytes, becomes: bytes) -> None:
    assert without_tokens(line) == becomes
