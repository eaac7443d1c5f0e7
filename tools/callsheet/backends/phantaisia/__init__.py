"""Phantaisia."""
