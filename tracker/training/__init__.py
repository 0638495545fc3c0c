"""How it learns: one loop, and what the loop is made of."""
