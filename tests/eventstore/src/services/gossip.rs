//! Which nodes there are, and which one leads.

use tonic::{Request, Response, Status};

use super::Node;
use crate::protocol::event_store::client::{
    Uuid,
    gossip::{ClusterInfo, EndPoint, MemberInfo, gossip_server::Gossip, member_info::VNodeState},
    uuid::Value,
};

#[tonic::async_trait]
impl Gossip for Node {
    async fn read(&self, _: Request<()>) -> Result<Response<ClusterInfo>, Status> {
        let leader = self.members.leader();
        let members = self.members.all().into_iter().enumerate().map(|(seat, member)| {
            let id = uuid::Uuid::from_u64_pair(0x2401, member.address.port().into());
            let state = if seat == leader { VNodeState::Leader } else { VNodeState::Follower };
            MemberInfo {
                instance_id: Some(Uuid { value: Some(Value::String(id.to_string())) }),
                time_stamp: 0,
                state: state.into(),
                is_alive: member.up,
                http_end_point: Some(EndPoint {
                    address: member.address.ip().to_string(),
                    port: member.address.port().into(),
                }),
            }
        });
        Ok(Response::new(ClusterInfo { members: members.collect() }))
    }
}
