//! The form of display names (behaviour.md 5.6 and 7.3), of organizations and of teams.

use crate::refusal::{FieldError, Refusal};

/// The most characters of a name.
const MAX: usize = 64;

/// The name as it is stored, without the blanks around it; refused when nothing is left, when it is too long, and
/// when it has a character that not every store can keep.
pub fn check_name(name: &str) -> Result<String, Refusal> {
    let name = name.trim();
    let why = match name.chars().count() {
        0 => "This field may not be blank.".to_owned(),
        count if count > MAX => format!("Ensure this field has no more than {MAX} characters."),
        _ if name.contains('\0') => "Null characters are not allowed.".to_owned(),
        _ => return Ok(name.to_owned()),
    };
    Err(Refusal::InvalidFields { errors: vec![FieldError::new("name", why)] })
}
