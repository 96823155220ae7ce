"""Checks that most tables need: ``gapless.checks.not_null(plays, "id")``."""

from __future__ import annotations

from gapless.definitions.built_in_checks import freshness, not_null, row_count, unique

__all__ = ["freshness", "not_null", "row_count", "unique"]
