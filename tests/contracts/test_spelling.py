"""How names are spelled: trimmed, folded if the word says so, what is not allowed as _, cut."""

from __future__ import annotations

import pytest

from contracts.model import Word
from contracts.spelling import normaliser


@pytest.mark.parametrize(
    ("fold", "text", "expected"),
    [
        (True, " aB cd!?ef ", "ab_cd"),
        (False, " aB cd!?ef ", "a_cd_"),
        (True, "ab", "ab"),
        (False, "  ", ""),
        (True, "a__b", "a_b"),
    ],
)
def test_a_name_is_trimmed_folded_if_its_word_says_so_and_cut(fold: bool, text: str, expected: str) -> None:
    word = Word("run", "name", allow="a-z", max_length=5, fold=fold)
    assert normaliser(word)(text) == expected
