"""Bytes to frames, frames to bytes; no sockets."""
