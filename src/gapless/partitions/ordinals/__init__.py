"""Sets of ordinals: of one dimension as runs or a bitmap, of several as nested runs."""

from gapless.partitions.ordinals.ordinal_set import OrdinalSet
from gapless.partitions.ordinals.product_set import ProductSet, number_of, point_of

__all__ = ["OrdinalSet", "ProductSet", "number_of", "point_of"]
