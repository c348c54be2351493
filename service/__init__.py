"""The service that `package` builds a Bento of."""
