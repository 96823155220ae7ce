"""What the errors of object storage mean, in our words."""

from __future__ import annotations

from gapless.errors import StorageError
from gapless.storage.parquet.errors import ObjectStorageError

__all__ = ["is_absent", "is_taken", "trouble"]

_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict", "conditionNotMet", "412", "409")
_NO_BUCKET = ("NoSuchBucket",)
_NO_KEY = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired")
_FORBIDDEN = ("AccessDenied", "AllAccessDisabled", "403", "401", "Forbidden")
_SILENT = (
    "ClientConnectionError",
    "ClientConnectorError",
    "ConnectTimeoutError",
    "ConnectionClosedError",
    "EndpointConnectionError",
    "ProxyError",
    "ReadTimeoutError",
    "ServerDisconnectedError",
    "ServerTimeoutError",
)


def is_absent(error: BaseException) -> bool:
    """Whether an error only says that there is no such object."""
    return isinstance(error, FileNotFoundError) and not _is_bucket_missing(error)


def is_taken(error: BaseException) -> bool:
    """Whether an error says that an object that was to be created is there already."""
    return isinstance(error, FileExistsError) or _code(error) in _TAKEN or "pre-conditions" in str(error)


def trouble(error: Exception, place: str, endpoint: str | None, doing: str) -> StorageError | None:
    """What `error` means; None if it is not the storage's."""
    if isinstance(error, StorageError):
        return error
    code, chain = _code(error), _chain(error)
    names = {type(link).__name__ for link in chain}

    def told(reason: str, fix: str) -> StorageError:
        return ObjectStorageError(place, endpoint, doing, reason, fix)

    if _is_bucket_missing(error):
        return told("there is no such bucket", "Create it, or correct base_dir")
    if "NoCredentialsError" in names or "PartialCredentialsError" in names:
        return told(
            "no credentials were found",
            "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give storage_options={'key': …, 'secret': …}",
        )
    if code in _NO_KEY:
        return told(
            f"it does not accept the credentials ({code}: {error})",
            "Check the key and the secret in storage_options or in the environment",
        )
    if isinstance(error, PermissionError) or code in _FORBIDDEN:
        return told(
            f"it refuses these credentials ({error}): they are wrong, or may not do that",
            "Check the key and the secret in storage_options or in the environment, and that they may list, read, write"
            " and delete objects there",
        )
    if names & set(_SILENT) or any(isinstance(link, (ConnectionError, TimeoutError)) for link in chain):
        return told(
            f"it does not answer ({error})",
            "Check that the server runs, the endpoint_url in storage_options, and the network",
        )
    if code is not None or isinstance(error, OSError) or any(name.endswith("ClientError") for name in names):
        return told(f"{type(error).__name__}: {error}", "Correct what it says, or try again later")
    return None


def _is_bucket_missing(error: BaseException) -> bool:
    return _code(error) in _NO_BUCKET or "bucket does not exist" in str(error)


def _code(error: BaseException) -> str | None:
    """What the storage calls the error, wherever its client has put that."""
    for link in _chain(error):
        response = getattr(link, "response", None)
        if isinstance(response, dict) and response.get("Error", {}).get("Code"):
            return str(response["Error"]["Code"])
        for name in ("error_code", "code"):
            if isinstance(getattr(link, name, None), (str, int)):
                return str(getattr(link, name))
    return None


def _chain(error: BaseException) -> list[BaseException]:
    links: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in links:
        links.append(link)
        link = link.__cause__ or link.__context__
    return links
