"""Words, models, prices, and the choice among them."""
