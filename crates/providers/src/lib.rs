//! What Latchkey knows of each provider: wire formats, errors, checks, catalogue. Sans I/O.
