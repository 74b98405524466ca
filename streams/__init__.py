"""Is something wrong, and which role must hear of it, when?  One pure core, run by every runtime."""
