//! `muster serve`.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context, Result};
use metrics_exporter_prometheus::PrometheusBuilder;
use muster_events::stream::Position;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    config::{Address, ServeFlags, Settings},
    lock::ServeLock,
    open,
    screen::Screen,
    signals,
};
use crate::{
    deployment::Deployment,
    email::Transport,
    http::{self, ServeOptions},
};

/// How often what was measured is added up. Until then each measurement is kept by itself.
const UPKEEP: Duration = Duration::from_secs(5);

/// `muster serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    #[command(flatten)]
    flags: ServeFlags,
}

impl Serve {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let serving = settings.serving(&self.flags)?;
        let (lock, deployment) = open_to_serve(settings).await?;
        let listener = listen(&serving.listen).await.with_context(|| cannot_listen(&serving.listen))?;
        let url = url(listener.local_addr()?);
        screen.line(format!("muster serves {} at {url}", deployment.place))?;
        screen.line(format!("The description of the API is at {url}/docs"))?;
        if deployment.ledger.store().head().await?.position <= Position(1) {
            screen
                .line("The ledger is empty: `muster import FILE` fills it, also while this server runs.")?;
        }
        let mail = settings.mail_options(&self.flags, &url)?;
        if matches!(mail.transport, Transport::Smtp { .. }) && !settings.has_base_url() {
            screen.line(format!(
                "Links in letters begin with {url}: name what people reach with --base-url."
            ))?;
        }
        screen.flush()?;
        let shutdown = CancellationToken::new();
        signals::cancel_on_signal(&shutdown)?;
        let options = with_metrics(serving.options, &shutdown)?;
        let options = ServeOptions { mail: Some(mail), ..options };
        http::serve(&deployment, listener, options, shutdown).await?;
        drop(deployment);
        drop(lock);
        screen.line("Stopped. Everything that was acknowledged is in the log.")?;
        Ok(())
    }
}

/// Opens the deployment, which is made where there is none. For the only server on a data directory; a database has as
/// many as are started.
pub(super) async fn open_to_serve(settings: &Settings) -> Result<(Option<ServeLock>, Deployment)> {
    let data = &settings.data;
    if settings.keeps_files() {
        open::make_directory(data)
            .with_context(|| format!("--data: {} cannot be a data directory", data.display()))?;
    }
    if settings.database.is_some() {
        return Ok((None, open::existing_or_new(settings).await?));
    }
    let lock = ServeLock::take(data)?;
    Ok((Some(lock), open::existing_or_new(settings).await?))
}

/// Listens at an address, or at the first one of a name that can be listened at.
pub(super) async fn listen(address: &Address) -> io::Result<TcpListener> {
    TcpListener::bind(address.as_str()).await
}

/// What is said when that fails.
pub(super) fn cannot_listen(address: &Address) -> String {
    format!("--listen: cannot listen at {address}; name a free address such as 127.0.0.1:0")
}

/// The server's options with what `/metrics` shows, which is kept small until `shutdown`.
pub(super) fn with_metrics(options: ServeOptions, shutdown: &CancellationToken) -> Result<ServeOptions> {
    let recorder = PrometheusBuilder::new().install_recorder().context("the metrics cannot be recorded")?;
    let handle = recorder.clone();
    tokio::spawn(shutdown.clone().run_until_cancelled_owned(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            handle.run_upkeep();
        }
    }));
    Ok(ServeOptions { metrics: Some(recorder), ..options })
}

/// Where a client on this machine reaches a listener.
pub(super) fn url(address: SocketAddr) -> String {
    format!("http://{}", reachable(address))
}

/// A listener that takes every address of the machine is reached at the local one.
pub(super) fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    address
}
