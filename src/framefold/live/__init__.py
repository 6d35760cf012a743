"""A stream of detector messages becomes readers, one for each acquisition."""
