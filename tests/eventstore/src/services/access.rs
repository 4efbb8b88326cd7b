//! Who may do it, and on which node.

use base64::{Engine, engine::general_purpose::STANDARD};
use tonic::{Status, metadata::MetadataMap};

use super::{Credentials, Node, refusals};

impl Node {
    /// Refuses whoever may not read and write, and what only the leader may do.
    pub(super) fn admit(&self, metadata: &MetadataMap) -> Result<(), Status> {
        if !self.is_allowed(metadata)? {
            return Err(refusals::access_denied());
        }
        self.check_leader(metadata)
    }

    /// Whether the caller may read and write. Who gives wrong credentials is nobody at all, which is another refusal than
    /// that of someone who gives none.
    pub(super) fn is_allowed(&self, metadata: &MetadataMap) -> Result<bool, Status> {
        let (Some(required), Some(given)) = (&self.credentials, metadata.get("authorization")) else {
            return Ok(self.credentials.is_none());
        };
        match given.to_str().ok().and_then(basic) {
            Some(given) if given == *required => Ok(true),
            _ => Err(Status::unauthenticated("Unauthenticated")),
        }
    }

    /// A node that does not lead carries out what it is asked all the same, unless the client demands the leader.
    pub(super) fn check_leader(&self, metadata: &MetadataMap) -> Result<(), Status> {
        let demanded = metadata.get("requires-leader").and_then(|value| value.to_str().ok());
        let leader = self.members.leader();
        if demanded.is_some_and(|value| value.eq_ignore_ascii_case("true")) && leader != self.seat {
            return Err(refusals::not_leader(self.members.all()[leader].address));
        }
        Ok(())
    }
}

fn basic(header: &str) -> Option<Credentials> {
    let (scheme, encoded) = header.split_once(' ')?;
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    scheme.eq_ignore_ascii_case("basic").then(|| Credentials { user: user.into(), password: password.into() })
}
