"""The backends, one module or package each, every one with `desk(box) -> Desk`."""
