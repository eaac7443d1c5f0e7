"""What can be set: settings, limits, and who may ask for what."""
