//! A bounded cache that follows the log: what it holds is never older than the last commit that this process
//! knows of.
//!
//! The danger is a load that races with a commit: it reads before, and inserts after. So a load is registered
//! while it runs; a commit that touches its key marks it, and a marked load is not inserted but repeated.

use std::{
    collections::HashMap,
    hash::Hash,
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;

/// Values by key, at most a fixed number, the least recently used ones forgotten first.
#[derive(Debug)]
pub(super) struct Following<K: Eq + Hash, V> {
    inner: Mutex<Inner<K, V>>,
}

#[derive(Debug)]
struct Inner<K: Eq + Hash, V> {
    values: LruCache<K, V>,
    loads: HashMap<K, Loads>,
}

/// The loads of one key that run now.
#[derive(Debug, Default)]
struct Loads {
    running: usize,
    commits: u64,
}

/// A load that runs; ends it when dropped, also when the caller gave up.
#[derive(Debug)]
pub(super) struct Load<'a, K: Eq + Hash + Clone, V> {
    cache: &'a Following<K, V>,
    key: K,
    commits: u64,
}

impl<K: Eq + Hash + Clone, V: Clone> Following<K, V> {
    pub(super) fn new(capacity: NonZeroUsize) -> Self {
        Self { inner: Mutex::new(Inner { values: LruCache::new(capacity), loads: HashMap::new() }) }
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        self.lock().values.get(key).cloned()
    }

    /// Registers a load of `key`. Begin it before reading.
    pub(super) fn begin(&self, key: K) -> Load<'_, K, V> {
        let mut inner = self.lock();
        let loads = inner.loads.entry(key.clone()).or_default();
        loads.running += 1;
        Load { cache: self, commits: loads.commits, key }
    }

    /// A commit touches `key`: `change` makes the new value from the cached one; none forgets it.
    pub(super) fn commit(&self, key: &K, change: impl FnOnce(V) -> Option<V>) {
        let mut inner = self.lock();
        if let Some(loads) = inner.loads.get_mut(key) {
            loads.commits += 1;
        }
        if let Some(value) = inner.values.pop(key)
            && let Some(value) = change(value)
        {
            inner.values.put(key.clone(), value);
        }
    }

    /// Everything may be different: forgets all, and what is being loaded is to be loaded again.
    pub(super) fn forget_all(&self) {
        let mut inner = self.lock();
        inner.values.clear();
        inner.loads.values_mut().for_each(|loads| loads.commits += 1);
    }

    /// Forgets `key`.
    pub(super) fn forget(&self, key: &K) {
        self.lock().values.pop(key);
    }
}

impl<K: Eq + Hash, V> Following<K, V> {
    fn lock(&self) -> MutexGuard<'_, Inner<K, V>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Load<'_, K, V> {
    /// Whether `value` is still current. If so it is cached; otherwise the load must be repeated.
    pub(super) fn finish(self, value: V) -> bool {
        let mut inner = self.cache.lock();
        let current = inner.loads.get(&self.key).is_some_and(|loads| loads.commits == self.commits);
        if current {
            inner.values.put(self.key.clone(), value);
        }
        current
    }
}

impl<K: Eq + Hash + Clone, V> Drop for Load<'_, K, V> {
    fn drop(&mut self) {
        let mut inner = self.cache.lock();
        if let Some(loads) = inner.loads.get_mut(&self.key) {
            loads.running -= 1;
            if loads.running == 0 {
                inner.loads.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::Following;

    fn cache() -> Following<&'static str, u32> {
        Following::new(NonZeroUsize::new(2).unwrap())
    }

    #[test]
    fn a_finished_load_is_found() {
        let cache = cache();
        assert!(cache.begin("a").finish(1));
        assert_eq!(cache.get(&"a"), Some(1));
    }

    #[test]
    fn a_load_that_a_commit_overtook_is_not_kept() {
        let cache = cache();
        let load = cache.begin("a");
        cache.commit(&"a", Some);
        assert!(!load.finish(1));
        assert_eq!(cache.get(&"a"), None);
        assert!(cache.begin("a").finish(2), "the repeated load was refused");
    }

    #[test]
    fn a_commit_changes_what_is_cached() {
        let cache = cache();
        assert!(cache.begin("a").finish(1));
        cache.commit(&"a", |value| Some(value + 1));
        assert_eq!(cache.get(&"a"), Some(2));
        cache.commit(&"a", |_| None);
        assert_eq!(cache.get(&"a"), None);
    }

    #[test]
    fn an_abandoned_load_leaves_no_trace() {
        let cache = cache();
        drop(cache.begin("a"));
        assert!(cache.inner.lock().unwrap().loads.is_empty());
    }

    #[test]
    fn the_least_recently_used_is_forgotten_first() {
        let cache = cache();
        assert!(cache.begin("a").finish(1) && cache.begin("b").finish(2));
        cache.get(&"a");
        assert!(cache.begin("c").finish(3));
        assert_eq!((cache.get(&"a"), cache.get(&"b"), cache.get(&"c")), (Some(1), None, Some(3)));
    }
}
