"""One module a screen; each has `add_to(app)`."""
