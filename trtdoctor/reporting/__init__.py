"""Collects facts, redacts them, has them judged and puts the report together; never prints."""
