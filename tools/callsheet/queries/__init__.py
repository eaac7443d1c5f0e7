"""What can be asked that costs nothing."""
