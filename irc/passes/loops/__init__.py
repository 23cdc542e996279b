"""From tensors to memory, loops, vectors and threads."""
