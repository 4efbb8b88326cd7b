//! What every handler can reach.

use std::{num::NonZeroU32, ops::Deref, sync::Arc, time::Duration};

use ipnet::IpNet;
use metrics_exporter_prometheus::PrometheusHandle;
use muster_events::stream::Position;
use muster_projections::views::Views;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{avatars::Renditions, shapes::role_lists::RoleLists, throttle::Throttle};
use crate::{
    blobs::BlobStore,
    email::{self, MailOptions},
    history::{History, LogPosition},
    ledger::Ledger,
    policies,
    subscription::ReadModels,
};

/// How a server behaves.
#[derive(Debug, Clone, Default)]
pub struct ServeOptions {
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The limits on requests.
    pub limits: Limits,
    /// What `/metrics` shows; none when nothing is recorded in this process.
    pub metrics: Option<PrometheusHandle>,
    /// How e-mail is sent. Without it this process neither queues letters nor sends any.
    pub mail: Option<MailOptions>,
    /// How often the read models are compared with the log; none for never.
    pub verify_every: Option<Duration>,
}

/// The limits on requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest body, in bytes.
    pub body: usize,
    /// The largest request head, in bytes; what has arrived with it may be read beyond.
    pub head: usize,
    /// How long a request may take; streams may take longer.
    pub time: Duration,
    /// How many requests are carried out at once; more are told to come back.
    pub concurrency: usize,
    /// How often a second one person, or the token of an organization, may list members; none for as often as he likes.
    pub member_lists: Option<NonZeroU32>,
    /// How long what was accepted has to finish at a shutdown.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1024 * 1024,
            head: 64 * 1024,
            time: Duration::from_secs(15),
            concurrency: 1024,
            member_lists: NonZeroU32::new(40),
            shutdown: Duration::from_secs(20),
        }
    }
}

/// What every handler can reach.
#[derive(Debug, Clone)]
pub(super) struct App(Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) ledger: Arc<Ledger>,
    pub(super) read_models: ReadModels,
    pub(super) policies: watch::Receiver<policies::Status>,
    /// None where this process sends no letters.
    pub(super) sender: Option<watch::Receiver<email::Status>>,
    pub(super) blobs: Arc<dyn BlobStore>,
    pub(super) renditions: Renditions,
    pub(super) role_lists: RoleLists,
    pub(super) member_lists: Throttle,
    pub(super) history: History,
    pub(super) options: ServeOptions,
    /// Cancelled when the server stops: streams end then.
    pub(super) shutdown: CancellationToken,
}

impl App {
    pub(super) fn new(
        ledger: Arc<Ledger>,
        read_models: ReadModels,
        (policies, sender): (watch::Receiver<policies::Status>, Option<watch::Receiver<email::Status>>),
        blobs: Arc<dyn BlobStore>,
        options: ServeOptions,
        shutdown: CancellationToken,
    ) -> Self {
        let history = History::new(Arc::clone(ledger.store()), ledger.keys().clone())
            .with_snapshots(read_models.views().clone());
        let renditions = Renditions::default();
        Self(Arc::new(Inner {
            ledger,
            read_models,
            policies,
            sender,
            blobs,
            renditions,
            role_lists: RoleLists::default(),
            member_lists: Throttle::new(options.limits.member_lists),
            history,
            options,
            shutdown,
        }))
    }

    /// A position of this log, as it is given to clients.
    pub(super) fn at(&self, position: Position) -> LogPosition {
        LogPosition { incarnation: self.ledger.store().incarnation(), position }
    }

    /// The position that every read model has reached.
    pub(super) fn applied(&self) -> Position {
        self.read_models.status().applied.unwrap_or_default()
    }

    pub(super) fn views(&self) -> &Views {
        self.read_models.views()
    }
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
