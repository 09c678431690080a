"""Turns texts into vectors whose cosine says how similar their meanings are, on the CPU of this process."""
