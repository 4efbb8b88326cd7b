//! Reads that end, and which subscription is begun by those that do not.

use tonic::Status;

use super::{Node, convert, filter::Filter, refusals, streams::Answers, subscription::Subscription};
use crate::log::{Missing, Start};
use crate::protocol::event_store::client::streams::{
    ReadReq, ReadResp,
    read_req::{
        Options,
        options::{
            AllOptions, CountOption, FilterOption, ReadDirection, StreamOption, StreamOptions,
            all_options::AllOption, stream_options::RevisionOption, uuid_option,
        },
    },
    read_resp::{Content, StreamNotFound},
};

impl Node {
    pub(super) fn read_or_subscribe(&self, request: ReadReq) -> Result<Answers<ReadResp>, Status> {
        let options = request.options.ok_or_else(|| refusals::malformed("no options"))?;
        let id_as_text = match options.uuid_option.as_ref().and_then(|option| option.content.as_ref()) {
            Some(uuid_option::Content::String(())) => true,
            Some(uuid_option::Content::Structured(())) => false,
            None => return Err(refusals::malformed("no choice between the forms of ids")),
        };
        let backwards = options.read_direction() == ReadDirection::Backwards;
        let compatibility = options.control_option.as_ref().map_or(0, |option| option.compatibility);
        let Options { stream_option, count_option, filter_option, .. } = options;
        let filter = match filter_option {
            Some(FilterOption::Filter(filter)) => Some(Filter::new(filter)?),
            Some(FilterOption::NoFilter(())) => None,
            None => return Err(refusals::malformed("neither a filter nor none")),
        };
        let count = count_option.ok_or_else(|| refusals::malformed("neither a count nor a subscription"))?;
        match (stream_option, count, backwards, filter) {
            (Some(StreamOption::Stream(stream)), CountOption::Count(count), _, None) => {
                let (name, start) = stream_start(stream)?;
                let read = StreamRead { name, start, backwards, count, id_as_text };
                self.read_stream(&read, compatibility).map(all_of)
            }
            (Some(StreamOption::All(all)), CountOption::Count(count), _, filter) => {
                let result = if filter.is_some() { "FilteredReadAllResult" } else { "ReadAllResult" };
                let wanted = |event: &_| filter.as_ref().is_none_or(|filter| filter.wants(event));
                let events = self.log.read_all(all_start(all, result)?, backwards, count, wanted);
                let events = events.ok_or_else(|| refusals::invalid_position(result))?;
                Ok(all_of(events.iter().map(|event| convert::read_event(event, id_as_text)).collect()))
            }
            (Some(StreamOption::Stream(stream)), CountOption::Subscription(_), false, None) => {
                let (name, start) = stream_start(stream)?;
                Ok(Subscription::new(self, id_as_text).on_stream(name, start))
            }
            (Some(StreamOption::All(all)), CountOption::Subscription(_), false, filter) => {
                let result = if filter.is_some() { "FilteredReadAllResult" } else { "ReadAllResult" };
                let start = all_start(all, result)?;
                Subscription::new(self, id_as_text).on_all(start, filter)
            }
            (None, ..) => Err(refusals::malformed("neither a stream nor all")),
            _ => Err(Status::invalid_argument("The combination of options is invalid.")),
        }
    }

    fn read_stream(&self, read: &StreamRead, compatibility: u32) -> Result<Vec<ReadResp>, Status> {
        let page = match self.log.read_stream(&read.name, read.start, read.backwards, read.count) {
            Ok(page) => page,
            Err(Missing::Deleted) => return Err(refusals::stream_deleted(&read.name)),
            Err(Missing::NotFound) => {
                let stream_identifier = Some(convert::identifier(&read.name));
                return Ok(vec![convert::content(Content::StreamNotFound(StreamNotFound {
                    stream_identifier,
                }))]);
            }
        };
        let mut answers: Vec<_> =
            page.events.iter().map(|event| convert::read_event(event, read.id_as_text)).collect();
        // Told since version 21.10 to those who ask: where what can be read begins, and where it ends.
        if compatibility >= 1 {
            if answers.is_empty() && !read.backwards && page.first > 0 {
                answers.push(convert::content(Content::FirstStreamPosition(page.first)));
            }
            answers.push(convert::content(Content::LastStreamPosition(page.last)));
        }
        Ok(answers)
    }
}

struct StreamRead {
    name: String,
    start: Start,
    backwards: bool,
    count: u64,
    id_as_text: bool,
}

fn stream_start(options: StreamOptions) -> Result<(String, Start), Status> {
    let start = match options.revision_option {
        Some(RevisionOption::Revision(revision)) => Start::At(revision),
        Some(RevisionOption::Start(())) => Start::First,
        Some(RevisionOption::End(())) => Start::End,
        None => return Err(refusals::malformed("no start in the stream")),
    };
    Ok((convert::stream_name(options.stream_identifier)?, start))
}

fn all_start(options: AllOptions, result: &str) -> Result<Start, Status> {
    match options.all_option {
        Some(AllOption::Position(position)) if position.prepare_position > position.commit_position => {
            Err(refusals::invalid_position(result))
        }
        Some(AllOption::Position(position)) => Ok(Start::At(position.commit_position)),
        Some(AllOption::Start(())) => Ok(Start::First),
        Some(AllOption::End(())) => Ok(Start::End),
        None => Err(refusals::malformed("no start in all")),
    }
}

fn all_of(answers: Vec<ReadResp>) -> Answers<ReadResp> {
    Box::pin(tokio_stream::iter(answers.into_iter().map(Ok)))
}
