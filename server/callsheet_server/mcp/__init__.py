"""MCP: tools, tasks, approval, resources, prompts, over stdio or HTTP."""
