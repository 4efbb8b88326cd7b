//! Old stored shapes to the current one, one version at a time, in order.
//!
//! An upcaster works on the stored shape, so sealed fields pass through untouched, and it may fail: an old
//! payload that does not hold what it should is a fault to be seen, not a value to be made up.

use serde_json::Value;
use thiserror::Error;

/// One step: the payload of `event_type` from schema version `from` to `from + 1`.
#[derive(Debug, Clone, Copy)]
pub struct Upcaster {
    /// Stored type name.
    pub event_type: &'static str,
    /// The schema version that it reads.
    pub from: u32,
    /// The new payload, or what is wrong with the old one.
    pub step: fn(Value) -> Result<Value, String>,
}

/// All steps there are. Adding one: raise the version in the aggregate's `stored!` list, add the line here, add
/// the fixture of the new version; the old fixture stays and proves the step.
pub const UPCASTERS: &[Upcaster] = &[
    // What an invitation counts for was not recorded, because nothing was counted.
    Upcaster { event_type: "MemberInvited", from: 1, step: Ok },
];

/// Why an old payload could not be brought up to date.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UpcastError {
    /// There is no step from this version.
    #[error("there is no upcaster for {event_type} from schema version {from}")]
    Missing {
        /// Stored type name.
        event_type: String,
        /// Schema version reached.
        from: u32,
    },
    /// A step refused the payload.
    #[error("{event_type} cannot be brought up to date from schema version {from}: {why}")]
    Refused {
        /// Stored type name.
        event_type: String,
        /// Schema version reached.
        from: u32,
        /// What is wrong with the payload.
        why: String,
    },
}

/// Applies the steps of `chain` that lead from schema version `from` to `to`.
pub fn upcast(
    chain: &[Upcaster],
    event_type: &str,
    from: u32,
    to: u32,
    payload: Value,
) -> Result<Value, UpcastError> {
    (from..to).try_fold(payload, |payload, version| {
        let step = chain
            .iter()
            .find(|step| step.event_type == event_type && step.from == version)
            .ok_or_else(|| UpcastError::Missing { event_type: event_type.into(), from: version })?;
        (step.step)(payload).map_err(|why| UpcastError::Refused {
            event_type: event_type.into(),
            from: version,
            why,
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{UpcastError, Upcaster, upcast};

    fn name_the_reason(mut payload: Value) -> Result<Value, String> {
        let object = payload.as_object_mut().ok_or("it is not an object")?;
        let code = object.remove("code").ok_or("it has no \"code\"")?;
        object.insert("reason".into(), code);
        Ok(payload)
    }

    fn wrap_the_team(mut payload: Value) -> Result<Value, String> {
        let team = payload.get("team").cloned().ok_or("it has no \"team\"")?;
        payload["teams"] = json!([team]);
        Ok(payload)
    }

    const CHAIN: &[Upcaster] = &[
        Upcaster { event_type: "Left", from: 1, step: name_the_reason },
        Upcaster { event_type: "Left", from: 2, step: wrap_the_team },
    ];

    #[test]
    fn steps_run_in_order_and_leave_sealed_fields_alone() {
        let sealed = json!({"key": "k", "for": "Left.note", "sealed": "AAAA"});
        let old = json!({"code": "moved", "team": "7", "note": sealed});
        let new = upcast(CHAIN, "Left", 1, 3, old).unwrap();
        assert_eq!(new, json!({"team": "7", "note": sealed, "reason": "moved", "teams": ["7"]}));
    }

    #[test]
    fn a_payload_that_lacks_what_it_should_hold_is_refused() {
        let refused = upcast(CHAIN, "Left", 1, 3, json!({"team": "7"}));
        let why = "it has no \"code\"".to_owned();
        assert_eq!(refused, Err(UpcastError::Refused { event_type: "Left".into(), from: 1, why }));
    }

    #[test]
    fn a_gap_in_the_chain_is_an_error() {
        let missing = upcast(CHAIN, "Left", 3, 4, json!({}));
        assert_eq!(missing, Err(UpcastError::Missing { event_type: "Left".into(), from: 3 }));
    }
}
