//! The agent's side of the control API.
//!
//! | request | answer |
//! |---|---|
//! | `GET /v1/state` | the newest [`State`] |
//! | `GET /v1/watch` | server-sent events: the newest [`State`] at once and after each change, `id:` is its number |
//! | `POST /v1/command` | a [`Command`] gets [`Accepted`], or a [`Problem`] with a fitting status |
//! | `GET /v1/log?module=&since=&lines=` | [`Happened`] records newer than `since`, oldest first |

use std::{
    convert::Infallible,
    fs, io,
    os::unix::{fs::PermissionsExt, net::UnixStream as StdUnixStream},
    path::Path,
    sync::Arc,
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{ConnectInfo, Query, State as Shared, connect_info::Connected},
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
    serve::IncomingStream,
};
use futures_util::stream::{self, Stream};
use nix::unistd::{Uid, User};
use serde::Deserialize;
use tokio::{net::UnixListener, sync::watch};

use super::{
    exit::Exit,
    shape::{Accepted, Command, Happened, Problem, State},
};

/// A silent stream says this often that its agent lives.
pub(super) const PULSE: Duration = Duration::from_secs(2);

/// Records in one answer of the log, when the request does not say.
const LOG_LINES: usize = 300;

/// What the agent lends to the control API.
pub trait Control: Send + Sync + 'static {
    fn state(&self) -> Arc<State>;
    /// The number of the newest state.
    fn changes(&self) -> watch::Receiver<u64>;
    fn command(&self, command: Command) -> impl Future<Output = Result<Accepted, Problem>> + Send;
    /// The newest `lines` records, oldest first; of one module, or of all.
    fn log(&self, module: Option<&str>, lines: usize) -> Vec<Happened>;
}

/// Opens the control socket, for root alone.
///
/// The socket of a dead agent is replaced. A live one is an error of kind `AddrInUse`: two agents on one node
/// would both act for it.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    if StdUnixStream::connect(path).is_ok() {
        let text = format!(
            "a second agent: another one already answers on {}; stop it first, or give this one a SAFETUI_RUN of its own",
            path.display()
        );
        return Err(io::Error::new(io::ErrorKind::AddrInUse, text));
    }
    // Made under another name, closed to others, then renamed: nobody ever sees it open to everybody, and
    // a stale socket is replaced in one step.
    let fresh = path.with_extension("new");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&fresh)?;
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600))?;
    fs::rename(&fresh, path)?;
    Ok(listener)
}

/// Answers requests until the task is dropped.
pub async fn serve(listener: UnixListener, control: Arc<impl Control>) -> io::Result<()> {
    let router = router(control).into_make_service_with_connect_info::<Asker>();
    axum::serve(listener, router).await
}

fn router<C: Control>(control: Arc<C>) -> Router {
    Router::new()
        .route("/v1/state", get(state::<C>))
        .route("/v1/watch", get(watch_states::<C>))
        .route("/v1/command", post(command::<C>))
        .route("/v1/log", get(log::<C>))
        .fallback(nowhere)
        .with_state(control)
}

/// Who is at the other end of the socket, as the kernel says.
#[derive(Clone, Debug)]
struct Asker {
    user: String,
}

impl Connected<IncomingStream<'_, UnixListener>> for Asker {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let user = stream.io().peer_cred().map_or_else(|_| "unknown".into(), |cred| name_of(cred.uid()));
        Self { user }
    }
}

/// The user's name, or the number when it has none.
fn name_of(uid: u32) -> String {
    match User::from_uid(Uid::from_raw(uid)) {
        Ok(Some(user)) => user.name,
        _ => format!("uid {uid}"),
    }
}

async fn state<C: Control>(Shared(control): Shared<Arc<C>>) -> Response {
    Json(&*control.state()).into_response()
}

async fn watch_states<C: Control>(Shared(control): Shared<Arc<C>>, headers: HeaderMap) -> impl IntoResponse {
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    Sse::new(states(control, seen)).keep_alive(KeepAlive::new().interval(PULSE))
}

/// Each newer state than `seen`; states between two that a slow reader misses are skipped, not queued.
fn states<C: Control>(control: Arc<C>, seen: Option<u64>) -> impl Stream<Item = Result<Event, Infallible>> {
    let changes = control.changes();
    stream::unfold((control, changes, seen), async |(control, mut changes, mut seen)| {
        loop {
            // Marked as seen before the state is read: a change in between wakes us again.
            changes.borrow_and_update();
            let state = control.state();
            if seen != Some(state.seq) {
                seen = Some(state.seq);
                let event = Event::default().id(state.seq.to_string()).json_data(&*state);
                let event = event.expect("a state is plain data, which JSON can always say");
                return Some((Ok(event), (control, changes, seen)));
            }
            changes.changed().await.ok()?;
        }
    })
}

async fn command<C: Control>(
    Shared(control): Shared<Arc<C>>,
    ConnectInfo(asker): ConnectInfo<Asker>,
    body: Bytes,
) -> Response {
    let mut command: Command = match serde_json::from_slice(&body) {
        Ok(command) => command,
        Err(error) => return refuse(&malformed(&error)),
    };
    // The client says from which face the request comes; who uses that face, only the kernel says.
    let face = command.by.rsplit('/').next().filter(|face| !face.is_empty());
    command.by = face.map_or_else(|| asker.user.clone(), |face| format!("{}/{face}", asker.user));
    match control.command(command).await {
        Ok(accepted) => Json(accepted).into_response(),
        Err(problem) => refuse(&problem),
    }
}

#[derive(Deserialize)]
struct LogQuery {
    module: Option<String>,
    #[serde(default)]
    since: u64,
    lines: Option<usize>,
}

async fn log<C: Control>(
    Shared(control): Shared<Arc<C>>,
    Query(query): Query<LogQuery>,
) -> Json<Vec<Happened>> {
    let mut records = control.log(query.module.as_deref(), query.lines.unwrap_or(LOG_LINES));
    records.retain(|record| record.seq > query.since);
    Json(records)
}

async fn nowhere() -> Response {
    refuse(&Problem {
        code: "E0405".into(),
        exit: Exit::NotFound.code(),
        summary: "the agent does not know this request".into(),
        what: "the path is not part of this agent's control API".into(),
        why: "client and agent are probably of different versions".into(),
        now: "nothing was changed".into(),
        fix: vec!["use the safetui binary that the agent runs".into()],
    })
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem {
        code: "E0404".into(),
        exit: Exit::Usage.code(),
        summary: "the agent does not understand this command".into(),
        what: "the request is not a command in this agent's form".into(),
        why: error.to_string(),
        now: "nothing was changed".into(),
        fix: vec!["use the safetui binary that the agent runs".into()],
    }
}

fn refuse(problem: &Problem) -> Response {
    let status = match Exit::from_code(problem.exit) {
        Some(Exit::Usage) => StatusCode::BAD_REQUEST,
        Some(Exit::Denied) => StatusCode::FORBIDDEN,
        Some(Exit::NotFound) => StatusCode::NOT_FOUND,
        Some(Exit::Unsafe) => StatusCode::CONFLICT,
        Some(Exit::Stale) => StatusCode::PRECONDITION_FAILED,
        Some(Exit::Unreachable) => StatusCode::SERVICE_UNAVAILABLE,
        Some(Exit::Timeout) => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, Json(problem)).into_response()
}
