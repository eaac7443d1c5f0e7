"""Who may spend what: prices, reservations, caps, consent."""
