"""Partition keys of time windows: civil time to text and back.

Most formats are numbers between fixed text; these are written and read here, forty times faster than ``strptime``.
Any other goes through ``strftime`` and ``strptime``.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import NamedTuple

from gapless.partitions.civil.grid import Labels
from gapless.partitions.civil.zone import DAY, EPOCH_DAY, HOUR, Zone, civil_seconds

__all__ = ["KeyFormat", "ReadKey", "guess_key", "read_stretch"]

_DATE = {"%Y": "{0:04d}", "%m": "{1:02d}", "%d": "{2:02d}"}
_TIME = {"%H": "{0:02d}", "%M": "{1:02d}", "%S": "{2:02d}"}
_DIGITS = {"%Y": 4, "%m": 2, "%d": 2, "%H": 2, "%M": 2, "%S": 2}
_OTHER_FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%Y-%m", "%Y/%m", "%Y-%m-%d-%H:%M", "%Y-%m-%d %H", "%Y-%m-%d-%H")
_PART = re.compile(r"%.|[^%]+|%", re.DOTALL)
_STRETCH = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[-T](\d\d)(?::(\d\d))?)?)?)?", re.ASCII)
_SUFFIX = r"(?P<suffix>[+-][0-9]{4}(?:[0-9]{2})?)?"


class ReadKey(NamedTuple):
    """A key as read.

    Attributes:
        civil: Civil seconds that it names; parts that the format leaves out are at their start.
        offset: The UTC offset that it names, seconds; None if it names none.
    """

    civil: int
    offset: int | None


def _offset_text(offset: int) -> str:
    sign = "-" if offset < 0 else "+"
    minutes, seconds = divmod(abs(offset), 60)
    return f"{sign}{minutes // 60:02d}{minutes % 60:02d}" + (f"{seconds:02d}" if seconds else "")


def _offset_seconds(text: str) -> int:
    seconds = int(text[1:3]) * 3600 + int(text[3:5]) * 60 + int(text[5:7] or 0)
    return -seconds if text[0] == "-" else seconds


class KeyFormat:
    """One key format.

    Attributes:
        text: The format, as ``strftime`` takes it.
        names_offset: True if the keys contain the UTC offset (``%z``), so that no suffix is needed.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.names_offset = "%z" in text.replace("%%", "")
        self._pattern: re.Pattern[str] | None = None
        self._date_form = self._time_form = ""
        self._compile()

    def _compile(self) -> None:
        """Prepares the fast path, if the format is dates then times, each part at most once."""
        pattern: list[str] = []
        forms: dict[bool, list[str]] = {False: [], True: []}  # keyed by "the time part has begun"
        seen: set[str] = set()
        in_time = False
        for part in _PART.findall(self.text):
            if part in _DIGITS:
                if part in seen or (part in _DATE and in_time):
                    return
                seen.add(part)
                in_time = in_time or part in _TIME
                pattern.append(f"(?P<{part[1]}>[0-9]{{{_DIGITS[part]}}})")
                forms[in_time].append((_TIME if in_time else _DATE)[part])
            elif part == "%%" or not part.startswith("%"):
                literal = "%" if part == "%%" else part
                pattern.append(re.escape(literal))
                forms[in_time].append(literal.replace("{", "{{").replace("}", "}}"))
            else:
                return
        if "%Y" not in seen:
            return
        self._pattern = re.compile("".join(pattern) + _SUFFIX)
        # Of what was read, with 0 and 1 at its end: year, month, day, hour, minute and second.
        place = {part: n for n, part in enumerate(p for p in _PART.findall(self.text) if p in _DIGITS)}
        absent = {part: -1 if part in _DATE else -2 for part in _DIGITS}
        self._in_order = itemgetter(*({**absent, **place}[part] for part in _DIGITS))
        self._date_form, self._time_form = "".join(forms[False]), "".join(forms[True])
        self._is_iso_date = self._date_form == "{0:04d}-{1:02d}-{2:02d}"

    def write(self, civil: int, offset: int, zone: Zone, *, suffix: bool) -> str:
        """The key of a window that starts at `civil` seconds on a clock that is `offset` from UTC.

        Args:
            suffix: Append the offset, because the wall clock shows this time for the second time.
        """
        tail = _offset_text(offset) if suffix and not self.names_offset else ""
        if self._pattern is None:
            return zone.aware(civil - offset).strftime(self.text) + tail
        day, second = divmod(civil, DAY)
        return self._date_text(day) + self._time_text(second) + tail

    def _date_text(self, day: int) -> str:
        on = date.fromordinal(day + EPOCH_DAY)
        if self._is_iso_date:
            return on.isoformat()
        return self._date_form.format(on.year, on.month, on.day)

    def _time_text(self, second: int) -> str:
        return self._time_form.format(second // 3600, second // 60 % 60, second % 60)

    @property
    def is_fast(self) -> bool:
        """Whether `write_all` can be used."""
        return self._pattern is not None

    def write_all(self, labels: Iterable[Labels]) -> list[str]:
        """Keys in bulk, for a format that `is_fast`."""
        keys: list[str] = []
        last: Sequence[int] = ()
        times: list[str] = []
        for day, seconds, repeated in labels:
            date_text = self._date_text(day)
            if seconds is not last:  # ordinary days share their times
                last, times = seconds, [self._time_text(second) for second in seconds]
            if repeated is None:
                keys += [date_text + time for time in times]
            else:
                tail = _offset_text(repeated)
                keys += [date_text + time + tail for time in times]
        return keys

    def read(self, key: str) -> ReadKey | None:
        """What `key` says; None if it is not of this format. Takes a little more than `write` makes."""
        if self._pattern is None:
            return self.read_loosely(key)
        match = self._pattern.fullmatch(key)
        if match is None:
            return None
        *numbers, suffix = match.groups()
        year, month, day, hour, minute, second = self._in_order([*map(int, numbers), 0, 1])
        try:
            days = date(year, month, day).toordinal() - EPOCH_DAY
        except ValueError:
            return None
        if hour > 23 or minute > 59 or second > 59:
            return None
        civil = days * DAY + hour * 3600 + minute * 60 + second
        return ReadKey(civil, None if suffix is None else _offset_seconds(suffix))

    def read_loosely(self, key: str) -> ReadKey | None:
        """As ``strptime`` reads it: ``2024-1-5`` will do for ``2024-01-05``."""
        for text in (self.text, self.text + "%z"):
            try:
                parsed = datetime.strptime(key, text)
            except (ValueError, re.error):
                continue
            offset = parsed.utcoffset()
            return ReadKey(civil_seconds(parsed), None if offset is None else offset // timedelta(seconds=1))
        return None


def guess_key(text: str) -> ReadKey | None:
    """What somebody may have meant who did not know the format; None if there is no telling."""
    text = text.strip()
    try:
        return ReadKey(civil_seconds(datetime.fromisoformat(text)), None)
    except ValueError:
        pass
    for form in _OTHER_FORMS:
        try:
            return ReadKey(civil_seconds(datetime.strptime(text, form)), None)
        except ValueError:
            continue
    return None


def read_stretch(text: str) -> tuple[int, int] | None:
    """The civil seconds, half-open, of a year, month, day, hour or minute; None if `text` is none of them.

    ``2024``, ``2024-01``, ``2024-01-05``, ``2024-01-05T10`` and ``2024-01-05T10:30``; ``-`` will do for ``T``.
    """
    match = _STRETCH.fullmatch(text)
    if match is None:
        return None
    month, day, hour, minute = (None if part is None else int(part) for part in match.groups()[1:])
    try:
        begins = date(int(match[1]), 1 if month is None else month, 1 if day is None else day)
    except ValueError:
        return None
    start = (begins.toordinal() - EPOCH_DAY) * DAY
    if hour is not None:
        if hour > 23 or (minute or 0) > 59:
            return None
        start += hour * HOUR + (minute or 0) * 60
        return start, start + (HOUR if minute is None else 60)
    if day is not None:
        return start, start + DAY
    ends = begins if month is not None else begins.replace(month=12)
    ends = ends.replace(day=monthrange(ends.year, ends.month)[1])
    return start, (ends.toordinal() + 1 - EPOCH_DAY) * DAY
