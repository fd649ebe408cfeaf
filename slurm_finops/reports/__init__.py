"""Ledger -> view dataclasses -> charts, HTML and text."""
