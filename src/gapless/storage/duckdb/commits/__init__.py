"""The commit: columns that fit, slices replaced in one transaction, and the record of it beside the rows."""
