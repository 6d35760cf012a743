"""``libertem.io``: what lies below."""
