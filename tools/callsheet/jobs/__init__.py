"""The life of a job, from an order to a receipt."""
