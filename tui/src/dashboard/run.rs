//! The loop: messages in, one drawing when something changed, orders out.

use std::any::Any;
use std::future::pending;
use std::io;
use std::panic::resume_unwind;
use std::pin::pin;
use std::thread;
use std::time::Duration;

use futures_util::StreamExt;
use nix::sys::signal::{Signal, raise};
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::model::Model;
use super::msg::{Cmd, Msg};
use super::screen::Screen;
use super::update::update;
use super::{Feed, Options, Source};

/// Two drawings are at least so far apart: a storm of events costs 20 drawings a second, not thousands.
const FRAME: Duration = Duration::from_millis(50);

/// Shows the dashboard until the operator leaves or the terminal goes away. After SIGTERM or SIGINT the error is
/// [`io::ErrorKind::Interrupted`], for an exit code of 143; SIGHUP ends it quietly.
pub(crate) async fn run(mut source: impl Source, options: Options) -> io::Result<()> {
    let (send, inbox) = unbounded_channel();
    let mut tasks = JoinSet::new();
    let mut terminated = signal(SignalKind::terminate())?;
    // The key is read as any other; this is somebody's `kill -INT`.
    let mut interrupted = signal(SignalKind::interrupt())?;
    follow_signals(&mut tasks, &send)?;
    tasks.spawn(tick(send.clone()));
    tasks.spawn(follow(source.feed(), send.clone()));
    let screen = Screen::enter(options.theme)?;
    // The reader blocks in the kernel and cannot be cancelled; it ends with the process, or at its next key.
    thread::Builder::new().name("keys".to_owned()).spawn(move || read(&send))?;
    tokio::select! {
        _ = terminated.recv() => Err(io::Error::new(io::ErrorKind::Interrupted, "ended by SIGTERM")),
        _ = interrupted.recv() => Err(io::Error::new(io::ErrorKind::Interrupted, "ended by SIGINT")),
        panic = first_panic(&mut tasks) => resume_unwind(panic),
        result = serve(screen, Model::new(options), inbox, &mut source) => result,
    }
}

/// A panic took the terminal back already, so the dashboard ends with it.
async fn first_panic(tasks: &mut JoinSet<()>) -> Box<dyn Any + Send> {
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended
            && let Ok(panic) = error.try_into_panic()
        {
            return panic;
        }
    }
    pending().await
}

async fn serve(
    mut screen: Screen,
    mut model: Model,
    mut inbox: UnboundedReceiver<Msg>,
    source: &mut impl Source,
) -> io::Result<()> {
    loop {
        if model.dirty {
            screen.draw(&model)?;
            update(&mut model, Msg::Painted);
            sleep(FRAME).await;
        }
        let Some(first) = inbox.recv().await else { return Ok(()) };
        let mut next = Some(first);
        while let Some(msg) = next {
            for cmd in update(&mut model, msg) {
                match cmd {
                    Cmd::Quit => return Ok(()),
                    Cmd::Send { node, command } => source.send(&node, command),
                    Cmd::Demo(index) => source.demo(index),
                    Cmd::Repaint => screen.forget()?,
                    Cmd::Suspend => suspend(&mut screen, &mut model)?,
                }
            }
            next = inbox.try_recv().ok();
        }
    }
}

/// Stops the process with the shell's screen in front; goes on where it was at SIGCONT. SIGSTOP, because SIGTSTP is
/// ours to catch.
fn suspend(screen: &mut Screen, model: &mut Model) -> io::Result<()> {
    let mut stopped = Ok(());
    screen.away(|| stopped = raise(Signal::SIGSTOP))?;
    stopped?;
    update(model, Msg::Damaged);
    Ok(())
}

fn read(send: &UnboundedSender<Msg>) {
    loop {
        let msg = match event::read() {
            Ok(Event::Key(key)) if key.kind == KeyEventKind::Press => Msg::Key(key),
            Ok(Event::Resize(..)) => Msg::Damaged,
            Ok(_) => continue,
            Err(_) => Msg::End,
        };
        let last = matches!(msg, Msg::End);
        if send.send(msg).is_err() || last {
            return;
        }
    }
}

async fn follow(feed: impl futures_util::Stream<Item = Feed>, send: UnboundedSender<Msg>) {
    let mut feed = pin!(feed);
    while let Some(feed) = feed.next().await {
        if send.send(Msg::Feed(feed)).is_err() {
            return;
        }
    }
    // A screen that cannot learn anything any more must not look alive.
    let _ = send.send(Msg::Feed(Feed::Lost { why: "the connection to the agent ended for good".to_owned() }));
}

async fn tick(send: UnboundedSender<Msg>) {
    let start = Instant::now();
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while send.send(Msg::Tick(start.elapsed().as_millis() as u64)).is_ok() {
        second.tick().await;
    }
}

fn follow_signals(tasks: &mut JoinSet<()>, send: &UnboundedSender<Msg>) -> io::Result<()> {
    let stop = SignalKind::from_raw(Signal::SIGTSTP as i32);
    for (kind, msg) in [(SignalKind::hangup(), (|| Msg::End) as fn() -> Msg), (stop, || Msg::Suspend)] {
        let mut signals = signal(kind)?;
        let send = send.clone();
        tasks.spawn(async move { while signals.recv().await.is_some() && send.send(msg()).is_ok() {} });
    }
    Ok(())
}
