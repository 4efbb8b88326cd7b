//! Scopes: the single permissions that roles and tokens consist of.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::collections::btree_set;
use std::fmt;
use std::sync::{Arc, LazyLock};

use compact_str::CompactString;
use serde::{Deserialize, Serialize, Serializer};

/// What each scope brings along when a token holds it (behaviour 1.3).
///
/// Every list is complete: nothing has to be followed from one line to the next. The scopes that are not in
/// the chain of their resource (`org:integrations`, `project:releases`) stand alone on purpose.
const IMPLIED: &[(&str, &[&str])] = &[
    ("alerts:read", &[]),
    ("alerts:write", &["alerts:read"]),
    ("event:read", &[]),
    ("event:write", &["event:read"]),
    ("event:admin", &["event:read", "event:write"]),
    ("member:read", &[]),
    ("member:invite", &["member:read"]),
    ("member:write", &["member:read", "member:invite"]),
    ("member:admin", &["member:read", "member:invite", "member:write"]),
    ("org:read", &[]),
    ("org:write", &["org:read"]),
    ("org:admin", &["org:read", "org:write", "org:integrations"]),
    ("org:integrations", &[]),
    ("project:read", &[]),
    ("project:write", &["project:read"]),
    ("project:admin", &["project:read", "project:write"]),
    ("project:releases", &[]),
    ("team:read", &[]),
    ("team:write", &["team:read"]),
    ("team:admin", &["team:read", "team:write"]),
];

/// Every scope that a user's token can be issued with; a token without a list of its own has all of them.
///
/// Role definitions are not bound to this list (roles are data): a scope beyond it says something about its
/// holders in comparisons of roles, but no token carries it.
pub fn known_scopes() -> ScopeSet {
    static KNOWN: LazyLock<ScopeSet> =
        LazyLock::new(|| IMPLIED.iter().map(|(scope, _)| Scope(CompactString::const_new(scope))).collect());
    KNOWN.clone()
}

/// One permission, in the form `thing:verb`, both in lower-case letters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "CompactString")]
pub struct Scope(CompactString);

/// The text is not of the form `thing:verb`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scope: write `thing:verb` in lower-case letters, for example `member:read`")]
pub struct MalformedScope(pub CompactString);

/// No token can be issued with the scope: [`known_scopes`] has those that there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no token can have the scope \"{}\"; there are {}", .0.escape_debug(), listed(&known_scopes()))]
pub struct NoTokenScope(pub CompactString);

fn listed(scopes: &ScopeSet) -> String {
    scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(", ")
}

impl Scope {
    /// Reads a scope; any thing and verb will do, only the form is checked.
    pub fn new(text: &str) -> Result<Self, MalformedScope> {
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
        match text.split_once(':') {
            Some((thing, verb)) if is_word(thing) && is_word(verb) => Ok(Self(text.into())),
            _ => Err(MalformedScope(text.into())),
        }
    }

    /// The scope as it is written in files, answers and the log.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<CompactString> for Scope {
    type Error = MalformedScope;

    fn try_from(text: CompactString) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

/// Lets a set of scopes be asked with a literal.
impl Borrow<str> for Scope {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// As a string: the type says nothing that the text does not.
impl fmt::Debug for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

/// A set of scopes; read, shown and stored in alphabetical order, so that equal sets look equal. A copy shares what the
/// original holds: every decision takes some.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(from = "BTreeSet<Scope>")]
pub struct ScopeSet(Arc<BTreeSet<Scope>>);

impl Serialize for ScopeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().serialize(serializer)
    }
}

impl From<BTreeSet<Scope>> for ScopeSet {
    fn from(scopes: BTreeSet<Scope>) -> Self {
        Self(Arc::new(scopes))
    }
}

impl ScopeSet {
    /// The set that permits nothing.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Reads a set from texts; the first one that is no scope is refused.
    pub fn parse<'text>(texts: impl IntoIterator<Item = &'text str>) -> Result<Self, MalformedScope> {
        texts.into_iter().map(Scope::new).collect()
    }

    /// Reads the scopes of a token from texts; the first one that no token can have is refused.
    pub fn of_token<'text>(texts: impl IntoIterator<Item = &'text str>) -> Result<Self, NoTokenScope> {
        let known = known_scopes();
        let read = |text: &str| known.0.get(text).cloned().ok_or_else(|| NoTokenScope(text.into()));
        texts.into_iter().map(read).collect()
    }

    /// Whether the set permits nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many scopes the set holds.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether this scope is in the set. Nothing is implied here: see [`ScopeSet::with_implied`].
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// Whether at least one of these scopes is in the set: the form in which endpoints state what they need.
    pub fn any_of(&self, scopes: &[&str]) -> bool {
        scopes.iter().any(|scope| self.contains(scope))
    }

    /// Whether the other set holds everything that this one does; an equal set does.
    pub fn is_subset(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.is_subset(&other.0)
    }

    /// What is in both: the scopes that a token leaves of a role, for one.
    pub fn intersection(&self, other: &Self) -> Self {
        self.0.intersection(&other.0).cloned().collect()
    }

    /// The set without this scope.
    pub fn without(mut self, scope: &str) -> Self {
        if self.contains(scope) {
            Arc::make_mut(&mut self.0).remove(scope);
        }
        self
    }

    /// The set with all that its scopes bring along on a token (behaviour 1.3): `member:admin` also permits
    /// what `member:write` does, and so on. Never for roles, whose lists are complete as they are written.
    pub fn with_implied(&self) -> Self {
        let implied = IMPLIED
            .iter()
            .filter(|(scope, _)| self.contains(scope))
            .flat_map(|(_, implied)| *implied)
            .map(|scope| Scope(CompactString::const_new(scope)));
        self.0.iter().cloned().chain(implied).collect()
    }

    /// The scopes in alphabetical order.
    pub fn iter(&self) -> btree_set::Iter<'_, Scope> {
        self.0.iter()
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<Scopes: IntoIterator<Item = Scope>>(scopes: Scopes) -> Self {
        scopes.into_iter().collect::<BTreeSet<_>>().into()
    }
}

impl<'set> IntoIterator for &'set ScopeSet {
    type Item = &'set Scope;
    type IntoIter = btree_set::Iter<'set, Scope>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
