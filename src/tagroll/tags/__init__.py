"""Tags as text: pure functions, no I/O."""
