"""SQL: rows as frozen dataclasses, functions over one table each."""
