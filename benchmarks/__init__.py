"""How fast and how large Gapless is, against what one would do instead. See README.md."""
