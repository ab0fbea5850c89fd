"""The admin API: what an operator manages and sees, over HTTP."""
