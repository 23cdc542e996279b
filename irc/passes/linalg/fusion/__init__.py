"""Loop fusion: what may go together, what is worth it, and the new ops."""
