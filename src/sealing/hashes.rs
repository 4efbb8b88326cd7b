//! Keyed hashes: what is compared, looked up and claimed in place of what is a person's or a secret.

use muster_events::{
    id::MemberId,
    personal::{KeyedHash, Personal, PersonalText},
};

use super::{
    Founding, KeyRing, MasterKey, SealingError, WrappedKey,
    cipher::{Secret, random_id},
};

/// Holder of the key of keyed hashes; not the text of any subject.
const HASH_KEY: &str = "deployment:hashes";
/// Holder of the key of token digests.
const TOKEN_KEY: &str = "deployment:tokens";

// First part of all that is hashed, so that hashes for different uses never coincide.
const IDENTITY_PURPOSE: &[u8] = b"muster identity";
const REQUEST_PURPOSE: &[u8] = b"muster request";
const TOKEN_PURPOSE: &[u8] = b"muster token";
const INVITATION_PURPOSE: &[u8] = b"muster invitation";

/// Hexadecimal digits of an invitation's token.
const INVITATION_DIGITS: usize = 64;

/// A key of the deployment's own.
struct DeploymentKey {
    id: String,
    secret: Secret,
}

/// The keys of the deployment's own: made with it, and never changed, because what they hashed stays in the log.
pub(super) struct DeploymentKeys {
    hashes: DeploymentKey,
    tokens: DeploymentKey,
}

/// The id of the key of keyed hashes.
pub(super) fn hash_key_id(founding: &Founding) -> Option<String> {
    founding.keys.iter().find(|key| key.holder == HASH_KEY).map(|key| key.id.to_string())
}

impl DeploymentKeys {
    /// New ones, wrapped.
    pub(super) fn new_wrapped(master: &MasterKey) -> Vec<WrappedKey> {
        [HASH_KEY, TOKEN_KEY].map(|holder| master.wrap(&random_id::<4>(), holder, &Secret::random())).into()
    }

    pub(super) fn unwrap(master: &MasterKey, keys: &[WrappedKey]) -> Result<Self, SealingError> {
        let find = |holder: &str| -> Result<DeploymentKey, SealingError> {
            let key = keys.iter().find(|key| key.holder == holder).ok_or_else(|| {
                SealingError::Unusable(format!(
                    "key {holder} is missing: put the keys back from their backup"
                ))
            })?;
            Ok(DeploymentKey { id: key.id.to_string(), secret: master.unwrap(key)? })
        };
        Ok(Self { hashes: find(HASH_KEY)?, tokens: find(TOKEN_KEY)? })
    }
}

impl KeyRing {
    /// The keyed hash of an identity, `<hash key id>:<hex>`; see [`PersonalText::identity`].
    pub fn hash(&self, identity: &str) -> KeyedHash {
        let key = &self.deployment().hashes;
        let hash = key.secret.mac(&[IDENTITY_PURPOSE, identity.as_bytes()]);
        KeyedHash(format!("{}:{}", key.id, hex::encode(hash)).into())
    }

    /// The id of the hash key, which is never rotated.
    pub fn hash_key_id(&self) -> &str {
        &self.deployment().hashes.id
    }

    /// A readable value with its keyed hash, where values of its kind are looked up.
    pub fn hashed<T: PersonalText>(&self, value: T) -> Personal<T> {
        let hash = value.identity().map(|identity| self.hash(&identity));
        Personal::open(value, hash)
    }

    /// What is kept of the secret of an API token, in hexadecimal, and the id of the key that it was made with.
    pub fn token_digest(&self, secret: &str) -> (String, String) {
        let key = &self.deployment().tokens;
        (hex::encode(key.secret.mac(&[TOKEN_PURPOSE, secret.as_bytes()])), key.id.clone())
    }

    /// The token of an invitation: 64 lower-case hexadecimal digits, the same whenever it is asked for. It is stored nowhere.
    pub fn invitation_token(&self, member: MemberId, generation: u32) -> String {
        let (member, generation) = (member.to_string(), generation.to_be_bytes());
        let parts = invitation(&member, &generation);
        hex::encode(self.deployment().tokens.secret.mac(&parts))
    }

    /// Whether `shown` is the token of this generation of an invitation, compared in constant time.
    pub fn is_invitation_token(&self, member: MemberId, generation: u32, shown: &str) -> bool {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_token = shown.len() == INVITATION_DIGITS && shown.bytes().all(is_digit);
        let (member, generation) = (member.to_string(), generation.to_be_bytes());
        let parts = invitation(&member, &generation);
        let shown = hex::decode(shown).unwrap_or_default();
        is_token && self.deployment().tokens.secret.is_mac(&parts, &shown)
    }

    /// The keyed hash of a request or of an idempotency key, 128 bits in hexadecimal; of the parts, not of what they
    /// make when put together. Half of a hash is enough against all who do not have the key, and half as much to keep
    /// with each event.
    pub fn request_hash(&self, parts: &[&[u8]]) -> String {
        let parts: Vec<_> = [REQUEST_PURPOSE].into_iter().chain(parts.iter().copied()).collect();
        hex::encode(&self.deployment().hashes.secret.mac(&parts)[..16])
    }
}

fn invitation<'a>(member: &'a str, generation: &'a [u8; 4]) -> [&'a [u8]; 3] {
    [INVITATION_PURPOSE, member.as_bytes(), generation]
}
