fn main() {
    let report = safetui_model::verify::verify(2, &mut |what| eprintln!("{what}"));
    for w in &report.worlds {
        println!("{:<50} {:>9} {:.1}s {}", w.name, w.states, w.seconds, w.complete);
    }
    for p in &report.properties {
        println!("{:?} {} {}", p.verdict, p.name, p.states);
        for l in &p.story {
            println!("    {l}");
        }
    }
    for m in &report.mutants {
        println!("{:<12} {:?} {} in {}", m.rule, m.refuted_by, m.length, m.world);
    }
    println!("{} {:.0}/s", report.states, report.states_per_second);
}
