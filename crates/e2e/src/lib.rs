//! Whole-system tests: both services, real databases, real sockets.
