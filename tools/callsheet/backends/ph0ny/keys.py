"""Keys of other providers that travel through ph0ny."""

from pydantic import SecretStr

from callsheet.settings.backends import secret


class ProviderKeys(dict[str, SecretStr]):
    """A key of each provider, by its name; `fish-audio` and `FishAudio` are one."""

    def of(self, provider: str) -> SecretStr | None:
        """The key of this provider; None where none is set."""
        return self.get(plain(provider))


def plain(provider: str) -> str:
    """A provider's name, however it is spelt."""
    return provider.replace("-", "").replace("_", "").lower()


def provider_keys(text: str) -> ProviderKeys:
    """Read `elevenlabs:key,heygen:key`; what is wrong is said without showing a key."""
    given = ProviderKeys()
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, found, key = (word.strip() for word in part.partition(":"))
        if not (name and found and key):
            raise ValueError("it must be provider:key pairs, separated by commas")
        given[plain(name)] = secret(key)
    return given
