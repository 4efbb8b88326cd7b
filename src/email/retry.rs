//! When a letter is tried again: exponential back-off with jitter, so that letters that failed together do not come back
//! together.

use std::time::Duration;

use super::Retries;

/// The pause after the `failed`-th failed attempt, from 1; none when that was the last. `chance` is between 0 and 1 and
/// takes up to half of the pause away.
pub(super) fn pause(retries: &Retries, failed: u32, chance: f64) -> Option<Duration> {
    if failed >= retries.attempts {
        return None;
    }
    let doubled = retries.first.saturating_mul(2_u32.saturating_pow(failed.saturating_sub(1)));
    Some(doubled.min(retries.longest).mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Retries, pause};

    #[test]
    fn pauses_double_up_to_the_longest_and_end() {
        let retries =
            Retries { attempts: 6, first: Duration::from_secs(30), longest: Duration::from_secs(200) };
        let pauses: Vec<_> =
            (1..=6).map(|failed| pause(&retries, failed, 0.0).map(|pause| pause.as_secs())).collect();
        assert_eq!(pauses, [Some(30), Some(60), Some(120), Some(200), Some(200), None]);
        assert_eq!(pause(&retries, 1, 1.0), Some(Duration::from_secs(15)));
        assert_eq!(pause(&Retries { attempts: u32::MAX, ..retries }, 4_000_000, 0.0), Some(retries.longest));
    }
}
