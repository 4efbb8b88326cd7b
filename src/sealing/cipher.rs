//! The two primitives, and the framing of what they are applied to.

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::clock;

/// Bytes of every key.
pub(super) const KEY_BYTES: usize = 32;
/// Bytes of the nonce in front of each ciphertext; enough to draw it at random for ever.
const NONCE_BYTES: usize = 24;

/// A key. Overwritten when dropped, and never printed.
#[derive(Clone)]
pub(super) struct Secret(Zeroizing<[u8; KEY_BYTES]>);

impl Secret {
    pub(super) fn random() -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        clock::random(bytes.as_mut_slice());
        Self(bytes)
    }

    /// From exactly [`KEY_BYTES`] bytes.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        (bytes.len() == KEY_BYTES).then(|| key.copy_from_slice(bytes))?;
        Some(Self(key))
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Nonce, ciphertext and tag. `context` is authenticated with it.
    pub(super) fn seal(&self, plain: &[u8], context: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = clock::random_bytes();
        let payload = Payload { msg: plain, aad: context };
        let ciphertext = self
            .cipher()
            .encrypt(XNonce::from_slice(&nonce), payload)
            .expect("only 256 GiB and more cannot be encrypted");
        [nonce.as_slice(), ciphertext.as_slice()].concat()
    }

    /// What was sealed; none unless key, bytes and `context` are all the same as then.
    pub(super) fn open(&self, sealed: &[u8], context: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE_BYTES)?;
        let payload = Payload { msg: ciphertext, aad: context };
        self.cipher().decrypt(XNonce::from_slice(nonce), payload).ok().map(Zeroizing::new)
    }

    /// Keyed hash of the framed `parts`.
    pub(super) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.hashing(parts).finalize().into_bytes().into()
    }

    /// Whether `hash` is [`Secret::mac`] of the parts; takes as long for one that is nearly right as for any other.
    pub(super) fn is_mac(&self, parts: &[&[u8]], hash: &[u8]) -> bool {
        self.hashing(parts).verify_slice(hash).is_ok()
    }

    fn hashing(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac =
            <Hmac<Sha256> as Mac>::new_from_slice(self.bytes()).expect("HMAC takes a key of any length");
        for part in parts {
            mac.update(&length(part));
            mac.update(part);
        }
        mac
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.bytes().into())
    }
}

/// The parts one after the other, each behind its length, so that no other parts give the same bytes.
pub(super) fn frame(parts: &[&[u8]]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(parts.iter().map(|part| 8 + part.len()).sum());
    for part in parts {
        framed.extend_from_slice(&length(part));
        framed.extend_from_slice(part);
    }
    framed
}

fn length(part: &[u8]) -> [u8; 8] {
    (part.len() as u64).to_le_bytes()
}

/// A random id of `BYTES` bytes, in hexadecimal.
pub(super) fn random_id<const BYTES: usize>() -> String {
    hex::encode(clock::random_bytes::<BYTES>())
}

#[cfg(test)]
mod tests {
    use super::{Secret, frame};

    #[test]
    fn what_is_sealed_opens_under_the_same_key_and_context_only() {
        let (key, other) = (Secret::random(), Secret::random());
        let sealed = key.seal(b"secret", b"context");
        assert_eq!(key.open(&sealed, b"context").unwrap().as_slice(), b"secret");
        assert!(key.open(&sealed, b"contexT").is_none());
        assert!(other.open(&sealed, b"context").is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open(&changed, b"context").is_none(), "byte {at} was changed unnoticed");
            assert!(key.open(&sealed[..at], b"context").is_none(), "a cut after {at} bytes went unnoticed");
        }
    }

    #[test]
    fn parts_are_kept_apart() {
        assert_ne!(frame(&[b"ab", b"c"]), frame(&[b"a", b"bc"]));
        assert_ne!(frame(&[b"ab"]), frame(&[b"ab", b""]));
        let key = Secret::random();
        assert_ne!(key.mac(&[b"ab", b"c"]), key.mac(&[b"a", b"bc"]));
        assert_ne!(key.mac(&[]), key.mac(&[b""]));
    }

    /// What is hashed in pieces is what [`frame`] would have made of them.
    #[test]
    fn the_keyed_hash_is_hmac_sha256_of_the_frame() {
        use hmac::{Hmac, Mac};
        let key = Secret::random();
        let mut mac = <Hmac<sha2::Sha256> as Mac>::new_from_slice(key.bytes()).unwrap();
        mac.update(&frame(&[b"purpose", b"text"]));
        assert_eq!(key.mac(&[b"purpose", b"text"]).as_slice(), mac.finalize().into_bytes().as_slice());
    }
}
