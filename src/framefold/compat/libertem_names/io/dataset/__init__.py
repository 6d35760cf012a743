"""``libertem.io.dataset``: what lies below."""
