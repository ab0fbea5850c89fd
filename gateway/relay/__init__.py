"""One request, from conversation to last byte."""
