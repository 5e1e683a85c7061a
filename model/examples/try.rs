use safetui_core::*;
use safetui_model::{verify::Pair, world::*};
use stateright::*;
fn main() {
    let a: Vec<u64> = std::env::args().skip(1).map(|x| x.parse().unwrap()).collect();
    let g = |i: usize, d: u64| a.get(i).copied().unwrap_or(d);
    let s = Settings {
        name: "try",
        timing: Timing {
            period: 1,
            timeout: g(0, 6),
            guard: g(1, 2),
            gap: g(18, 1),
            delay: g(2, 0),
            late: g(9, 0),
            drift: g(10, 0),
            losses: g(3, 0),
        },
        witness: if g(11, 1) == 1 { Witness::Router } else { Witness::None },
        rules: if g(12, 99) < 14 { Rules::without(Rule::ALL[g(12, 99) as usize]) } else { Rules::ALL },
        budget: Budget {
            crashes: g(4, 0) as u8,
            cuts: g(5, 0) as u8,
            losses: g(6, 0) as u8,
            pauses: g(7, 0) as u8,
            skews: g(13, 0) as u8,
            swaps: g(8, 0) as u8,
            detours: g(19, 0) as u8,
        },
        delay: g(2, 0) as u8,
        relay: g(14, 1) == 1,
        direct_cuts: g(15, 0) == 1,
        one_way: g(16, 0) == 1,
        torn: g(20, 1) == 1,
        start: [Start::Ready, Start::First, Start::Stray][g(17, 0) as usize],
    };
    println!("{:?} check {:?} echo {}", s.budget, s.timing.check(), s.timing.echo());
    let t = std::time::Instant::now();
    let c = Pair::new(s).checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    println!(
        "unique {} gen {} depth {} {:.1}s",
        c.unique_state_count(),
        c.state_count(),
        c.max_depth(),
        t.elapsed().as_secs_f64()
    );
    for (n, p) in c.discoveries() {
        println!("== {n}: {} steps", p.clone().into_actions().len());
        if a.get(21).is_some()
            || !(n.contains("takeover")
                || n.contains("contest")
                || n.contains("again")
                || n.contains("a write"))
        {
            for s in p.into_actions() {
                println!("   {s:?}");
            }
        }
    }
}
