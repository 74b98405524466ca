"""How the store's schema came about, one step a file: `versions/`.  Run by duty/edge/schema.py."""
