"""Inner loops on pixels and encoded bytes, compiled: plain arrays in, plain arrays out."""
