"""What listens: MCP over stdio and HTTP, and the commands that only make sense with it."""
