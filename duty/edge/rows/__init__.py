"""The store's tables by subject, one file each; duty/edge/store.py puts them together."""
