"""What the loaded backends have to offer, imported when it is first needed: dialects and models."""

from functools import cache

from callsheet.backends.dialect import Dialect
from callsheet.catalogue import contract
from callsheet.catalogue.catalogue import Catalogue
from callsheet.catalogue.model import Model
from callsheet.settings.backends import Backend, Backends


@cache
def dialect(backend: Backend) -> Dialect:
    """How a backend is spoken to."""
    found: Dialect = backend.find(backend.dialect)(backend)
    return found


@cache
def models(backend: Backend) -> tuple[type[Model], ...]:
    """A backend's models.

    Raises:
        Broken: one of them breaks the contract.
    """
    found = tuple(model for module in backend.models for model in backend.find(f"{module}:MODELS"))
    contract.check(backend.name, found)
    return found


@cache
def catalogue(backends: Backends) -> Catalogue:
    """The models of all, each where it ranks; those of one rank as their backend has them."""
    ranked: list[tuple[int, type[Model]]] = []
    for backend in backends:
        with backends.spared(backend):
            ranked += [(backend.rank if model.rank is None else model.rank, model) for model in models(backend)]
    keys = [backend.key.name for backend in backends if backend.key]
    return Catalogue([model for _, model in sorted(ranked, key=lambda pair: pair[0])], keys)
