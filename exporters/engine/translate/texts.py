"""What the values at one path come to: each is replaced by one that is like it.

In: a column of raw values. Out: the same with a stand-in for every value: the first one met of which every read of the
path makes the same. So a text no list knows stands for all of them, and a name that has no series of its own for all
such names; as a stand-in is a raw value, nobody behind has to know of it. Each distinct value is looked at once, most
of them many at a time, and only so many are remembered. Part of the translate stage.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import repeat

from contracts.model import Candidate
from exporters.engine.translate.readers import TextReader, prepared, text_of

__all__ = ["Meaning", "Texts"]

Meaning = Callable[[object], object]
"""Raw value -> what one condition or row key makes of it."""

_KEPT = 8192
_FEW = 512
_SOME = 8
_SHORT = 100
"""Values remembered of one path; as many new ones in a batch are always remembered, of more there are too many to come
again unless one in so many of the batch has been seen before; characters of a text that is remembered, or that stands
for others."""


class Texts:
    """The values at one path.

    Args:
        reads: what fills words from them.
        meanings: what else is made of them.
        distinguished: name word -> its values that matter, as they are at any time; any other name is like any other.
        spellings: further texts, folded, that have to be looked at one by one.
        is_measured: whether numbers in texts matter, so that every text has to be.
    """

    def __init__(
        self,
        reads: Sequence[tuple[TextReader, Candidate]],
        meanings: Sequence[Meaning],
        distinguished: Mapping[str, Collection[str]],
        spellings: Collection[str],
        is_measured: bool,
    ) -> None:
        self._reads = reads
        self._meanings = meanings
        self._distinguished = distinguished
        self._is_measured = is_measured
        self._spellings = {"", *spellings}.union(*(reader.spellings(candidate) for reader, candidate in reads))
        self._parts = tuple({part for _, c in reads for part, _ in (*c.prefixes, *c.contains)})
        self._prefixes = tuple({prefix for _, c in reads for prefix, _ in c.prefixes})
        self.names = list({reader.word.name: reader for reader, _ in reads if reader.normalise}.values())
        self.forget()

    def forget(self) -> None:
        """Begin anew, as other names matter now."""
        self._known: dict[object, object] = {}
        self._first: dict[object, object] = {}
        self._by_traits: dict[object, object] = {}

    def alike(self, column: Sequence[object]) -> list[object]:
        """Return the column with a stand-in for each value."""
        distinct = set(column)
        new = distinct - self._known.keys()
        if not new:
            return list(map(self._known.__getitem__, column))
        is_kept = self._comes_again(len(new), len(distinct))
        if is_kept and len(self._known) + len(new) > _KEPT:
            self._known.clear()
            new, is_kept = distinct, len(distinct) <= _KEPT
        found = self._stand_ins(new)
        if len(new) < len(distinct):
            found |= {raw: self._known[raw] for raw in distinct - new}
        if is_kept:
            self._known |= {raw: found[raw] for raw in new if not isinstance(raw, str) or len(raw) <= _SHORT}
        return list(map(found.__getitem__, column))

    def _comes_again(self, new: int, distinct: int) -> bool:
        """Whether values are to be remembered: the first ones, few, or such that others in their batch were known."""
        return new <= _KEPT and (new <= _FEW or not self._known or distinct - new > distinct // _SOME)

    def _stand_ins(self, raws: Collection[object]) -> dict[object, object]:
        """Return the stand-in of each value."""
        if self._is_measured:
            return {raw: self._stand_in(raw) for raw in raws}
        if set(map(type, raws)) == {str}:
            found = self._in_bulk([*raws], list(map(str.strip, raws)))  # type: ignore[arg-type]
        else:
            found = self._of_each_kind(raws)
        return (
            found if len(found) == len(raws) else found | {raw: self._stand_in(raw) for raw in raws if raw not in found}
        )

    def _of_each_kind(self, raws: Collection[object]) -> dict[object, object]:
        """Return the stand-ins of values of different kinds, as far as many can be looked at at once."""
        texts = [raw for raw in raws if type(raw) is str]
        numbers = [raw for raw in raws if type(raw) is int]
        found = self._in_bulk([*texts, *numbers], [*map(str.strip, texts), *map(str, numbers)])
        fractions = [raw for raw in raws if type(raw) is float and not raw.is_integer()]
        if fractions:  # no text is one, and no condition asks for one
            found |= dict.fromkeys(fractions, self._stand_in(fractions[0]))
        return found

    def _in_bulk(self, raws: list[object], texts: list[str]) -> dict[object, object]:
        """Return the stand-ins of values that no list names: they differ by the parts they hold, and as names."""
        folded = list(map(str.lower, texts))
        if not self._spellings.isdisjoint(folded):
            rest = [at for at, text in enumerate(folded) if text not in self._spellings]
            raws, texts, folded = ([column[at] for at in rest] for column in (raws, texts, folded))  # type: ignore[assignment]
        if not raws:
            return {}
        columns: list[Sequence[object]] = [self._named(reader, texts) for reader in self.names]
        columns.append(self._held(folded) if self._holds_parts(folded) else ())
        by_trait = self._by_traits
        if not any(columns):
            if None not in by_trait:
                by_trait[None] = self._stand_in(raws[0])
            return dict.fromkeys(raws, by_trait[None])
        traits: list[object] = list(zip(*(column or repeat(None) for column in columns), strict=False))
        for trait, raw in dict(zip(traits, raws, strict=True)).items():
            if trait not in by_trait:
                by_trait[trait] = self._stand_in(raw)
        return dict(zip(raws, map(by_trait.__getitem__, traits), strict=True))

    def _holds_parts(self, folded: list[str]) -> bool:
        joined = "\n".join(folded) if self._parts else ""
        return any(part in joined for part in self._parts)

    def _held(self, folded: list[str]) -> list[object]:
        """Return which parts each text holds, and which it begins with."""
        joined = "\n".join(folded)
        parts = [part for part in self._parts if part in joined]
        prefixes = {part: f"^{part}" for part in self._prefixes if part in joined}
        if not prefixes:
            return [tuple([part for part in parts if part in text]) for text in folded]
        return [
            (*[part for part in parts if part in text], *[prefixes[part] for part in prefixes if text.startswith(part)])
            for text in folded
        ]

    def _named(self, reader: TextReader, texts: list[str]) -> list[str | None]:
        """Return the names that texts come to, but None for names that do not matter."""
        distinguished = self._distinguished[reader.word.name]
        names = reader.names_of(texts)
        return [] if distinguished.isdisjoint(names) else [name if name in distinguished else None for name in names]  # type: ignore[attr-defined]

    def _stand_in(self, raw: object) -> object:
        """Return the first value met that is like this one; a long text is cut if that makes no difference."""
        meaning = self._meaning(raw)
        if meaning not in self._first:
            cut = raw[:_SHORT] if isinstance(raw, str) else raw
            self._first[meaning] = cut if self._meaning(cut) == meaning else raw
        return self._first[meaning]

    def _meaning(self, raw: object) -> tuple[object, ...]:
        words = [self._word(reader, one, text_of(prepared(one, raw))) for reader, one in self._reads]
        return (*words, *[meaning(raw) for meaning in self._meanings])

    def _word(self, reader: TextReader, candidate: Candidate, text: str | None) -> object:
        """Return the value of a word; what is absent, of the wrong kind, unknown, or any other name is no text."""
        if not text:
            return text is None, True
        value = reader.value_of(text, candidate)
        if value is None:
            return False
        return value if reader.normalise is None or value in self._distinguished[reader.word.name] else True
