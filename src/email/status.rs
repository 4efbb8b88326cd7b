use crate::subscription::Trouble;

/// How the sender stands in this process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether this process sends; another one may.
    pub works: bool,
    /// What keeps it from sending, while it tries again.
    pub trouble: Option<Trouble>,
}
