//! The inference-router service: dispatch, leased keys, ledger.
