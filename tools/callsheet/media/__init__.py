"""Files: stored, fetched from strangers, probed, cut, lettered, subtitled."""
