"""Progressive Robot Video."""
