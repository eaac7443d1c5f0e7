"""Phaya."""
