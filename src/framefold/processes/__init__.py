"""Our own processes, and the memory they share; knows nothing of frames."""
