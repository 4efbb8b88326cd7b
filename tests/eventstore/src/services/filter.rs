//! Which events of `$all` a reader wants.

use fancy_regex::Regex;
use tonic::Status;

use super::refusals;
use crate::log::Event;
use crate::protocol::event_store::client::streams::read_req::options::{
    FilterOptions,
    filter_options::{Expression, Filter as Kind, Window},
};

/// How many events the real server reads at once for those who do not say.
const WINDOW: u32 = 50;

#[derive(Debug)]
pub(super) struct Filter {
    by_type: bool,
    pattern: Pattern,
    interval: u64,
}

#[derive(Debug)]
enum Pattern {
    Prefixes(Vec<String>),
    /// With look-around, which clients use to leave events out.
    Regex(Regex),
}

impl Filter {
    pub(super) fn new(options: FilterOptions) -> Result<Self, Status> {
        let (by_type, expression) = match options.filter {
            Some(Kind::EventType(expression)) => (true, expression),
            Some(Kind::StreamIdentifier(expression)) => (false, expression),
            None => return Err(refusals::malformed("a filter of nothing")),
        };
        let window = match options.window {
            Some(Window::Max(max)) => max,
            Some(Window::Count(())) => WINDOW,
            None => return Err(refusals::malformed("a filter without a window")),
        };
        let interval = u64::from(window) * u64::from(options.checkpoint_interval_multiplier);
        Ok(Self { by_type, pattern: Pattern::new(expression)?, interval })
    }

    /// After how many events, wanted or not, a subscriber learns how far he has come.
    pub(super) fn interval(&self) -> Result<u64, Status> {
        match self.interval {
            0 => Err(refusals::malformed("a filter that never comes to a checkpoint")),
            interval => Ok(interval),
        }
    }

    pub(super) fn wants(&self, event: &Event) -> bool {
        let text = if self.by_type { &event.event_type } else { &event.stream };
        match &self.pattern {
            Pattern::Prefixes(prefixes) => prefixes.iter().any(|prefix| text.starts_with(prefix)),
            Pattern::Regex(regex) => regex.is_match(text).unwrap_or(false),
        }
    }
}

impl Pattern {
    fn new(expression: Expression) -> Result<Self, Status> {
        if !expression.regex.is_empty() {
            let regex = Regex::new(&expression.regex);
            return regex.map(Self::Regex).map_err(|_| refusals::malformed("a regex that is none"));
        }
        if expression.prefix.is_empty() {
            return Err(refusals::malformed("a filter without prefix and regex"));
        }
        Ok(Self::Prefixes(expression.prefix))
    }
}
