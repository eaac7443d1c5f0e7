"""What our own backends have to offer, for tests that go through all of it."""

from callsheet.backends import registry
from callsheet.queries.queries import queries
from callsheet.settings.backends import load

BACKENDS = load()
catalogue = registry.catalogue(BACKENDS)
QUERIES = queries(BACKENDS)
