"""Chaos on real sockets: workers are killed at random, answers are lost, and then every credit is counted.

uv run python -m tests.chaos --jobs 300 --kills 25 --faults 100 --seed 7
"""
