"""SMTP and the outbox that sends once."""
