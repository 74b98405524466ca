"""How Threshold is run."""
