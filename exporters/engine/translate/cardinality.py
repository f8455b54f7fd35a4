"""Which texts come to names beyond their word's cap, told for many texts at once.

In: the texts at one path, and which names have a series of their own. Out: the same with `OVERFLOW_TEXT` for what has
none. A text it cannot judge at a glance (it would be trimmed, cut, mapped or have characters replaced) it leaves as it
is, for `signature` to look at more closely. Part of the translate stage.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from contracts.model import Candidate, Contract, Word
from exporters.engine.fields import Path
from exporters.engine.translate.readers import OVERFLOW_TEXT

__all__ = ["Admitted", "Distinguished", "NameColumn", "name_columns"]

Admitted = Mapping[str, Collection[str]]
"""Word -> its values that have taken a place within the cap; a place once taken stays taken."""

Distinguished = Mapping[str, Collection[str]]
"""Word -> its values that a plan can depend on other than by showing them."""

_BLANKS = "".join(char for char in map(chr, range(128)) if char.isspace())


class NameColumn:
    """The texts at one path that fills a name word.

    Args:
        word: the word with a cap that they fill as they are or in lower case; None if it is not as simple as that.
        seen: its values that have taken a place within the cap, as they are at any time.
        told: its values that plans tell apart, whether seen or not.
    """

    def __init__(self, word: Word | None, admitted: Collection[str], distinguished: Collection[str]) -> None:
        self._word = word
        self._admitted = admitted
        self._distinguished = distinguished
        self._find_plain = (
            re.compile(f"^[{word.allow}]{{1,{word.max_length}}}$", re.MULTILINE).findall if word else None
        )

    def hide(self, column: Sequence[object]) -> Sequence[object]:
        """Return the column with OVERFLOW_TEXT for every text that is sure to come to a name beyond the cap."""
        if self._word is None or self._find_plain is None or len(self._admitted) < self._word.max_values:
            return column
        texts = {raw for raw in column if isinstance(raw, str)}
        joined = "\n".join(texts)
        if not joined.isascii():  # what are letters and blanks is another matter there
            joined = "\n".join(text for text in texts if text.isascii())
        plain: list[str] = self._find_plain(joined.lower() if self._word.fold else joined)
        beyond = set(plain).difference(self._admitted, self._distinguished)
        if self._word.fold:
            beyond = {text for text in texts if text.lower() in beyond}
        hidden: dict[object, object] = dict.fromkeys(beyond, OVERFLOW_TEXT)
        return [hidden.get(raw, raw) for raw in column]


def name_columns(
    contract: Contract, paths: Sequence[Path], admitted: Admitted, distinguished: Distinguished
) -> list[NameColumn]:
    """Return how to hide what stands at each of these paths."""
    read_by: dict[Path, list[tuple[Word, Candidate]]] = {path: [] for path in paths}
    for source in contract.sources:
        for read in source.all_reads():
            for candidate in read.candidates:
                if candidate.path in read_by and contract.words[read.word].kind == "name":
                    read_by[candidate.path].append((contract.words[read.word], candidate))
    return [_column_of(read_by[path], admitted, distinguished) for path in paths]


def _column_of(reads: Sequence[tuple[Word, Candidate]], admitted: Admitted, distinguished: Distinguished) -> NameColumn:
    word = reads[0][0]
    is_mapped = word.aliases or any(each.aliases or each.prefixes or each.contains for _, each in reads)
    is_odd = word.allow.startswith("^") or re.search(f"[{word.allow}]", _BLANKS)
    if is_mapped or is_odd or word.name not in admitted or any(other is not word for other, _ in reads):
        return NameColumn(None, (), ())
    return NameColumn(word, admitted[word.name], distinguished[word.name])
