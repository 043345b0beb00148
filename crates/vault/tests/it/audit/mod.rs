//! The methods of `AuditService`.

mod list;
