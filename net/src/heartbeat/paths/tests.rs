use super::*;

const A: u8 = 0;
const B: u8 = 1;

fn at(ms: u64) -> Duration {
    Duration::from_millis(1_000_000 + ms)
}

fn paths(peer: u8) -> Paths {
    Paths::new(&["default", "private"], &[peer])
}

/// The first network, as node `A` would show it at `now`.
fn shown(paths: &Paths, now: Duration) -> PathView {
    paths.view(now).swap_remove(0)
}

#[test]
fn a_round_trip_leaves_out_the_time_the_peer_held_the_stamp() {
    let (mut a, mut b) = (paths(B), paths(A));
    // Two clocks that have nothing to do with each other; one way takes 3 ms, the way back 4 ms.
    let theirs = |ms: u64| Duration::from_millis(77_000 + ms);
    b.heard(1, A, theirs(3), &a.stamps(B, at(0)));
    a.heard(1, B, at(54), &b.stamps(A, theirs(50)));
    let view = a.view(at(60));
    assert_eq!(view[1].rtt_us, Some(7_000));
    assert_eq!(view[1].history_us, [7_000]);
    assert_eq!(view[1].heard, Some(at(54)));
    assert_eq!((view[0].rtt_us, view[0].heard, view[0].loss_percent), (None, None, None));
}

#[test]
fn networks_are_shown_in_order_with_their_names() {
    let paths = Paths::new(&["default", "relay"], &[B, 2]);
    let names: Vec<_> = paths.view(at(0)).into_iter().map(|view| (view.network, view.peer)).collect();
    let expected = [("default", B), ("default", 2), ("relay", B), ("relay", 2)];
    assert_eq!(names, expected.map(|(name, peer)| (name.to_owned(), peer)));
}

#[test]
fn gaps_are_losses_of_that_network_only() {
    let (mut a, mut b) = (paths(B), paths(A));
    for n in 0..100 {
        let stamps = b.stamps(A, at(n * 100));
        a.heard(1, B, at(n * 100), &stamps);
        if n % 4 != 1 {
            a.heard(0, B, at(n * 100), &stamps);
        }
    }
    let view = a.view(at(10_000));
    assert_eq!(view[0].loss_percent, Some(25.0));
    assert_eq!(view[1].loss_percent, Some(0.0));
}

#[test]
fn what_comes_late_was_not_lost_and_what_comes_twice_was_not_received_twice() {
    let (mut a, mut b) = (paths(B), paths(A));
    let stamps: Vec<_> = (0..4).map(|n| b.stamps(A, at(n))).collect();
    for n in [0, 3, 1, 3, 1] {
        a.heard(0, B, at(10), &stamps[n]);
    }
    assert_eq!(shown(&a, at(20)).loss_percent, Some(25.0), "of four, number 2 is missing");
}

#[test]
fn a_late_copy_does_not_renew_what_is_returned() {
    let (mut a, mut b) = (paths(B), paths(A));
    let (first, second) = (b.stamps(A, at(0)), b.stamps(A, at(100)));
    a.heard(0, B, at(101), &second);
    a.heard(0, B, at(190), &first);
    assert_eq!(shown(&a, at(200)).heard, Some(at(101)));
    let returned = a.stamps(B, at(200)).returned[0].unwrap();
    assert_eq!((returned.sent_us, returned.held_us), (micros(at(100)), 99_000));
}

#[test]
fn losses_are_forgotten_after_a_minute() {
    let (mut a, mut b) = (paths(B), paths(A));
    a.heard(0, B, at(0), &b.stamps(A, at(0)));
    b.stamps(A, at(100));
    a.heard(0, B, at(200), &b.stamps(A, at(200)));
    assert!(shown(&a, at(58_000)).loss_percent > Some(30.0));
    assert_eq!(shown(&a, at(61_000)).loss_percent, None, "nothing arrived in the last minute");
}

#[test]
fn a_long_silence_counts_with_its_last_minute() {
    let (mut a, mut b) = (paths(B), paths(A));
    a.heard(0, B, at(0), &b.stamps(A, at(0)));
    (1..6_000).for_each(|n| drop(b.stamps(A, at(n * 100))));
    a.heard(0, B, at(600_000), &b.stamps(A, at(600_000)));
    let lost: u64 = a.peers[0].paths[0].seconds.iter().map(|second| second.lost).sum();
    assert!((500..=600).contains(&lost), "ten heartbeats a second for a minute, not {lost}");
}

#[test]
fn a_peer_that_restarted_has_lost_nothing() {
    let (mut a, mut b) = (paths(B), paths(A));
    (0..500).for_each(|n| a.heard(0, B, at(n), &b.stamps(A, at(n))));
    let mut restarted = paths(A);
    (0..3).for_each(|n| a.heard(0, B, at(600 + n), &restarted.stamps(A, at(600))));
    let view = shown(&a, at(700));
    assert_eq!((view.loss_percent, view.heard), (Some(0.0), Some(at(602))));
}

#[test]
fn history_is_bounded_and_shows_the_slowest_of_each_second() {
    let (mut a, mut b) = (paths(B), paths(A));
    for second in 0..100 {
        for way in [1, 5, 2] {
            let sent = at(second * 1000 + way * 10);
            b.heard(0, A, sent, &a.stamps(B, sent));
            a.heard(0, B, sent + Duration::from_millis(way), &b.stamps(A, sent));
        }
    }
    assert_eq!(shown(&a, at(99_900)).history_us, [5_000; 60]);
    assert_eq!(a.peers[0].paths[0].seconds.len(), 60, "and so is what is kept");
}

#[test]
fn an_answer_from_before_this_run_measures_nothing() {
    let (mut a, mut b) = (paths(B), paths(A));
    // The stamp that comes back lies in the future of this clock.
    b.heard(0, A, at(5), &a.stamps(B, at(90_000)));
    a.heard(0, B, at(10), &b.stamps(A, at(6)));
    assert_eq!(shown(&a, at(20)).rtt_us, None);
}

#[test]
fn unknown_peers_and_networks_are_ignored() {
    let mut a = paths(B);
    a.heard(0, 9, at(0), &Stamps::default());
    a.heard(9, B, at(0), &Stamps::default());
    assert_eq!(a.stamps(9, at(0)), Stamps::default());
    assert!(a.view(at(0)).iter().all(|view| view.heard.is_none()));
}
