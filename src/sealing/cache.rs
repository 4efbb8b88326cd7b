//! Unwrapped keys in memory: how many, and for how long without asking whether they still are.

use std::{
    borrow::Borrow,
    collections::HashMap,
    fmt,
    hash::Hash,
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use compact_str::CompactString;

use super::{Subject, cipher::Secret};

/// For how long the number of erasures that was read counts as known. The promise is that an erasure in another
/// process is noticed within 250 ms; the rest is for the request that is under way then.
const KNOWN_FOR: Duration = Duration::from_millis(200);
/// Persons whose keys are kept, at the least; at the most it is twice that. About 200 bytes each.
const CAPACITY: usize = 32_768;

/// A person's key, ready for use.
pub(super) struct PersonKey {
    pub(super) id: CompactString,
    pub(super) secret: Secret,
}

impl fmt::Debug for PersonKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PersonKey({})", self.id)
    }
}

/// What is known of a key id.
#[derive(Debug, Clone)]
pub(super) enum Held {
    /// The key.
    Living(Arc<PersonKey>),
    /// That it was erased.
    Erased,
}

/// Keys by id and by subject. All that is in it was in the store when the number of erasures was `erasures`; an
/// erasure anywhere empties it, which is cheap because erasures are rare.
#[derive(Debug)]
pub(super) struct Cache {
    erasures: u64,
    /// When the read of `erasures` began; none before the first.
    known_at: Option<Instant>,
    /// When this process itself last erased: what was read before is not to be believed.
    believe_from: Option<Instant>,
    keys: Recent<CompactString, Held>,
    subjects: Recent<Subject, Arc<PersonKey>>,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            erasures: 0,
            known_at: None,
            believe_from: None,
            keys: Recent::new(CAPACITY),
            subjects: Recent::new(CAPACITY),
        }
    }
}

impl Cache {
    /// Whether it may answer somebody who asked at `asked`.
    pub(super) fn is_fresh(&self, asked: Instant) -> bool {
        self.known_at.is_some_and(|known_at| known_at + KNOWN_FOR > asked)
    }

    /// Takes note of the number of erasures, read from `began` on. False when newer knowledge contradicts it: what
    /// was read with it is not to be kept.
    pub(super) fn confirm(&mut self, began: Instant, erasures: u64) -> bool {
        if self.believe_from.is_some_and(|from| began < from) {
            return false;
        }
        if erasures != self.erasures {
            if self.known_at.is_some_and(|known_at| began < known_at) {
                return false;
            }
            self.empty();
            self.erasures = erasures;
        }
        self.known_at = self.known_at.max(Some(began));
        true
    }

    /// Forgets everything, after an erasure by this process that ended before `now`.
    pub(super) fn forget(&mut self, now: Instant) {
        self.empty();
        self.known_at = None;
        self.believe_from = Some(now);
    }

    pub(super) fn key(&mut self, id: &str) -> Option<Held> {
        self.keys.get(id).cloned()
    }

    pub(super) fn key_of(&mut self, subject: Subject) -> Option<Arc<PersonKey>> {
        self.subjects.get(&subject).cloned()
    }

    pub(super) fn keep(&mut self, id: CompactString, held: Held) {
        self.keys.insert(id, held);
    }

    pub(super) fn keep_of(&mut self, subject: Subject, key: Arc<PersonKey>) {
        self.keys.insert(key.id.clone(), Held::Living(Arc::clone(&key)));
        self.subjects.insert(subject, key);
    }

    fn empty(&mut self) {
        self.keys.empty();
        self.subjects.empty();
    }
}

/// A map of what was used last: at least `capacity` entries, at most twice as many. When the young half is full it
/// becomes the old one, and what was old and not asked for meanwhile is dropped.
#[derive(Debug)]
struct Recent<K, V> {
    capacity: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    fn new(capacity: usize) -> Self {
        Self { capacity, young: HashMap::new(), old: HashMap::new() }
    }

    fn get<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        if !self.young.contains_key(key) {
            let (key, value) = self.old.remove_entry(key)?;
            self.insert(key, value);
        }
        self.young.get(key)
    }

    fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.capacity && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    fn empty(&mut self) {
        self.young = HashMap::new();
        self.old = HashMap::new();
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::{Cache, Held, PersonKey, Recent};
    use crate::{clock, sealing::cipher::Secret};

    fn living() -> Held {
        Held::Living(Arc::new(PersonKey { id: "k".into(), secret: Secret::random() }))
    }

    #[test]
    fn it_asks_again_before_250_ms_have_passed() {
        let start = clock::stopwatch();
        let mut cache = Cache::default();
        assert!(!cache.is_fresh(start), "nothing is known yet");
        assert!(cache.confirm(start, 0));
        assert!(cache.is_fresh(start + Duration::from_millis(199)));
        assert!(!cache.is_fresh(start + Duration::from_millis(200)));
    }

    #[test]
    fn an_erasure_elsewhere_empties_it() {
        let start = clock::stopwatch();
        let mut cache = Cache::default();
        cache.confirm(start, 1);
        cache.keep("k".into(), living());
        assert!(cache.confirm(start + Duration::from_millis(1), 1));
        assert!(cache.key("k").is_some());
        assert!(cache.confirm(start + Duration::from_millis(2), 2));
        assert!(cache.key("k").is_none());
    }

    /// A reader that was overtaken by another one brings an older number of erasures; its keys are not kept.
    #[test]
    fn an_overtaken_read_is_not_believed() {
        let start = clock::stopwatch();
        let mut cache = Cache::default();
        cache.confirm(start + Duration::from_millis(5), 2);
        assert!(!cache.confirm(start, 1));
        assert!(cache.confirm(start, 2), "the same number is no contradiction");
        assert!(cache.is_fresh(start + Duration::from_millis(204)), "and takes no knowledge away");
    }

    #[test]
    fn what_was_read_before_an_own_erasure_is_not_believed() {
        let start = clock::stopwatch();
        let mut cache = Cache::default();
        cache.confirm(start, 1);
        cache.keep("k".into(), living());
        cache.forget(start + Duration::from_millis(5));
        assert!(cache.key("k").is_none());
        assert!(!cache.is_fresh(start + Duration::from_millis(5)));
        assert!(!cache.confirm(start + Duration::from_millis(4), 1), "began before the erasure ended");
        assert!(cache.confirm(start + Duration::from_millis(6), 2));
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_used() {
        let mut recent = Recent::new(10);
        recent.insert(0, 0);
        for number in 1..1000 {
            recent.insert(number, number);
            assert_eq!(recent.get(&0), Some(&0), "in use all the time");
            assert!(recent.young.len() <= 10 && recent.old.len() <= 10);
        }
        assert_eq!(recent.get(&1), None);
        assert_eq!(recent.get(&999), Some(&999));
    }
}
