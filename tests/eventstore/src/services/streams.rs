//! The service of streams: who may do it, then the method in its own file.

use std::pin::Pin;

use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use super::{Node, carry_out::line};
use crate::protocol::event_store::client::streams::{
    AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, DeleteReq, DeleteResp, ReadReq, ReadResp,
    TombstoneReq, TombstoneResp, streams_server::Streams,
};

pub(super) type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Streams for Node {
    type ReadStream = Answers<ReadResp>;
    type BatchAppendStream = Answers<BatchAppendResp>;

    async fn read(&self, request: Request<ReadReq>) -> Result<Response<Self::ReadStream>, Status> {
        self.admit(request.metadata())?;
        self.read_or_subscribe(request.into_inner()).map(Response::new)
    }

    async fn append(&self, request: Request<Streaming<AppendReq>>) -> Result<Response<AppendResp>, Status> {
        self.admit(request.metadata())?;
        let line = line(request.extensions());
        self.append_one(request.into_inner(), line).await.map(Response::new)
    }

    async fn batch_append(
        &self,
        request: Request<Streaming<BatchAppendReq>>,
    ) -> Result<Response<Self::BatchAppendStream>, Status> {
        // Refused request by request, as the real server does it; only wrong credentials end the call.
        let allowed = self.is_allowed(request.metadata())?;
        let leads = self.check_leader(request.metadata());
        let line = line(request.extensions());
        Ok(Response::new(self.append_many(request.into_inner(), allowed, leads, line)))
    }

    async fn delete(&self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        self.admit(request.metadata())?;
        let line = line(request.extensions());
        self.delete_stream(request.into_inner(), line).await.map(Response::new)
    }

    async fn tombstone(&self, request: Request<TombstoneReq>) -> Result<Response<TombstoneResp>, Status> {
        self.admit(request.metadata())?;
        let line = line(request.extensions());
        self.tombstone_stream(request.into_inner(), line).await.map(Response::new)
    }
}
