"""``libertem.executor``: what lies below."""
