"""Share: which requests belong to a share of them, by a hash and not by chance, so that anyone can tell afterwards."""

from hashlib import blake2b

WHOLE = 1 << 64


def in_share(token: str, share: float, *, salt: str) -> bool:
    """Tell whether `token` is among the `share` (0 to 1) of all tokens; another salt draws other ones.

    A token that is in a share is in every larger one of the same salt.
    """
    number = int.from_bytes(blake2b(token.encode(), digest_size=8, salt=salt.encode()[:16]).digest())
    return number < share * WHOLE
