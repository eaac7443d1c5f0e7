"""What listens on HTTP: access, links, pages."""
