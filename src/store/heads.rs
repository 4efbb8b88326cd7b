//! The sequences at which recently used streams stand, so that an append to one of them reads nothing.

use std::{collections::HashMap, mem};

use muster_events::stream::{Sequence, StreamId};

/// Where streams stand. Each append asks for all streams that its decision rests on: not the hasher of the standard library,
/// which is made for keys that somebody picks to collide.
pub(crate) type Sequences = HashMap<StreamId, Sequence, foldhash::fast::RandomState>;

/// A bounded memory of where streams stand. It is right only while its owner tells it of every event of the log.
///
/// Two generations: when the young one is full it becomes the old one, and what was old and not asked for since is
/// forgotten. That keeps what is hot without a list to reorder at each use.
#[derive(Debug)]
pub(crate) struct Heads {
    young: Sequences,
    old: Sequences,
    generation: usize,
}

impl Heads {
    /// Remembers from `generation` up to twice as many streams.
    pub(crate) fn new(generation: usize) -> Self {
        Self { young: Sequences::default(), old: Sequences::default(), generation }
    }

    /// Where `stream` stands, if that is remembered.
    pub(crate) fn get(&mut self, stream: &StreamId) -> Option<Sequence> {
        if let Some(sequence) = self.young.get(stream) {
            return Some(*sequence);
        }
        let (stream, sequence) = self.old.remove_entry(stream)?;
        self.insert(stream, sequence);
        Some(sequence)
    }

    /// `stream` stands at `sequence`.
    pub(crate) fn set(&mut self, stream: &StreamId, sequence: Sequence) {
        if let Some(known) = self.young.get_mut(stream) {
            *known = sequence;
            return;
        }
        self.old.remove(stream);
        self.insert(stream.clone(), sequence);
    }

    /// `stream` stands at `sequence`; not worth remembering unless somebody asked for it before.
    pub(crate) fn follow(&mut self, stream: &StreamId, sequence: Sequence) {
        for generation in [&mut self.young, &mut self.old] {
            if let Some(known) = generation.get_mut(stream) {
                *known = sequence;
            }
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    fn insert(&mut self, stream: StreamId, sequence: Sequence) {
        if self.young.len() >= self.generation {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(stream, sequence);
    }
}

#[cfg(test)]
mod tests {
    use muster_events::stream::{Sequence, StreamId};

    use super::Heads;

    fn stream(number: u64) -> StreamId {
        StreamId::new("team", &number.to_string())
    }

    #[test]
    fn what_is_used_stays_and_what_is_not_is_forgotten() {
        let mut heads = Heads::new(4);
        heads.set(&stream(0), Sequence(10));
        for number in 1..100 {
            heads.set(&stream(number), Sequence(number));
            assert_eq!(heads.get(&stream(0)), Some(Sequence(10)), "the hot stream was forgotten");
        }
        assert_eq!(heads.get(&stream(1)), None);
        assert!(heads.young.len() + heads.old.len() <= 8);
    }

    #[test]
    fn a_newer_sequence_replaces_the_one_of_any_generation() {
        let mut heads = Heads::new(1);
        heads.set(&stream(1), Sequence(1));
        heads.set(&stream(2), Sequence(1));
        heads.follow(&stream(1), Sequence(2));
        assert_eq!(heads.get(&stream(1)), Some(Sequence(2)));
        heads.set(&stream(2), Sequence(5));
        heads.set(&stream(2), Sequence(6));
        assert_eq!(heads.get(&stream(2)), Some(Sequence(6)));
        heads.follow(&stream(3), Sequence(1));
        assert_eq!(heads.get(&stream(3)), None, "a stream that nobody asked for was remembered");
        heads.clear();
        assert_eq!(heads.get(&stream(2)), None);
    }
}
