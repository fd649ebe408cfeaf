"""SMTP, Slack's webhooks, and the outbox that sends once."""
