"""What others say, and what the network does, as one line of ours."""

import ssl


def one_line(said: bytes | str) -> str:
    """A server's words on one line, without what a terminal would obey."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return "".join(char if char.isprintable() else " " for char in text)[:400].strip()


def words_of(error: object) -> str:
    """What went wrong on the way, with what to do where a certificate is not trusted."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{error.verify_message}; SSL_CERT_FILE names a site's own authorities"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return one_line(str(error)) or type(error).__name__
