"""Builds and parsed reports side by side: what may be compared, what differs, and which designs no other one beats."""
