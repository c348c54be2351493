"""Signature: who released a folder, and that no file of it was changed since, by OpenSSF's model signing."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from keepfit.delivery import Release
from keepfit.errors import SignatureError
from keepfit.release import ReleaseFolder

KEY = "KEEPFIT_SIGNING_KEY"
# Where GitHub gives a job its identity; there with the permission `id-token: write` alone.
IDENTITY = "ACTIONS_ID_TOKEN_REQUEST_URL"


def sign(folder: ReleaseFolder) -> str:
    """Sign every file of a release, and return by what: the key of the environment, else GitHub's identity.

    Raises SignatureError.
    """
    from model_signing import signing

    if key := os.environ.get(KEY):
        with TemporaryDirectory() as place:
            file = Path(place, "key.pem")
            file.touch(mode=0o600)
            file.write_text(key)
            try:
                config = signing.Config().use_elliptic_key_signer(private_key=file)
            except (ValueError, TypeError) as error:
                raise SignatureError(f"{KEY}: not a private elliptic-curve key in PEM: {error}") from None
            config.sign(folder.path, folder.signature)
        return "key"
    if os.environ.get(IDENTITY):
        signing.Config().use_sigstore_signer(use_ambient_credentials=True).sign(folder.path, folder.signature)
        return "identity"
    raise SignatureError(
        f"nobody to sign as: set {KEY} to a private key in PEM, or run on GitHub with the permission `id-token: write`"
    )


def verify(folder: ReleaseFolder, release: Release) -> None:
    """Check the signature, that it is of who may sign, and each file of the release; raise SignatureError."""
    from cryptography.exceptions import InvalidSignature
    from model_signing import verifying

    if not folder.signature.exists():
        raise SignatureError(f"{folder.signature}: not there; `keepfit release sign {folder.path.name}` makes it")
    if not release.public_key and not release.identity:
        raise SignatureError("release.public_key and release.identity are null: name who may sign in conf/config.yaml")
    if release.public_key and not Path(release.public_key).exists():
        raise SignatureError(f"release.public_key: no file {release.public_key}")
    config = verifying.Config()
    try:
        if release.public_key:
            config.use_elliptic_key_verifier(public_key=Path(release.public_key))
        else:
            identity = str(release.identity).replace("{version}", folder.path.name)
            config.use_sigstore_verifier(identity=identity, oidc_issuer=release.issuer)
        config.verify(folder.path, folder.signature)
    except InvalidSignature:
        raise SignatureError(f"{folder.signature}: not signed with the key of {release.public_key}") from None
    except Exception as error:  # noqa: BLE001 - whatever its parser stumbles over, it is no signature
        raise SignatureError(f"{folder.path}: {' '.join(str(error).split())}") from None
    # An older release, signed well, in the place of this one.
    if (version := folder.read_record().version) != folder.path.name:
        raise SignatureError(f"{folder.path}: is the release of {version}")
