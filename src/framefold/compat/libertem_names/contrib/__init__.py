"""``libertem.contrib``: what lies below."""
