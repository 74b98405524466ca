"""The vocabulary: devices, places and what devices say.  Nothing here decides whether something is wrong."""
