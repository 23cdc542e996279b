"""The dialects: what each operation means."""
