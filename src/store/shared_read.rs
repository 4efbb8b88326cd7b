//! Lets concurrent callers share one read, without answering any of them from a read that began before he asked.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::StoreError;

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// A read that is asked for by many at once. While one is under way the next callers gather, and the read after it
/// is for all of them.
#[derive(Debug)]
pub(crate) struct SharedRead<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    /// A task is reading, and will look for more callers before it ends.
    reading: bool,
    waiting: Vec<Answer<T>>,
}

impl<T> Default for SharedRead<T> {
    fn default() -> Self {
        Self { state: Mutex::new(State { reading: false, waiting: Vec::new() }) }
    }
}

impl<T: Clone + Send + 'static> SharedRead<T> {
    /// What `read` finds, in a call of it that starts after this call.
    pub(crate) async fn read<F, R>(self: &Arc<Self>, read: F) -> Result<T, StoreError>
    where
        F: Fn() -> R + Send + 'static,
        R: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let leads = {
            let mut state = self.lock();
            state.waiting.push(answer);
            !mem::replace(&mut state.reading, true)
        };
        if leads {
            // A task of its own: a caller that goes away must not take the others' read with him.
            tokio::spawn(Arc::clone(self).rounds(read));
        }
        let cut_off = || Err(StoreError::Unavailable("the read was cut off".into()));
        answered.await.unwrap_or_else(|_| cut_off())
    }

    /// Reads once for all who wait, until nobody waits.
    async fn rounds<F, R>(self: Arc<Self>, read: F)
    where
        F: Fn() -> R,
        R: Future<Output = Result<T, StoreError>>,
    {
        let mut lead = Lead { shared: &self, done: false };
        loop {
            let waiting = {
                let mut state = self.lock();
                if state.waiting.is_empty() {
                    state.reading = false;
                    lead.done = true;
                    return;
                }
                mem::take(&mut state.waiting)
            };
            let found = read().await;
            for answer in waiting {
                // Whoever no longer waits does not need it.
                let _ = answer.send(found.clone());
            }
        }
    }
}

impl<T> SharedRead<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands the lead back when the task ends before its time, by a panic or with its runtime: those who wait are
/// answered with an error, and the next one reads again.
struct Lead<'a, T> {
    shared: &'a SharedRead<T>,
    done: bool,
}

impl<T> Drop for Lead<'_, T> {
    fn drop(&mut self) {
        if !self.done {
            let mut state = self.shared.lock();
            state.reading = false;
            state.waiting.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use tokio::sync::Semaphore;

    use super::{SharedRead, StoreError};

    /// The first call's read is held up while ten more come: those share the second read, none gets the first.
    #[tokio::test]
    async fn callers_share_the_read_that_starts_after_they_came() {
        let shared = Arc::new(SharedRead::<u32>::default());
        let reads = Arc::new(AtomicU32::new(0));
        let (started, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let call = || {
            let (shared, reads, started, go) =
                (Arc::clone(&shared), Arc::clone(&reads), Arc::clone(&started), Arc::clone(&go));
            async move {
                let read = move || {
                    let (reads, started, go) = (Arc::clone(&reads), Arc::clone(&started), Arc::clone(&go));
                    async move {
                        let number = reads.fetch_add(1, Ordering::SeqCst) + 1;
                        started.add_permits(1);
                        go.acquire().await.unwrap().forget();
                        Ok(number)
                    }
                };
                shared.read(read).await.unwrap()
            }
        };
        let first = tokio::spawn(call());
        started.acquire().await.unwrap().forget();
        let later = futures_util::future::join_all((0..10).map(|_| call()));
        let release = async {
            go.add_permits(2);
            first.await.unwrap()
        };
        let (later, first) = tokio::join!(later, release);
        assert_eq!(first, 1);
        assert_eq!(later, [2; 10]);
    }

    #[tokio::test]
    async fn a_read_that_panics_is_an_error_for_its_callers_only() {
        let shared = Arc::new(SharedRead::<u32>::default());
        let failed = shared.read(|| async { panic!("on purpose") }).await;
        assert!(matches!(failed, Err(StoreError::Unavailable(_))), "{failed:?}");
        assert_eq!(shared.read(|| async { Ok(3) }).await.unwrap(), 3);
    }
}
