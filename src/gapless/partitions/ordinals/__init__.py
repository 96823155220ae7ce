"""Sets of ordinals: of one dimension as runs or a bitmap, of several as nested runs."""

from gapless.partitions.ordinals.ordinal_set import OrdinalSet
from gapless.partitions.ordinals.product_set import ProductSet

__all__ = ["OrdinalSet", "ProductSet"]
