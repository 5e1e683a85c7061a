//! The operator's side of the control API, for command line and dashboard alike.

use std::{
    io,
    path::{Path, PathBuf},
    pin::Pin,
    time::Duration,
};

use axum::body::Bytes;
use futures_util::stream::{self, Stream};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;
use tokio::{net::UnixStream, time::timeout};

use super::{
    server::PULSE,
    shape::{Accepted, Command, Happened, Problem, State},
};

/// How long an agent may take to answer before it counts as hung.
const ANSWER: Duration = Duration::from_secs(10);

/// How long a stream may be silent; its agent pulses well within that.
const SILENCE: Duration = Duration::from_secs(5 * PULSE.as_secs());

/// Why a request has no answer.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Nobody listens; nothing was sent.
    #[error("no agent answers on {}: {source}", socket.display())]
    NoAgent { socket: PathBuf, source: io::Error },
    /// The socket is not ours to use; nothing was sent.
    #[error("not allowed to use {}: {source}", socket.display())]
    Denied { socket: PathBuf, source: io::Error },
    /// Sent, no answer in time: the outcome is not known.
    #[error("the agent did not answer within {} s", after.as_secs())]
    Timeout { after: Duration },
    /// Sent, and the connection ended before the answer: the outcome is not known.
    #[error("the connection to the agent was lost: {0}")]
    Lost(String),
    /// Answered, but not in a form that this version understands.
    #[error("the agent's answer is not understood: {0}")]
    Garbled(String),
    /// The agent says no.
    #[error("{}: {}", .0.code, .0.summary)]
    Problem(Box<Problem>),
}

impl ClientError {
    /// May the agent have acted on the request although nobody can say so?
    pub fn outcome_unknown(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::Lost(_) | Self::Garbled(_))
    }
}

/// States as they change.
pub type States = Pin<Box<dyn Stream<Item = Result<State, ClientError>> + Send>>;

/// One node's agent. Each request has a connection of its own, so a client outlives its agent.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

impl Client {
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The newest state.
    pub async fn state(&self) -> Result<State, ClientError> {
        self.ask(get("/v1/state")?).await
    }

    /// The newest state at once, then each newer one. Ends after its first error: who wants to go on, asks again.
    pub fn watch(&self) -> States {
        self.watch_from(None)
    }

    /// As [`Client::watch`], but begins with the first state that is not the one numbered `seen`.
    pub fn watch_from(&self, seen: Option<u64>) -> States {
        let client = self.clone();
        let start = Watch::Closed { client, seen };
        Box::pin(stream::unfold(Some(start), async |watch| {
            let (item, next) = watch?.next().await;
            Some((item, next))
        }))
    }

    /// Gives an order. The answer says that it was taken, not that it is done.
    pub async fn command(&self, command: &Command) -> Result<Accepted, ClientError> {
        self.ask(post("/v1/command", command)?).await
    }

    /// The newest `lines` records after record `since`, oldest first; of one module, or of all.
    pub async fn log(
        &self,
        module: Option<&str>,
        since: u64,
        lines: usize,
    ) -> Result<Vec<Happened>, ClientError> {
        let module = module.map(|name| format!("&module={}", percent(name))).unwrap_or_default();
        self.ask(get(&format!("/v1/log?since={since}&lines={lines}{module}"))?).await
    }

    async fn ask<T: DeserializeOwned>(&self, request: Request<Full<Bytes>>) -> Result<T, ClientError> {
        let answer = async {
            let response = self.send(request).await?;
            body(response).await
        };
        let bytes = timeout(ANSWER, answer).await.map_err(|_| ClientError::Timeout { after: ANSWER })??;
        serde_json::from_slice(&bytes).map_err(garbled)
    }

    /// Sends a request and waits for the head of the answer; an answer that is a problem is an error.
    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, ClientError> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|source| {
            let socket = self.socket.clone();
            match source.kind() {
                io::ErrorKind::PermissionDenied => ClientError::Denied { socket, source },
                _ => ClientError::NoAgent { socket, source },
            }
        })?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
        tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(lost)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let bytes = body(response).await?;
        Err(ClientError::Problem(Box::new(serde_json::from_slice(&bytes).map_err(garbled)?)))
    }
}

/// A stream of states: not yet open, or open with the bytes that are not yet a whole event.
enum Watch {
    Closed { client: Client, seen: Option<u64> },
    Open { body: Incoming, pending: Vec<u8> },
}

impl Watch {
    /// The next state and how to go on; nothing to go on with after an error.
    async fn next(self) -> (Result<State, ClientError>, Option<Self>) {
        match self.advance().await {
            Ok((state, watch)) => (Ok(state), Some(watch)),
            Err(error) => (Err(error), None),
        }
    }

    async fn advance(self) -> Result<(State, Self), ClientError> {
        let (mut body, mut pending) = match self {
            Self::Open { body, pending } => (body, pending),
            Self::Closed { client, seen } => {
                let mut request = get("/v1/watch")?;
                if let Some(seen) = seen {
                    request.headers_mut().insert("last-event-id", seen.into());
                }
                let opened = timeout(ANSWER, client.send(request)).await;
                let response = opened.map_err(|_| ClientError::Timeout { after: ANSWER })??;
                (response.into_body(), Vec::new())
            }
        };
        loop {
            if let Some(state) = take_event(&mut pending)? {
                return Ok((state, Self::Open { body, pending }));
            }
            let frame = timeout(SILENCE, body.frame()).await;
            let frame = frame.map_err(|_| ClientError::Timeout { after: SILENCE })?;
            let frame = frame.ok_or_else(|| ClientError::Lost("the agent ended the stream".into()))?;
            if let Ok(data) = frame.map_err(lost)?.into_data() {
                pending.extend_from_slice(&data);
            }
        }
    }
}

/// Takes the first whole event with data out of `pending`; pulses, which carry none, are dropped.
fn take_event(pending: &mut Vec<u8>) -> Result<Option<State>, ClientError> {
    while let Some(end) = pending.windows(2).position(|pair| pair == b"\n\n") {
        let event: Vec<u8> = pending.drain(..end + 2).collect();
        let data = event.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"data:"));
        if let Some(data) = data {
            return serde_json::from_slice(data).map(Some).map_err(garbled);
        }
    }
    Ok(None)
}

async fn body(response: Response<Incoming>) -> Result<Bytes, ClientError> {
    Ok(response.into_body().collect().await.map_err(lost)?.to_bytes())
}

fn get(path: &str) -> Result<Request<Full<Bytes>>, ClientError> {
    request(Request::get(path), Bytes::new())
}

fn post(path: &str, content: &impl Serialize) -> Result<Request<Full<Bytes>>, ClientError> {
    let bytes = serde_json::to_vec(content).map_err(garbled)?;
    request(Request::post(path).header(header::CONTENT_TYPE, "application/json"), bytes.into())
}

fn request(builder: hyper::http::request::Builder, body: Bytes) -> Result<Request<Full<Bytes>>, ClientError> {
    builder.header(header::HOST, "safetui").body(Full::new(body)).map_err(garbled)
}

/// A name as part of a query.
fn percent(name: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    name.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn lost(error: impl std::fmt::Display) -> ClientError {
    ClientError::Lost(error.to_string())
}

fn garbled(error: impl std::fmt::Display) -> ClientError {
    ClientError::Garbled(error.to_string())
}
