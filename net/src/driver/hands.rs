//! What must be in force before the next order of the same module is carried out, and may take a while:
//! durable records and orders to replication. A thread per module, so that nobody else waits.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use safetui_core::{Boot, Gate, Record};

use super::{
    News, Tell,
    record::{self, HISTORY},
};
use crate::{
    heartbeat::handover_priority,
    rfs::{self, Rfs},
    store::Store,
};

/// Between two tries to make a record durable.
const RETRY: Duration = Duration::from_secs(1);

/// One order; the next waits for its end.
#[derive(Clone, Debug)]
pub(super) enum Order {
    Persist(Box<Record<HISTORY>>),
    Replicate(Stream),
}

/// An order to replication.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stream {
    Gate(Gate),
    Source { to: u32, generation: u64, term: u64 },
    SourceStop,
    Drain,
    Receive { from: u32, generation: u64, term: u64, aside: bool },
    ReceiveStop,
}

/// The way to the thread.
pub(super) struct Hands {
    orders: mpsc::Sender<Order>,
}

impl Hands {
    /// Starts the thread. Each order ends with [`News::InForce`].
    pub(super) fn start(module: &str, store: Store, rfs: Option<Arc<Rfs>>, me: Boot, tell: Tell) -> Self {
        let (orders, taken) = mpsc::channel();
        let mut worker = Worker { store, rfs, me: me.0, tell };
        thread::Builder::new()
            .name(format!("{module}-hands"))
            .spawn(move || {
                handover_priority();
                for order in taken {
                    worker.obey(order);
                }
            })
            .expect("a starting module has a thread left");
        Self { orders }
    }

    /// Gives an order.
    pub(super) fn give(&self, order: Order) {
        self.orders.send(order).expect("the thread lives as long as its module");
    }
}

struct Worker {
    store: Store,
    rfs: Option<Arc<Rfs>>,
    me: u32,
    tell: Tell,
}

impl Worker {
    fn obey(&mut self, order: Order) {
        match order {
            Order::Persist(record) => self.persist(&record),
            Order::Replicate(order) => {
                if let Some(rfs) = &self.rfs {
                    replicate(rfs, self.me, order);
                }
            }
        }
        (self.tell)(News::InForce);
    }

    /// Until the record is durable the module decides nothing more.
    fn persist(&mut self, record: &Record<HISTORY>) {
        let bytes = record::encode(record);
        while let Err(error) = self.store.save(&bytes) {
            (self.tell)(News::NotDurable { why: error.to_string() });
            thread::sleep(RETRY);
        }
    }
}

fn replicate(rfs: &Rfs, me: u32, order: Stream) {
    match order {
        Stream::Gate(gate) => rfs.gate(translated(gate)),
        Stream::Source { to, generation, term } => rfs.source(to, generation, term),
        Stream::SourceStop => rfs.source_stop(),
        Stream::Drain => rfs.drain(),
        Stream::Receive { from, generation, term, aside } => rfs.receive(me, from, generation, term, aside),
        Stream::ReceiveStop => rfs.receive_stop(),
    }
}

const fn translated(gate: Gate) -> rfs::Gate {
    match gate {
        Gate::Closed => rfs::Gate::Closed,
        Gate::Held => rfs::Gate::Held,
        Gate::Alone { generation, term } => rfs::Gate::Alone { generation: generation.0, term },
        Gate::Both { generation, term } => rfs::Gate::Both { generation: generation.0, term },
    }
}
