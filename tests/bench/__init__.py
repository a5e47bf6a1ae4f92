"""`make bench`: what a page costs, as ratios of peers measured in the same run (design, section 12)."""
