"""Recording while processing, and playing recordings again."""
